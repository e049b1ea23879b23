# METADATA
# title: Input integrity
# description: |
#   A missing or mistyped field makes a deny rule silent. This policy denies such an input as a whole, so that no other policy has to
#   think of it, and names the parts of the input that are wrong.
# schemas:
#   - input: schema.input
package remit.policies.input_integrity

# METADATA
# title: The input is malformed
# description: A field that policies rely on is missing, has the wrong type, or contradicts another.
# custom:
#   code: input_malformed
#   rank: 0
#   message: "a field that the decision depends on is missing or malformed: "
#   remedy: "tell the operator: the service and the policies disagree about the input"
#   controls: [NIST-800-207]
reason["input_malformed"] := rego.metadata.rule().custom

# METADATA
# title: Deny malformed input
# description: See `input_malformed`.
deny contains object.union(reason.input_malformed, {"detail": concat(", ", sort(_faults))}) if count(_faults) > 0

# `not is_string(input.nonce)` would be undefined, not true, when the nonce is missing: only rules without arguments are negated.

_faults contains "version" if not _version_sound

_faults contains "nonce" if not _nonce_sound

_faults contains "call" if not _call_sound

_faults contains "tool" if not _tool_sound

_faults contains "subject" if not _subject_sound

_faults contains "agent" if not _agent_sound

_faults contains "token" if not _token_sound

_faults contains "token" if not _token_consistent

_faults contains "session" if not _session_sound

_faults contains "session" if not _session_consistent

_faults contains "session" if not _grant_sound

_faults contains "provenance" if not _provenance_sound

_faults contains "values" if not _values_sound

_faults contains "values" if not _values_consistent

_faults contains "embedded" if not _embedded_sound

_faults contains "request" if not _request_sound

_faults contains "context" if not _context_sound

_version_sound if input.version == 1

_nonce_sound if is_string(input.nonce)

_context_sound if is_object(input.context)

_call_sound if {
	is_string(input.call.method)
	_string_or_null(input.call.server)
	is_string(input.call.tool)
	input.call.tool != ""
	is_object(input.call.arguments)
	is_boolean(input.call.arguments_known)
	is_object(input.call.annotations)
	is_boolean(input.call.annotations_trusted)
	_string_or_null(input.call.definition_digest)
}

_tool_sound if {
	is_boolean(input.tool.known)
	_class(input.tool.class)
	input.tool.class_source in {"catalog", "annotations", "default"}
	_strings(input.tool.returns)
	_strings(input.tool.destinations)
	_strings(input.tool.amounts)
	_strings(input.tool.queries)
	is_boolean(input.tool.external)
	_numbers(input.tool.limits)
	_strings(input.tool.page_sizes)
	_string_or_null(input.tool.definition_digest)
	_boolean_or_null(input.tool.asked_for)
	is_array(input.tool.requires)
	every requirement in input.tool.requires {
		is_string(requirement.tool)
		_string_or_null(requirement.argument)
		is_boolean(requirement.met)
	}
}

_subject_sound if {
	_string_or_null(input.subject.type)
	_string_or_null(input.subject.id)
	_strings(input.subject.roles)
	_strings(input.subject.groups)
	is_boolean(input.subject.verified)
	is_object(input.subject.properties)
}

_agent_sound if {
	_string_or_null(input.agent.id)
	is_boolean(input.agent.verified)
	_strings(input.agent.chain)
	is_object(input.agent.properties)
}

_token_sound if {
	is_boolean(input.token.present)
	is_boolean(input.token.verified)
	_string_or_null(input.token.failure)
	_string_or_null(input.token.issuer)
	_strings(input.token.audience)
	_strings(input.token.scopes)
	_string_or_null(input.token.acr)
	_strings(input.token.amr)
	_size_or_null(input.token.auth_time)
	_size_or_null(input.token.auth_age_s)
	_size_or_null(input.token.age_s)
	_number_or_null(input.token.expires_in_s)
	is_boolean(input.token.sender_constrained)
	is_array(input.token.authorization_details)
	is_object(input.token.claims)
}

# Identity that claims to be verified rests on a verified token, and a verified token was present and did not fail.
_token_consistent if {
	input.token.verified == true
	input.token.present == true
	is_null(input.token.failure)
}

_token_consistent if {
	input.token.verified == false
	input.subject.verified == false
	input.agent.verified == false
}

_request_sound if {
	is_string(input.request.id)
	is_number(input.request.time_ns)
	_string_or_null(input.request.origin.ip)
	_string_or_null(input.request.origin.user_agent)
	_string_or_null(input.request.path)
	is_string(input.request.pep.id)
	is_string(input.request.pep.tenant)
	is_boolean(input.request.pep.asserts_subject)
}

_strings(value) if {
	is_array(value)
	every element in value {
		is_string(element)
	}
}

_string_or_null(value) if is_string(value)

_string_or_null(null)

_number_or_null(value) if is_number(value)

_number_or_null(null)

_boolean_or_null(value) if is_boolean(value)

_boolean_or_null(null)

# Compared one by one: a set of them would be built anew each time.
_class("read")

_class("query")

_class("update")

_class("admin")

_numbers(value) if {
	is_object(value)
	every number in value {
		is_number(number)
	}
}

# Sizes and ages: never negative.
_size(value) if {
	is_number(value)
	value >= 0
}

_size_or_null(value) if _size(value)

_size_or_null(null)
