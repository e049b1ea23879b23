# METADATA
# title: Destinations
# description: |
#   Who gets data, money or access must not be decided by text that anybody may have written. Over the arguments that the catalog calls
#   destinations, of tools that change something or reach outside. A value that is `vouched` for spells a name that the user
#   or trusted content gave, so it passes. `data.remit.config.destinations.amount_max` is the amount from which a call is a
#   large one where the catalog's `limits` say nothing.
# schemas:
#   - input: schema.input
package remit.policies.destinations

import data.remit.facts

# METADATA
# title: Confidential data to an untrusted destination
# description: Only untrusted content names the destination, and the session has seen confidential data that the tool could carry outside.
# custom:
#   code: destination_untrusted_with_data
#   rank: 50
#   message: "the session has seen confidential data, and only untrusted content names the destination in "
#   remedy: use a destination that the user names in the task, in a session that has seen no confidential data
#   controls: [OWASP-ASI01, OWASP-ASI02, OWASP-NHI-02, NIST-800-207]
reason["destination_untrusted_with_data"] := rego.metadata.rule().custom

# METADATA
# title: A large amount to an untrusted destination
# description: Only untrusted content names the destination, and the amount is above its limit, left out, or cannot be read.
# custom:
#   code: destination_untrusted_large_amount
#   rank: 51
#   message: "the amount is large, and only untrusted content names the destination in "
#   remedy: use a destination that the user names in the task
#   controls: [OWASP-ASI01, OWASP-ASI02, NIST-800-207]
reason["destination_untrusted_large_amount"] := rego.metadata.rule().custom

# METADATA
# title: An untrusted destination
# description: Only untrusted content names the destination.
# custom:
#   code: destination_untrusted
#   rank: 52
#   message: "only untrusted content names the destination in "
#   remedy: ask the user whether this destination is right, and have the call approved
#   controls: [OWASP-ASI01, OWASP-ASI02, NIST-800-207]
reason["destination_untrusted"] := rego.metadata.rule().custom

# METADATA
# title: A destination that nothing explains
# description: The session has seen untrusted content, and neither the task nor any result names this destination outside.
# custom:
#   code: destination_unexplained
#   rank: 53
#   message: "the session has seen untrusted content, and nothing says where the destination comes from in "
#   remedy: ask the user whether this destination is right, and have the call approved
#   controls: [OWASP-ASI01, OWASP-ASI02, NIST-800-207]
reason["destination_unexplained"] := rego.metadata.rule().custom

# METADATA
# title: An untrusted link in a text
# description: A text argument holds a link or an account number that only untrusted content names; whoever reads it may follow it.
# custom:
#   code: content_link_untrusted
#   rank: 54
#   message: "a text of the call holds what only untrusted content names: "
#   remedy: ask the user whether the text is right, and have the call approved
#   controls: [OWASP-ASI01, OWASP-ASI09, NIST-800-207]
reason["content_link_untrusted"] := rego.metadata.rule().custom

# METADATA
# title: Deny confidential data to untrusted destinations
# description: See `destination_untrusted_with_data`.
deny contains _to(reason.destination_untrusted_with_data, _untrusted) if {
	_any_untrusted
	_carries_data
}

# METADATA
# title: Deny large amounts to untrusted destinations
# description: See `destination_untrusted_large_amount`.
deny contains _to(reason.destination_untrusted_large_amount, _untrusted) if {
	_any_untrusted
	_large
}

# METADATA
# title: Ask about untrusted destinations
# description: See `destination_untrusted`.
ask contains _to(reason.destination_untrusted, _untrusted) if {
	_any_untrusted
	not _carries_data
	not _large
}

# METADATA
# title: Ask about destinations that nothing explains
# description: See `destination_unexplained`.
ask contains _to(reason.destination_unexplained, _unexplained) if count(_unexplained) > 0

# METADATA
# title: Ask about untrusted links
# description: See `content_link_untrusted`.
ask contains _to(reason.content_link_untrusted, _links) if count(_links) > 0

_to(reason, names) := object.union(reason, {"detail": facts.listed(names)})

_any_untrusted if count(_untrusted) > 0

_untrusted contains pointer if {
	some pointer, value in input.values
	value.origin == "untrusted"
	value.role == "destination"
	value.vouched == false
	facts.acts
}

_carries_data if {
	input.tool.external == true
	facts.confidential_seen
}

# More amounts than small ones: what is left out, or cannot be compared, is large.
_large if count(input.tool.amounts) > count(_small)

_small contains pointer if {
	some pointer, amount in facts.countable_amounts
	limit := object.get(input.tool.limits, pointer, data.remit.config.destinations.amount_max)
	is_number(limit)
	amount <= limit
}

_unexplained contains pointer if {
	input.tool.external == true
	facts.untrusted_seen
	some pointer, value in input.values
	value.origin == "unknown"
	value.role == "destination"
}

_links contains _link[entry.kind] if {
	some entry in input.embedded
	entry.origin == "untrusted"
	facts.acts
}

_link := {"url": "a link", "account": "an account number"}
