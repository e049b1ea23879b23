package remit.policies.grants_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.grants

# The payment with members of its grant, and then more, changed.
_granted(members, changes) := fixtures.changed(fixtures.allowed_payment, array.concat(
	[[concat("/", ["session/grant", name]), value] | some name, value in members],
	changes,
))

_denials contains [entry.code, object.get(entry, "detail", "")] if some entry in grants.deny

test_lets_what_is_granted_pass if {
	every called in [fixtures.allowed, fixtures.allowed_admin, fixtures.allowed_payment] {
		_denials == set() with input as called
	}
	_denials == set() with input as _granted({"tools": null, "classes": null, "expires_in_s": null, "budgets": {}}, [])
}

test_denies_after_the_end if {
	every seconds in [0, -5] {
		_denials == {["grant_expired", ""]} with input as _granted({"expires_in_s": seconds}, [])
	}
	_denials == set() with input as _granted({"expires_in_s": 1}, [])
}

test_denies_other_tools if {
	every tools in [[], ["banking/get_*"], ["send_money"], ["crm/*"]] {
		_denials == {["tool_outside_grant", "`banking/send_money`"]} with input as _granted({"tools": tools}, [])
	}
}

test_denies_other_classes if {
	every classes in [[], ["read", "query"]] {
		_denials == {["class_outside_grant", "`update`"]} with input as _granted({"classes": classes}, [])
	}
}

test_denies_other_destinations if {
	every granted in [false, null] {
		_denials == {["destination_outside_grant", "`/recipient`"]} with input as _granted({}, [["values/~1recipient/granted", granted]])
	}
	_denials == set() with input as _granted({"destinations_limited": false}, [["values/~1recipient/granted", null]])
}

test_denies_beyond_a_budget if {
	every budgets, exceeded in {
		{"calls": 3}: "`calls`",
		{"calls": 0, "amount": 119}: "`amount`, `calls`",
		{"calls:update": 0}: "`calls:update`",
		{"amount": "500"}: "`amount`",
	} {
		_denials == {["grant_budget_exceeded", exceeded]} with input as _granted({"budgets": budgets}, [])
	}
	enough := {"calls": 4, "calls:update": 1, "amount": 120, "calls:read": 0, "calls:admin": 0}
	_denials == set() with input as _granted({"budgets": enough}, [])
}

test_adds_to_what_was_used if {
	used := [["session/budgets/grant.amount", {"used": 380.01, "scope": "session", "window_s": null}]]
	_denials == {["grant_budget_exceeded", "`amount`"]} with input as _granted({}, used)
	_denials == set() with input as _granted({"budgets": {"amount": 500.01}}, used)
}

test_denies_budgets_that_nothing_counts if {
	every name in ["call", "amounts", "calls:write", "calls:", "update", "session_calls"] {
		_denials == {["grant_budget_unknown", concat("", ["`", name, "`"])]} with input as _granted({"budgets": {name: 1000}}, [])
	}
}

test_counts_what_the_call_uses if {
	grants.effect == {{"labels_add": [], "counters": {
		"grant.calls": {"add": 1, "max": 10},
		"grant.calls:update": {"add": 1, "max": 2},
		"grant.amount": {"add": 120, "max": 500},
	}}} with input as fixtures.allowed_payment
	grants.effect == set() with input as fixtures.allowed
	one := {"labels_add": [], "counters": {"grant.calls": {"add": 1, "max": 4}}}
	grants.effect == {one} with input as _granted({"budgets": {"calls": 4}}, [])
	grants.effect == set() with input as _granted({"budgets": {"calls:read": 1}}, [])
}

test_an_amount_counts_for_tools_that_have_one if {
	grants.effect == set() with input as _granted({"budgets": {"amount": 1}}, [["tool/amounts", []]])
}

test_a_question_uses_nothing if {
	called := _granted({"budgets": {"calls": 0}}, [["call/method", "tools/list"]])
	_denials == set() with input as called
	grants.effect == set() with input as called
}

test_a_class_may_need_a_grant if {
	denials := {entry.code | some entry in grants.deny} with input as fixtures.allowed
		with data.remit.config.grants.required.query as true
	denials == {"grant_missing"}
	granted := {entry.code | some entry in grants.deny} with input as fixtures.allowed_payment
		with data.remit.config.grants.required.update as true
	granted == set()
}

test_needs_a_grant_when_nothing_says_otherwise if {
	denials := {entry.code | some entry in grants.deny} with input as fixtures.allowed with data.remit.config.grants as {}
	denials == {"grant_missing"}
}
