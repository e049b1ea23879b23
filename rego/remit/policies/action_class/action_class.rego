# METADATA
# title: Action class
# description: |
#   Who may do what, from where, and how long into a session: action class (read, query, update, admin) × role × origin × session
#   age. The table is `data.remit.config.roles` and `data.remit.config.classes`.
# schemas:
#   - input: schema.input
package remit.policies.action_class

# METADATA
# title: A role permits the class
# description: A role of the subject has the tool's action class in `data.remit.config.roles`.
# custom:
#   code: role_permits
#   message: "allowed by role "
#   remedy: ""
#   controls: [OWASP-NHI-05, NIST-800-207]
reason["role_permits"] := rego.metadata.rule().custom

# METADATA
# title: No role permits the class
# description: No role of the subject has the tool's action class in `data.remit.config.roles`.
# custom:
#   code: role_not_permitted
#   rank: 30
#   message: "no role of the subject may do this action class: "
#   remedy: ask the operator for a role that may, or use a tool of a lower action class
#   controls: [OWASP-ASI02, OWASP-ASI03, OWASP-NHI-05, NIST-800-207]
reason["role_not_permitted"] := rego.metadata.rule().custom

# METADATA
# title: The origin is not permitted
# description: The class is limited to networks, and the request's origin is unknown or in none of them.
# custom:
#   code: origin_not_permitted
#   rank: 40
#   message: "this action class is not permitted from here; class: "
#   remedy: call from a permitted network, and have the enforcement point state the origin address
#   controls: [OWASP-ASI03, OWASP-NHI-08, NIST-800-207]
reason["origin_not_permitted"] := rego.metadata.rule().custom

# METADATA
# title: A session is required
# description: The class is limited by session age, and no session was stated or its age is not known.
# custom:
#   code: session_required
#   rank: 41
#   message: "this action class needs a session of known age; class: "
#   remedy: state the session of the conversation with the call
#   controls: [OWASP-ASI02, NIST-800-207]
reason["session_required"] := rego.metadata.rule().custom

# METADATA
# title: The session is too old
# description: The session has lasted longer than the class permits.
# custom:
#   code: session_too_old
#   rank: 42
#   message: "the session is too old for this action class: "
#   remedy: start a new session
#   controls: [OWASP-ASI02, OWASP-NHI-07, NIST-800-207]
reason["session_too_old"] := rego.metadata.rule().custom

# METADATA
# title: Allow by role
# description: The only allow among the shipped policies; every other policy narrows it.
allow contains object.union(reason.role_permits, {"detail": concat("", ["`", role, "`"])}) if {
	some role in input.subject.roles
	data.remit.config.roles[role][input.tool.class] == true
}

# METADATA
# title: Deny what no role permits
# description: See `role_not_permitted`.
deny contains _of_class(reason.role_not_permitted) if count(allow) == 0

# METADATA
# title: Deny by origin
# description: See `origin_not_permitted`.
deny contains _of_class(reason.origin_not_permitted) if not _origin_permitted

# METADATA
# title: Deny without a session
# description: See `session_required`.
deny contains _of_class(reason.session_required) if {
	not _any_age_permitted
	not _age_known
}

# METADATA
# title: Deny by session age
# description: See `session_too_old`.
deny contains _of_class(reason.session_too_old) if {
	not _any_age_permitted
	_age_known
	not _age_permitted
}

_limits := data.remit.config.classes[input.tool.class]

_origin_permitted if _limits.networks == null

# A builtin that fails would deny the call without saying why.
_origin_permitted if {
	is_string(input.request.origin.ip)
	_is_address(input.request.origin.ip)
	some network in _limits.networks
	net.cidr_contains(network, input.request.origin.ip)
}

_is_address(text) if {
	some prefix in {"32", "128"}
	net.cidr_is_valid(concat("/", [text, prefix]))
}

_any_age_permitted if _limits.session_age_s_max == null

_age_known if is_number(input.session.age_s)

_age_permitted if {
	is_number(_limits.session_age_s_max)
	input.session.age_s <= _limits.session_age_s_max
}

_of_class(reason) := object.union(reason, {"detail": concat("", ["`", object.get(input, ["tool", "class"], ""), "`"])})
