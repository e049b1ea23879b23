package remit.policies.destinations_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.destinations

# The payment to a recipient of this origin, in a session with these labels.
_payment(origin, labels, changes) := fixtures.changed(
	fixtures.from(fixtures.allowed_payment, "/recipient", origin),
	array.concat([["session/labels", labels]], changes),
)

_refusals := {"deny": fixtures.codes(destinations.deny), "ask": fixtures.codes(destinations.ask)}

_nothing := {"deny": set(), "ask": set()}

_asks(code) := {"deny": set(), "ask": {code}}

_denies(codes) := {"deny": codes, "ask": set()}

test_lets_explained_destinations_pass if {
	every called in [fixtures.allowed, fixtures.allowed_admin, fixtures.allowed_payment] {
		_refusals == _nothing with input as called
	}
	_refusals == _nothing with input as _payment("trusted", ["untrusted", "pii"], [])
	_refusals == _nothing with input as _payment("unknown", ["pii"], [])
}

test_lets_large_amounts_to_explained_destinations_pass if {
	_refusals == _nothing with input as _payment("trusted", [], [["values/~1amount/amount", 5000]])
}

test_asks_about_an_untrusted_destination if {
	_refusals == _asks("destination_untrusted") with input as _payment("untrusted", ["untrusted"], [])
	destinations.ask == {{
		"code": "destination_untrusted",
		"rank": 52,
		"message": "only untrusted content names the destination in ",
		"detail": "`/recipient`",
		"remedy": "ask the user whether this destination is right, and have the call approved",
		"controls": ["OWASP-ASI01", "OWASP-ASI02", "NIST-800-207"],
	}} with input as _payment("untrusted", [], [])
}

test_lets_a_vouched_destination_pass if {
	_refusals == _nothing with input as _payment("untrusted", ["untrusted", "pii"], [["values/~1recipient/vouched", true]])
}

test_judges_tools_that_act if {
	_refusals == _asks("destination_untrusted") with input as _payment("untrusted", [], [["tool/external", false]])
	_refusals == _asks("destination_untrusted") with input as _payment("untrusted", [], [["tool/class", "read"]])
	_refusals == _nothing with input as _payment("untrusted", [], [["tool/class", "read"], ["tool/external", false]])
}

test_judges_no_other_arguments if {
	_refusals == _nothing with input as fixtures.from(fixtures.allowed_payment, "/amount", "untrusted")
	_refusals == _nothing with input as fixtures.from(_payment("task", ["untrusted"], []), "/amount", "unknown")
}

test_denies_confidential_data_to_an_untrusted_destination if {
	every label in ["confidential", "pii"] {
		_refusals == _denies({"destination_untrusted_with_data"}) with input as _payment("untrusted", [label], [])
	}
	_refusals == _asks("destination_untrusted") with input as _payment("untrusted", ["pii"], [["tool/external", false]])
}

test_denies_a_large_amount_to_an_untrusted_destination if {
	every case in [
		[1000, _asks("destination_untrusted")],
		[1000.01, _denies({"destination_untrusted_large_amount"})],
		[null, _denies({"destination_untrusted_large_amount"})],
		[-5, _denies({"destination_untrusted_large_amount"})],
	] {
		_refusals == case[1] with input as _payment("untrusted", [], [["values/~1amount/amount", case[0]]])
		_refusals == case[1] with input as _payment("untrusted", [], [["values/~1amount/amount", case[0]], ["tool/limits", {}]])
	}
}

test_an_amount_that_is_left_out_is_large if {
	called := fixtures.changed(fixtures.allowed_payment, [
		["provenance", {"/recipient": "untrusted"}],
		["values", {"/recipient": fixtures.value("destination", "untrusted")}],
		["session/labels", []],
	])
	_refusals == _denies({"destination_untrusted_large_amount"}) with input as called
	_refusals == _asks("destination_untrusted") with input as fixtures.changed(called, [["tool/amounts", []]])
}

test_the_catalog_says_what_is_large if {
	called := _payment("untrusted", [], [["tool/limits", {"/amount": 100}]])
	_refusals == _denies({"destination_untrusted_large_amount"}) with input as called
}

test_every_amount_is_large_when_nothing_says_what_is if {
	codes := fixtures.codes(destinations.deny) with input as _payment("untrusted", [], [["tool/limits", {}]])
		with data.remit.config.destinations as {"amount_max": "1000"}
	codes == {"destination_untrusted_large_amount"}
	gone := fixtures.codes(destinations.deny) with input as _payment("untrusted", [], [["tool/limits", {}]])
		with data.remit.config.destinations as {}
	gone == {"destination_untrusted_large_amount"}
}

test_names_each_cause_of_a_deny if {
	called := _payment("untrusted", ["pii"], [["values/~1amount/amount", 5000]])
	_refusals == _denies({"destination_untrusted_with_data", "destination_untrusted_large_amount"}) with input as called
}

test_asks_about_an_unexplained_destination_outside if {
	_refusals == _asks("destination_unexplained") with input as _payment("unknown", ["untrusted"], [])
	_refusals == _nothing with input as _payment("unknown", ["untrusted"], [["tool/external", false]])
}

_linked(kind, changes) := fixtures.changed(fixtures.allowed_payment, array.concat(
	[["embedded", [{"pointer": "/subject", "kind": kind, "origin": "untrusted"}]]],
	changes,
))

test_asks_about_an_untrusted_link if {
	every kind, named in {"url": "`a link`", "account": "`an account number`"} {
		{[entry.code, entry.detail] | some entry in destinations.ask} == {["content_link_untrusted", named]} with input as _linked(kind, [])
	}
	_refusals == _nothing with input as _linked("url", [["tool/class", "read"], ["tool/external", false]])
}
