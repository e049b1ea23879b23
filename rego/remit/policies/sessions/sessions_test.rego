package remit.policies.sessions_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.sessions

_codes := fixtures.codes(sessions.deny)

_changed(changes) := fixtures.changed(fixtures.allowed, changes)

test_lets_calls_in_a_session_pass if {
	every called in [fixtures.allowed, fixtures.allowed_admin, fixtures.allowed_payment] {
		_codes == set() with input as called
	}
}

test_denies_what_was_terminated_and_names_whose_it_is if {
	every by in ["session", "agent", "subject"] {
		sessions.deny == {{
			"code": "session_ended",
			"rank": 1,
			"message": "somebody stopped this; terminated is the ",
			"detail": concat("", ["`", by, "`"]),
			"remedy": "stop and tell the user; only whoever terminated it can let it begin again",
			"controls": ["OWASP-ASI10", "OWASP-NHI-01", "NIST-800-207"],
		}} with input as _changed([["session/ended", {"by": by, "reason": "incident"}]])
	}
}

# Calls that depend on what the session did before, and calls that do not, each with `changes` on top.
_depending(changes) := [_changed(array.concat(change, changes)) | some change in [
	[["tool/class", "update"], ["tool/returns", []]],
	[["tool/class", "admin"], ["tool/returns", []]],
	[["tool/external", true], ["tool/returns", []]],
	[["tool/destinations", ["/path"]], ["tool/returns", []]],
	[["tool/class", "update"], ["tool/returns", ["trusted"]]],
]]

_labelled(changes) := [_changed(array.concat([["tool/returns", returns]], changes)) |
	some returns in [["pii"], ["untrusted"], ["trusted", "confidential"], []]
]

_plain(changes) := [_changed(array.concat([["tool/class", class], ["tool/returns", ["trusted"]]], changes)) |
	some class in ["read", "query"]
]

test_denies_what_depends_on_a_session_that_cannot_be_read if {
	away := [["session/available", false], ["session/known", false], ["session/age_s", null], ["session/budgets", {}]]
	every called in array.concat(_depending(away), _labelled(away)) {
		_codes == {"session_unavailable"} with input as called
	}
	every called in _plain(away) {
		_codes == set() with input as called
	}
}

test_denies_what_depends_on_a_session_that_may_be_lost if {
	lost := [["session/lost", true], ["session/known", false], ["session/age_s", 0]]
	every called in _depending(lost) {
		_codes == {"session_state_lost"} with input as called
	}
	every called in array.concat(_plain(lost), _labelled(lost)) {
		_codes == set() with input as called
	}
}

_alone := [["session/id", null], ["session/known", false], ["session/age_s", null]]

test_denies_changes_outside_without_a_session if {
	_codes == {"session_missing"} with input as fixtures.changed(fixtures.allowed_payment, _alone)
	_codes == set() with input as _changed(array.concat(_alone, [["tool/class", "update"]]))
	_codes == set() with input as _changed(array.concat(_alone, [["tool/external", true]]))
}

test_labelled_results_may_need_a_session if {
	_codes == set() with input as _changed(_alone)
	codes := fixtures.codes(sessions.deny) with input as _changed(_alone)
		with data.remit.config.sessions.required.returns as true
	codes == {"session_missing"}
	unsaid := fixtures.codes(sessions.deny) with input as _changed(array.concat(_alone, [["tool/returns", []]]))
		with data.remit.config.sessions.required.returns as true
	unsaid == {"session_missing"}
	trusted := fixtures.codes(sessions.deny) with input as _changed(array.concat(_alone, [["tool/returns", ["trusted"]]]))
		with data.remit.config.sessions.required.returns as true
	trusted == set()
}

test_changes_outside_may_do_without_a_session if {
	codes := fixtures.codes(sessions.deny) with input as fixtures.changed(fixtures.allowed_payment, _alone)
		with data.remit.config.sessions.required.external as false
	codes == set()
}

test_needs_a_session_when_nothing_says_otherwise if {
	codes := fixtures.codes(sessions.deny) with input as _changed(_alone) with data.remit.config.sessions as {}
	codes == {"session_missing"}
}

test_denies_an_undefined_input if {
	_codes == {"session_ended", "session_unavailable", "session_state_lost"} with input as {}
}
