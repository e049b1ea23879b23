package remit.policies.label_flow_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.label_flow

_both := ["untrusted", "confidential"]

_payment(origin, labels, changes) := fixtures.changed(
	fixtures.from(fixtures.allowed_payment, "/recipient", origin),
	array.concat([["session/labels", labels]], changes),
)

_refusals := [fixtures.codes(label_flow.deny), fixtures.codes(label_flow.ask)]

_nothing := [set(), set()]

_asks := [set(), {"trifecta"}]

test_lets_sessions_without_all_three_pass if {
	every called in [fixtures.allowed, fixtures.allowed_admin, fixtures.allowed_payment] {
		_refusals == _nothing with input as called
	}
	every labels in [[], ["untrusted"], ["confidential"], ["pii"]] {
		_refusals == _nothing with input as _payment("unknown", labels, [])
	}
	_refusals == _nothing with input as _payment("unknown", _both, [["tool/external", false]])
}

test_asks_where_nothing_trusted_names_the_destination if {
	every labels in [_both, ["pii", "untrusted"]] {
		_refusals == _asks with input as _payment("unknown", labels, [])
		_refusals == _asks with input as _payment("untrusted", labels, [])
	}
}

test_lets_named_and_vouched_destinations_pass if {
	_refusals == _nothing with input as _payment("task", _both, [])
	_refusals == _nothing with input as _payment("trusted", _both, [])
	_refusals == _nothing with input as _payment("untrusted", _both, [["values/~1recipient/vouched", true]])
}

_anywhere(class) := fixtures.changed(fixtures.allowed, [
	["tool/class", class],
	["tool/external", true],
	["session/labels", _both],
])

test_a_tool_that_could_go_anywhere_is_denied_or_asked_about if {
	every class in ["update", "admin"] {
		_refusals == [{"trifecta"}, set()] with input as _anywhere(class)
	}
	every class in ["read", "query"] {
		_refusals == _asks with input as _anywhere(class)
	}
}

test_a_call_without_its_destinations_goes_nowhere if {
	called := fixtures.changed(_anywhere("update"), [["tool/destinations", ["/to"]]])
	_refusals == _nothing with input as called
	_refusals == _nothing with input as fixtures.changed(called, [["tool/class", "query"]])
}
