# METADATA
# title: Unknown tools
# description: |
#   A tool that the catalog (`data.remit.catalog.tools`) does not describe is denied. With `data.remit.config.unknown_tools.annotated_reads`
#   a tool is exempt when an enforcement point whose annotations are believed says that it only reads.
# schemas:
#   - input: schema.input
package remit.policies.unknown_tools

# METADATA
# title: The tool is unknown
# description: The catalog has no entry for the tool.
# custom:
#   code: tool_unknown
#   rank: 5
#   message: "the tool is not in the catalog: "
#   remedy: have the operator describe the tool in the catalog
#   controls: [OWASP-ASI02, OWASP-ASI04, NIST-800-207]
reason["tool_unknown"] := rego.metadata.rule().custom

# METADATA
# title: Deny unknown tools
# description: See `tool_unknown`.
deny contains object.union(reason.tool_unknown, {"detail": concat("", ["`", _name, "`"])}) if {
	not _known
	not _annotated_read
}

_known if input.tool.known == true

_annotated_read if {
	data.remit.config.unknown_tools.annotated_reads == true
	input.call.annotations_trusted == true
	input.tool.class_source == "annotations"
	input.tool.class == "read"
}

_name := concat("/", [input.call.server, input.call.tool]) if {
	is_string(input.call.server)
} else := object.get(input, ["call", "tool"], "")
