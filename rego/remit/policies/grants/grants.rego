# METADATA
# title: Grants
# description: |
#   A session that was declared for something (`PUT /sessions/{id}`) may do that and nothing else: its tools, classes, destinations,
#   budgets and end. A grant's budgets are `calls` (allowed calls), `calls:<class>` (those of a class) and `amount` (the sum of what
#   the catalog calls amounts). `data.remit.config.grants.required` says by class whether there must be a grant.
# schemas:
#   - input: schema.input
package remit.policies.grants

import data.remit.facts

# METADATA
# title: A grant is required
# description: The class needs a session that was declared for something, and this one was not.
# custom:
#   code: grant_missing
#   rank: 15
#   message: nothing says what this session is for, and this action class needs that
#   remedy: have the orchestrator declare the session with a grant before the agent acts
#   controls: [OWASP-ASI01, OWASP-ASI03, NIST-800-207]
reason["grant_missing"] := rego.metadata.rule().custom

# METADATA
# title: The grant has expired
# description: The end that the session's grant states has passed.
# custom:
#   code: grant_expired
#   rank: 16
#   message: the session's grant has expired
#   remedy: begin a new session with a grant of its own
#   controls: [OWASP-ASI03, OWASP-NHI-07, NIST-800-207]
reason["grant_expired"] := rego.metadata.rule().custom

# METADATA
# title: The tool is not granted
# description: The grant lists tools, and this one is not among them.
# custom:
#   code: tool_outside_grant
#   rank: 17
#   message: "the session's grant does not cover the tool: "
#   remedy: use the granted tools, or have a person approve a wider grant
#   controls: [OWASP-ASI01, OWASP-ASI02, OWASP-NHI-05, NIST-800-207]
reason["tool_outside_grant"] := rego.metadata.rule().custom

# METADATA
# title: The class is not granted
# description: The grant lists action classes, and the tool's is not among them.
# custom:
#   code: class_outside_grant
#   rank: 18
#   message: "the session's grant does not cover the action class: "
#   remedy: use tools of the granted classes, or have a person approve a wider grant
#   controls: [OWASP-ASI01, OWASP-ASI02, OWASP-NHI-05, NIST-800-207]
reason["class_outside_grant"] := rego.metadata.rule().custom

# METADATA
# title: The destination is not granted
# description: The grant lists destinations, and one of the call's is not among them.
# custom:
#   code: destination_outside_grant
#   rank: 19
#   message: "the session's grant does not cover the destination in "
#   remedy: use the granted destinations, or have a person approve a wider grant
#   controls: [OWASP-ASI01, OWASP-ASI02, OWASP-NHI-05, NIST-800-207]
reason["destination_outside_grant"] := rego.metadata.rule().custom

# METADATA
# title: A budget of the grant is used up
# description: With this call the session would use more than its grant gives.
# custom:
#   code: grant_budget_exceeded
#   rank: 20
#   message: "with this call the session would use more than its grant gives: "
#   remedy: begin a new session with a grant of its own, or have a person approve a wider grant
#   controls: [OWASP-ASI02, OWASP-ASI08, NIST-800-207]
reason["grant_budget_exceeded"] := rego.metadata.rule().custom

# METADATA
# title: A budget of the grant is unknown
# description: The grant names a budget that nothing counts; a limit that is not kept is no limit.
# custom:
#   code: grant_budget_unknown
#   rank: 21
#   message: "the session's grant names budgets that nothing counts: "
#   remedy: begin a new session whose grant has the budgets `calls`, `calls:<class>` or `amount` only
#   controls: [OWASP-ASI08, NIST-800-207]
reason["grant_budget_unknown"] := rego.metadata.rule().custom

# METADATA
# title: Deny without a grant
# description: See `grant_missing`.
deny contains reason.grant_missing if {
	is_null(input.session.grant)
	not data.remit.config.grants.required[input.tool.class] == false
}

# METADATA
# title: Deny after the grant's end
# description: See `grant_expired`.
deny contains reason.grant_expired if {
	is_number(_grant.expires_in_s)
	_grant.expires_in_s <= 0
}

# METADATA
# title: Deny other tools
# description: See `tool_outside_grant`.
deny contains object.union(reason.tool_outside_grant, {"detail": facts.listed([facts.tool_name])}) if {
	_grant.tools != null
	not _tool_granted
}

# METADATA
# title: Deny other classes
# description: See `class_outside_grant`.
deny contains object.union(reason.class_outside_grant, {"detail": facts.listed([input.tool.class])}) if {
	_grant.classes != null
	not _class_granted
}

# METADATA
# title: Deny other destinations
# description: See `destination_outside_grant`.
deny contains object.union(reason.destination_outside_grant, {"detail": facts.listed(_strange)}) if count(_strange) > 0

# METADATA
# title: Deny beyond the grant's budgets
# description: See `grant_budget_exceeded`.
deny contains object.union(reason.grant_budget_exceeded, {"detail": facts.listed(exceeded)}) if {
	exceeded := [trim_prefix(counter, "grant.") | some counter, null in _uses]
	count(exceeded) > 0
}

# METADATA
# title: Deny budgets that nothing counts
# description: See `grant_budget_unknown`.
deny contains object.union(reason.grant_budget_unknown, {"detail": facts.listed(unknown)}) if {
	unknown := [name | some name, _ in _grant.budgets; not _known(name)]
	count(unknown) > 0
}

# METADATA
# title: Count against the grant
# description: Steps of the counters `grant.<budget>`, reserved together with the allow.
effect contains {"labels_add": [], "counters": _uses} if count(_uses) > 0

# A grant that is null has no members, and every rule about it ends at once.
_grant := input.session.grant

_tool_granted if facts.covers(_grant.tools)

_class_granted if input.tool.class in _grant.classes

_strange contains pointer if {
	_grant.destinations_limited == true
	some pointer, value in input.values
	value.role == "destination"
	value.granted != true
}

# What this call uses of each budget of the grant that counts it, by counter; null when there is not enough left. What was never used has
# no counter yet.
_uses[counter] := use if {
	some name, limit in _grant.budgets
	step := _step(name)
	not facts.question
	counter := concat("", ["grant.", name])
	use := _use(object.get(input.session.budgets, [counter, "used"], 0), step, limit)
}

_use(used, step, limit) := {"add": step, "max": limit} if {
	facts.within(used, step, limit)
} else := null

_step("calls") := 1

_step("amount") := facts.amount_sum if count(input.tool.amounts) > 0

_step(name) := 1 if name == concat("", ["calls:", input.tool.class])

_known("calls")

_known("amount")

_known(name) if {
	startswith(name, "calls:")
	data.remit.config.classes[trim_prefix(name, "calls:")]
}
