package remit.policies.input_integrity

# What is remembered of the session and of the values in the arguments.

_session_sound if {
	_string_or_null(input.session.id)
	is_boolean(input.session.known)
	is_boolean(input.session.available)
	is_boolean(input.session.lost)
	_size_or_null(input.session.age_s)
	_size(input.session.calls)
	_sizes(input.session.counts.class)
	_sizes(input.session.counts.tool)
	_size(input.session.records)
	_strings(input.session.labels)
	_budgets_sound
	_approvals_sound
	_recent_sound
	_ended_sound
	_string_or_null(input.session.pinned_digest)
}

# A store that did not answer tells nothing, and a session that was not stated remembers nothing.
_session_consistent if input.session.known == false

_session_consistent if {
	input.session.available == true
	is_string(input.session.id)
	is_number(input.session.age_s)
}

_budgets_sound if {
	is_object(input.session.budgets)
	every budget in input.session.budgets {
		_size(budget.used)
		_scope(budget.scope)
		_size_or_null(budget.window_s)
	}
}

_approvals_sound if {
	is_array(input.session.approvals)
	every approval in input.session.approvals {
		is_string(approval.id)
		_strings(approval.codes)
		is_string(approval.approver)
	}
}

_recent_sound if {
	is_array(input.session.recent)
	every call in input.session.recent {
		is_string(call.tool)
		_class(call.class)
		_size(call.age_s)
		call.outcome in {"reserved", "completed", "failed", "not_run", "expired"}
	}
}

_ended_sound if is_null(input.session.ended)

_ended_sound if {
	input.session.ended.by in {"session", "agent", "subject"}
	is_string(input.session.ended.reason)
}

_grant_sound if is_null(input.session.grant)

_grant_sound if {
	_string_or_null(input.session.grant.purpose)
	_strings_or_null(input.session.grant.tools)
	_strings_or_null(input.session.grant.classes)
	is_boolean(input.session.grant.destinations_limited)
	_numbers(input.session.grant.budgets)
	_number_or_null(input.session.grant.expires_in_s)
	is_boolean(input.session.grant.task_known)
	is_boolean(input.session.grant.signed)
}

_provenance_sound if {
	is_object(input.provenance)
	every origin in input.provenance {
		_origin(origin)
	}
}

_values_sound if {
	is_object(input.values)
	every pointer, value in input.values {
		pointer in _pointers[value.role]
		_origin(value.origin)
		is_boolean(value.vouched)
		_boolean_or_null(value.granted)
		is_boolean(value.used_before)
		_number_or_null(value.amount)
	}
}

_pointers := {"destination": input.tool.destinations, "amount": input.tool.amounts, "query": input.tool.queries}

# Both say the same of the same arguments.
_values_consistent if {
	count(input.values) == count(input.provenance)
	every pointer, value in input.values {
		value.origin == input.provenance[pointer]
	}
}

_embedded_sound if {
	is_array(input.embedded)
	every entry in input.embedded {
		is_string(entry.pointer)
		entry.kind in {"url", "account"}
		_origin(entry.origin)
	}
}

_strings_or_null(value) if _strings(value)

_strings_or_null(null)

_origin("task")

_origin("trusted")

_origin("untrusted")

_origin("unknown")

_scope("session")

_scope("agent")

_scope("tenant")

_sizes(value) if {
	is_object(value)
	every number in value {
		_size(number)
	}
}
