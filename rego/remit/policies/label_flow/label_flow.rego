# METADATA
# title: Label flow
# description: |
#   Untrusted content, confidential data and a way out in one session are what an attacker needs. Once a session has seen both, a tool
#   that reaches outside may go only where the task or trusted content says. A tool that declares no destinations could go anywhere.
# schemas:
#   - input: schema.input
package remit.policies.label_flow

import data.remit.facts

# METADATA
# title: Untrusted content, confidential data and a way out
# description: The session has seen untrusted content and confidential data, and neither the task nor trusted content says where this goes.
# custom:
#   code: trifecta
#   rank: 55
#   message: the session has seen untrusted content and confidential data, and nothing trusted says where this call would carry it
#   remedy: use a destination that the user names in the task, or have the call approved
#   controls: [OWASP-ASI01, OWASP-ASI02, OWASP-NHI-02, NIST-800-207]
reason["trifecta"] := rego.metadata.rule().custom

# METADATA
# title: Deny changes outside without declared destinations
# description: See `trifecta`.
deny contains reason.trifecta if {
	_way_out
	input.tool.destinations == []
	facts.changes
}

# METADATA
# title: Ask about ways out
# scope: document
# description: See `trifecta`.
ask contains reason.trifecta if {
	_way_out
	input.tool.destinations == []
	not facts.changes
}

ask contains reason.trifecta if {
	_way_out
	some value in input.values
	value.role == "destination"
	value.origin != "task"
	value.origin != "trusted"
	value.vouched == false
}

_way_out if {
	input.tool.external == true
	facts.untrusted_seen
	facts.confidential_seen
}
