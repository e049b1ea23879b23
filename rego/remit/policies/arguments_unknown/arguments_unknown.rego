# METADATA
# title: Unknown arguments
# description: |
#   When the enforcement point could not forward the arguments (no body, truncated, not JSON) nothing is guessed: only plain reads whose
#   arguments decide nothing may pass.
# schemas:
#   - input: schema.input
package remit.policies.arguments_unknown

# METADATA
# title: The arguments are unknown
# description: The call cannot be judged without its arguments.
# custom:
#   code: arguments_unknown
#   rank: 25
#   message: the arguments of this call are not known, and the decision depends on them
#   remedy: have the enforcement point forward the whole request body
#   controls: [OWASP-ASI02, NIST-800-207]
reason["arguments_unknown"] := rego.metadata.rule().custom

# METADATA
# title: Deny what cannot be judged without arguments
# description: See `arguments_unknown`.
deny contains reason.arguments_unknown if {
	not _known
	not _plain_read
}

_known if input.call.arguments_known == true

_plain_read if {
	input.tool.class == "read"
	input.tool.destinations == []
	input.tool.amounts == []
	input.tool.queries == []
	input.tool.page_sizes == []
	input.tool.external == false
}
