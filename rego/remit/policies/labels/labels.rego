# METADATA
# title: Labels
# description: |
#   A session carries a label for everything that a tool returned to it, from the moment the call is allowed: `untrusted`,
#   `confidential`, `pii`, and whatever else the catalog's `returns` names. It keeps them until it ends. A tool that reads and of which
#   the catalog does not say where its results come from returns `untrusted`.
# schemas:
#   - input: schema.input
package remit.policies.labels

import data.remit.facts

# METADATA
# title: Label the session
# description: "`trusted` says where values come from, and is no label."
effect contains {"labels_add": labels, "counters": {}} if {
	labels := [label | some label in facts.labels_returned]
	count(labels) > 0
}
