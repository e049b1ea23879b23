# METADATA
# title: Destructive actions and administration
# description: |
#   An `admin` tool, a tool annotated as destructive, and a tool whose name holds a destructive verb (`data.remit.config.destructive.verbs`)
#   need a recent strong authentication of the subject: an `acr` or `amr` of `data.remit.config.step_up` in a verified token, not older
#   than `auth_age_s_max`. Annotations only ever tighten here, so it does not matter who states them. Tools that the catalog
#   classes `read` or `query` are not judged by their name; `exempt_tools` takes single tools out, by `server/name`. Every name counts
#   as destructive while `verbs` is not an object of words, and no authentication is strong while `step_up` is malformed.
# schemas:
#   - input: schema.input
package remit.policies.destructive

import data.remit.facts

# METADATA
# title: Step-up is required
# description: The action is destructive or administrative, and the subject has not authenticated strongly and recently.
# custom:
#   code: step_up_required
#   rank: 45
#   message: this action is destructive or administrative and needs a recent strong authentication
#   remedy: authenticate again with one of the listed `acr_values` and send the new token
#   controls: [OWASP-ASI02, OWASP-ASI03, OWASP-NHI-04, NIST-800-207]
reason["step_up_required"] := rego.metadata.rule().custom

# METADATA
# title: Deny without step-up
# description: See `step_up_required`.
deny contains object.union(reason.step_up_required, {"step_up": {"acr_values": _acr_values}}) if {
	_destructive
	not _stepped_up
}

_destructive if input.tool.class == "admin"

_destructive if {
	not _exempt
	input.call.annotations.destructiveHint == true
}

_destructive if {
	not _judged_harmless
	not _exempt
	_named_destructive
}

_judged_harmless if {
	input.tool.class_source == "catalog"
	input.tool.class in {"read", "query"}
}

_exempt if {
	is_string(input.call.server)
	data.remit.config.destructive.exempt_tools[concat("/", [input.call.server, input.call.tool])] == true
}

_named_destructive if not _verbs_known

# `delete_user`, `users.delete`, `DELETE-USER`
_named_destructive if {
	some word in split(_spaced(lower(input.call.tool)), " ")
	data.remit.config.destructive.verbs[word]
}

# `bulkDeleteUsers`
_named_destructive if {
	some capitalised in data.remit.config.destructive.verbs
	contains(input.call.tool, capitalised)
}

# `deleteUser`
_named_destructive if {
	some verb, _ in data.remit.config.destructive.verbs
	startswith(input.call.tool, verb)
	next := substring(input.call.tool, count(verb), 1)
	next != lower(next)
}

_verbs_known if {
	is_object(data.remit.config.destructive.verbs)
	every capitalised in data.remit.config.destructive.verbs {
		is_string(capitalised)
	}
}

_spaced(name) := strings.replace_n({"_": " ", "-": " ", ".": " ", "/": " ", ":": " "}, name)

_stepped_up if {
	input.token.verified == true
	_strong
	is_number(input.token.auth_age_s)
	is_number(data.remit.config.step_up.auth_age_s_max)
	input.token.auth_age_s <= data.remit.config.step_up.auth_age_s_max
}

_strong if input.token.acr in _acr_values

_strong if {
	some method in input.token.amr
	data.remit.config.step_up.amr[method] == true
}

# A missing or malformed list must not silence the deny that names it.
default _acr_values := []

_acr_values := data.remit.config.step_up.acr_values if facts.names(data.remit.config.step_up.acr_values)
