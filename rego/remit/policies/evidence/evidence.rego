# METADATA
# title: Evidence
# description: |
#   Some tools act on something that must have been looked at before: a refund on an order that was read in this session. The catalog's
#   `requires` names the tool that must have completed, and the argument whose value its call or its result must have held.
# schemas:
#   - input: schema.input
package remit.policies.evidence

import data.remit.facts

# METADATA
# title: Evidence is missing
# description: A tool that must have completed in this session has not, or has not shown the value of the argument.
# custom:
#   code: evidence_missing
#   rank: 27
#   message: "this tool needs what the session has not seen: "
#   remedy: call the named tool first, for the same value, and have its outcome reported
#   controls: [OWASP-ASI02, OWASP-ASI09, NIST-800-207]
reason["evidence_missing"] := rego.metadata.rule().custom

# METADATA
# title: Deny without evidence
# description: See `evidence_missing`.
deny contains object.union(reason.evidence_missing, {"detail": facts.listed(_missing)}) if count(_missing) > 0

# A question is asked before anything was looked at.
_missing contains _requirement(required.tool, required.argument) if {
	some required in input.tool.requires
	required.met != true
	not facts.question
}

_requirement(tool, null) := tool

_requirement(tool, argument) := concat(" ", [tool, "for", argument]) if is_string(argument)
