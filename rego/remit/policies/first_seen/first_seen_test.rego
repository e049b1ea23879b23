package remit.policies.first_seen_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.first_seen

_payment(origin, amount, changes) := fixtures.changed(
	fixtures.from(fixtures.allowed_payment, "/recipient", origin),
	array.concat([["values/~1amount/amount", amount]], changes),
)

_details[entry.code] := entry.detail if some entry in first_seen.ask

_asked := {"destination_first_seen": "`/recipient`"}

test_asks_about_a_large_amount_to_a_new_destination if {
	every origin in ["trusted", "untrusted", "unknown"] {
		every class in ["update", "admin"] {
			_details == _asked with input as _payment(origin, 500.01, [["tool/class", class]])
			_details == {} with input as _payment(origin, 500, [["tool/class", class]])
		}
	}
}

test_an_amount_that_cannot_be_read_is_large if {
	_details == _asked with input as _payment("trusted", null, [])
	_details == _asked with input as _payment("trusted", -1, [])
	_details == _asked with input as _payment("trusted", 1, [["values", {"/recipient": fixtures.value("destination", "trusted")}]])
}

test_every_amount_is_large_when_nothing_says_what_is if {
	every none in [{}, {"amount_max": "500"}] {
		fixtures.codes(first_seen.ask) == {"destination_first_seen"} with input as _payment("trusted", 1, [])
			with data.remit.config.first_seen as none
	}
}

test_lets_the_rest_pass if {
	_details == {} with input as _payment("task", 9000, [])
	_details == {} with input as _payment("trusted", 9000, [["values/~1recipient/used_before", true]])
	_details == {} with input as _payment("trusted", 9000, [["tool/class", "query"]])
	used := _payment("trusted", 9000, [["values/~1recipient/used_before", true]])
	_details == {} with input as fixtures.from(used, "/amount", "trusted")
	_details == {} with input as fixtures.allowed_payment
	_details == {} with input as fixtures.allowed
}

test_asks_nothing_of_tools_without_amounts if {
	called := fixtures.changed(fixtures.from(fixtures.allowed_payment, "/recipient", "trusted"), [
		["tool/amounts", []],
		["values", {"/recipient": fixtures.value("destination", "trusted")}],
	])
	_details == {} with input as called
}
