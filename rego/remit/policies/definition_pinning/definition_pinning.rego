# METADATA
# title: Definition pinning
# description: |
#   The text by which a tool describes itself steers the agent, so it must stay as it was reviewed: as the catalog's `definition_digest`
#   says, and as it was at the tool's first allowed call in the session.
# schemas:
#   - input: schema.input
package remit.policies.definition_pinning

# METADATA
# title: The definition changed
# description: The tool's definition is another than at its first allowed call in this session, or its digest is no longer stated.
# custom:
#   code: definition_changed
#   rank: 7
#   message: the tool's definition is not what it was earlier in this session
#   remedy: "stop using the tool and tell the operator: its server may have been replaced or compromised"
#   controls: [OWASP-ASI02, OWASP-ASI04, NIST-800-207]
reason["definition_changed"] := rego.metadata.rule().custom

# METADATA
# title: The definition is not the one reviewed
# description: The catalog pins the tool's definition, and the call states another digest or none.
# custom:
#   code: definition_not_pinned
#   rank: 6
#   message: the tool's definition is not the one that the catalog pins
#   remedy: have the operator review the tool's definition, and have the enforcement point state its digest
#   controls: [OWASP-ASI02, OWASP-ASI04, NIST-800-207]
reason["definition_not_pinned"] := rego.metadata.rule().custom

# METADATA
# title: Deny a definition that changed
# description: See `definition_changed`.
deny contains reason.definition_changed if {
	input.session.pinned_digest != null
	not _as_before
}

# METADATA
# title: Deny a definition that was not reviewed
# description: See `definition_not_pinned`.
deny contains reason.definition_not_pinned if {
	input.tool.definition_digest != null
	not _as_reviewed
}

_as_before if input.call.definition_digest == input.session.pinned_digest

_as_reviewed if input.call.definition_digest == input.tool.definition_digest
