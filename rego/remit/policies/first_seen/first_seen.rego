# METADATA
# title: First use of a destination
# description: |
#   A large amount to a destination that this agent has never used for this subject, in any session, needs an approval, unless the task
#   names the destination. Large is what is above `data.remit.config.first_seen.amount_max`, is left out, or cannot be read. Only for
#   tools of class `update` and `admin` that have amounts.
# schemas:
#   - input: schema.input
package remit.policies.first_seen

import data.remit.facts

# METADATA
# title: A large amount to a new destination
# description: The destination was never used before, the task does not name it, and the amount is large.
# custom:
#   code: destination_first_seen
#   rank: 57
#   message: "the amount is large, and this destination was never used before; it is in "
#   remedy: ask the user whether this destination is right, and have the call approved
#   controls: [OWASP-ASI01, OWASP-ASI02, NIST-800-207]
reason["destination_first_seen"] := rego.metadata.rule().custom

# METADATA
# title: Ask about large amounts to new destinations
# description: See `destination_first_seen`.
ask contains object.union(reason.destination_first_seen, {"detail": facts.listed(_new)}) if {
	count(_new) > 0
	_large
}

_new contains pointer if {
	some pointer, value in input.values
	value.role == "destination"
	value.used_before == false
	value.origin != "task"
	facts.changes
}

# More amounts than small ones: what is left out, or cannot be compared, is large.
_large if count(input.tool.amounts) > count(_small)

_small contains pointer if {
	is_number(data.remit.config.first_seen.amount_max)
	some pointer, amount in facts.countable_amounts
	amount <= data.remit.config.first_seen.amount_max
}
