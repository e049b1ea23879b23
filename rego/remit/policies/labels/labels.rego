# METADATA
# title: Labels
# description: |
#   A session carries a label for everything that a tool returned to it, from the moment the call is allowed: `untrusted`,
#   `confidential`, `pii`, and whatever else the catalog's `returns` name. It keeps them until it ends.
# schemas:
#   - input: schema.input
package remit.policies.labels

# METADATA
# title: Label the session
# description: "`trusted` says where values come from, and is no label."
effect contains {"labels_add": labels, "counters": {}} if {
	labels := [label | some label in input.tool.returns; label != "trusted"]
	count(labels) > 0
}
