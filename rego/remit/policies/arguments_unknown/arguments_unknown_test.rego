package remit.policies.arguments_unknown_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.arguments_unknown

_unread(changes) := fixtures.changed(fixtures.allowed, array.concat(
	[["call/arguments_known", false], ["call/arguments", {}], ["tool/class", "read"], ["tool/queries", []]],
	changes,
))

test_lets_known_arguments_pass if arguments_unknown.deny == set() with input as fixtures.allowed

test_lets_a_plain_read_pass if arguments_unknown.deny == set() with input as _unread([])

test_denies_every_other_call if {
	every change in [
		["tool/class", "query"],
		["tool/class", "update"],
		["tool/class", "admin"],
		["tool/destinations", ["/to"]],
		["tool/amounts", ["/amount"]],
		["tool/queries", ["/q"]],
		["tool/page_sizes", ["/limit"]],
		["tool/external", true],
	] {
		codes := fixtures.codes(arguments_unknown.deny) with input as _unread([change])
		codes == {"arguments_unknown"}
	}
}

test_denies_an_undefined_input if fixtures.codes(arguments_unknown.deny) == {"arguments_unknown"} with input as {}
