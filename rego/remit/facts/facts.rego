# METADATA
# title: Facts
# description: What several policies ask of one call. Each rule is evaluated once per decision, however many policies ask for it.
# schemas:
#   - input: schema.input
package remit.facts

# METADATA
# title: Name of the tool
# description: "`server/name`, or the name alone when no server is known; the catalog, grants, budgets and counts name tools so."
tool_name := concat("/", [input.call.server, input.call.tool]) if {
	is_string(input.call.server)
} else := object.get(input, ["call", "tool"], "")

# METADATA
# title: The call is a question
# description: The listings of MCP run nothing, so they use up nothing. A closed list, as the service has it.
question if input.call.method in {
	"tools/list",
	"resources/list",
	"resources/templates/list",
	"prompts/list",
	"roots/list",
	"tasks/list",
}

# METADATA
# title: The tool changes something
# scope: document
# description: Its class is `update` or `admin`.
changes if input.tool.class == "update"

changes if input.tool.class == "admin"

# METADATA
# title: The tool acts
# scope: document
# description: It changes something, or it reaches outside, where even the address that is read from carries data out.
acts if changes

acts if input.tool.external == true

# METADATA
# title: The session has seen untrusted content
# description: It carries the label `untrusted`.
untrusted_seen if "untrusted" in input.session.labels

# METADATA
# title: Labels of the result
# scope: document
# description: |
#   Those that the catalog's `returns` names. What a tool of class `read` or `query` returns is `untrusted` too, unless `returns` says
#   `trusted`; what other classes return is an acknowledgement. Whatever a tool returns that is not in the catalog is `untrusted`.
labels_returned contains label if {
	some label in input.tool.returns
	label != "trusted"
}

labels_returned contains "untrusted" if {
	not "trusted" in input.tool.returns
	not changes
}

labels_returned contains "untrusted" if input.tool.class_source != "catalog"

# METADATA
# title: The session has seen confidential data
# description: It carries a label of `data.remit.config.labels.confidential`; any label when that is no list of names.
confidential_seen if {
	some label in input.session.labels
	_confidential(label)
}

# METADATA
# title: The tool returns confidential data
# description: Its catalog entry names a label of `data.remit.config.labels.confidential`.
confidential_returned if {
	some label in input.tool.returns
	_confidential(label)
}

# METADATA
# title: Amounts in the call
# description: Pointer to value of each argument that the catalog calls an amount and that the call has.
amounts[pointer] := value if {
	some pointer, value in input.values
	value.role == "amount"
}

# METADATA
# title: Amounts that can be counted
# description: Those of `amounts` that are numbers and not negative.
countable_amounts[pointer] := value.amount if {
	some pointer, value in amounts
	is_number(value.amount)
	value.amount >= 0
}

# METADATA
# title: Sum of the amounts
# description: Of those that can be counted.
amount_sum := sum([amount | some amount in countable_amounts])

# METADATA
# title: A list of tools covers the tool
# scope: document
# description: An entry is a `tool_name`, or the beginning of one before a `*`.
covers(entries) if tool_name in entries

covers(entries) if {
	some entry in entries
	is_string(entry)
	endswith(entry, "*")
	startswith(tool_name, trim_suffix(entry, "*"))
}

# METADATA
# title: A step stays within a limit
# description: Decimals are added exactly. Anything but numbers is not within.
within(used, step, limit) if {
	is_number(used)
	is_number(step)
	is_number(limit)
	used + step <= limit
}

# METADATA
# title: A list of names
# description: Nothing but strings. What a list says that holds anything else is not known.
names(value) if {
	is_array(value)
	every name in value {
		is_string(name)
	}
}

# METADATA
# title: Names in a sentence
# description: The first eight, sorted, each between backticks.
listed(names) := concat(", ", [concat("", ["`", name, "`"]) | some name in array.slice(sort(names), 0, 8)])

_confidential(label) if label in data.remit.config.labels.confidential

_confidential(label) if {
	not _confidential_listed
	label != "trusted"
}

_confidential_listed if names(data.remit.config.labels.confidential)
