package remit.policies.budgets_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.budgets

_calls := {"scope": "agent", "counts": "calls", "window_s": 60, "max": 5, "classes": null, "tools": null}

_amounts := object.union(_calls, {"counts": "amount", "max": 500})

# The payment after `used` of the one budget `few`.
_after(used, changes) := fixtures.changed(fixtures.allowed_payment, array.concat(
	[["session/budgets", {"few": {"used": used, "scope": "agent", "window_s": 60}}], ["session/grant", null]],
	changes,
))

_judged := {
	"deny": {[entry.code, entry.detail] | some entry in budgets.deny},
	"effect": budgets.effect,
}

_uses(step, limit) := {"deny": set(), "effect": {{"labels_add": [], "counters": {"few": {"add": step, "max": limit}}}}}

_nothing := {"deny": set(), "effect": set()}

test_the_shipped_budgets_let_ordinary_calls_pass if {
	every called in [fixtures.allowed, fixtures.allowed_admin, fixtures.allowed_payment] {
		budgets.deny == set() with input as called
	}
}

test_counts_calls_up_to_the_limit if {
	_judged == _uses(1, 5) with input as _after(0, [])
		with data.remit.config.budgets as {"few": _calls}
	_judged == _uses(1, 5) with input as _after(4, [])
		with data.remit.config.budgets as {"few": _calls}
	_judged.deny == {["budget_exceeded", "`few` (at most 5)"]} with input as _after(5, [])
		with data.remit.config.budgets as {"few": _calls}
}

test_counts_amounts_up_to_the_limit if {
	_judged == _uses(120, 500) with input as _after(380, [])
		with data.remit.config.budgets as {"few": _amounts}
	_judged.deny == {["budget_exceeded", "`few` (at most 500)"]} with input as _after(380.01, [])
		with data.remit.config.budgets as {"few": _amounts}
}

test_adds_up_all_amounts_of_a_call if {
	called := [
		["tool/amounts", ["/amount", "/tip"]],
		["values/~1tip", object.union(fixtures.value("amount", "task"), {"amount": 30})],
		["provenance/~1tip", "task"],
	]
	_judged == _uses(150, 500) with input as _after(350, called)
		with data.remit.config.budgets as {"few": _amounts}
	_judged.deny == {["budget_exceeded", "`few` (at most 500)"]} with input as _after(351, called)
		with data.remit.config.budgets as {"few": _amounts}
}

test_counts_the_classes_and_tools_that_it_names if {
	every members in [
		{"classes": ["update"]},
		{"tools": ["banking/send_money"]},
		{"tools": ["crm/x", "banking/*"]},
		{"classes": ["update", "admin"], "tools": ["banking/*"]},
	] {
		_judged == _uses(1, 5) with input as _after(0, [])
			with data.remit.config.budgets as {"few": object.union(_calls, members)}
	}
	every members in [{"classes": ["read"]}, {"classes": []}, {"tools": ["crm/*"]}, {"classes": ["update"], "tools": []}] {
		_judged == _nothing with input as _after(99, [])
			with data.remit.config.budgets as {"few": object.union(_calls, members)}
	}
}

test_a_budget_of_calls_counts_tools_without_amounts if {
	_judged == _uses(1, 5) with input as _after(0, [["tool/amounts", []]])
		with data.remit.config.budgets as {"few": _calls}
}

test_a_budget_of_amounts_counts_no_tools_without_amounts if {
	_judged == _nothing with input as _after(600, [["tool/amounts", []]])
		with data.remit.config.budgets as {"few": _amounts}
}

test_a_budget_of_the_session_counts_in_sessions if {
	budget := object.union(_calls, {"scope": "session"})
	_judged.deny == {["budget_exceeded", "`few` (at most 5)"]} with input as _after(5, [])
		with data.remit.config.budgets as {"few": budget}
	_judged == _nothing with input as _after(5, [["session/id", null]])
		with data.remit.config.budgets as {"few": budget}
	_judged.deny == {["budget_exceeded", "`few` (at most 5)"]} with input as _after(5, [["session/id", null]])
		with data.remit.config.budgets as {"few": _calls}
}

test_counts_nothing_while_the_store_is_away if {
	_judged == _nothing with input as _after(5, [["session/available", false], ["session/budgets", {}]])
		with data.remit.config.budgets as {"few": _calls}
}

test_a_question_uses_nothing if _judged == _nothing with input as _after(5, [["call/method", "tools/list"]])
	with data.remit.config.budgets as {"few": _calls}

test_denies_when_it_is_not_known_what_was_used if {
	every used in [null, "3", true] {
		_judged.deny == {["budget_unknown", "`few`"]} with input as _after(used, [])
			with data.remit.config.budgets as {"few": _calls}
	}
	_judged.deny == {["budget_unknown", "`few`"]} with input as _after(0, [["session/budgets", {}]])
		with data.remit.config.budgets as {"few": _calls}
}

test_denies_when_the_budget_is_malformed if {
	every members in [{"max": null}, {"max": "5"}, {"counts": "rows"}] {
		_judged.deny == {["budget_unknown", "`few`"]} with input as _after(0, [])
			with data.remit.config.budgets as {"few": object.union(_calls, members)}
	}
	_judged.deny == {["budget_unknown", "`few`"]} with input as _after(0, [])
		with data.remit.config.budgets as {"few": {}}
	_judged.deny == {["budget_unknown", "`few`"]} with input as _after(0, [])
		with data.remit.config.budgets as {"few": "5"}
}

test_a_malformed_list_limits_nothing_away if {
	every members in [{"classes": "read"}, {"classes": ["read", 1]}, {"tools": {}}, {"tools": [null]}] {
		_judged.deny == {["budget_exceeded", "`few` (at most 5)"]} with input as _after(5, [])
			with data.remit.config.budgets as {"few": object.union(_calls, members)}
	}
}

test_denies_without_configuration if {
	every none in [null, [], "x"] {
		denied := {[entry.code, entry.detail] | some entry in budgets.deny} with input as fixtures.allowed
			with data.remit.config.budgets as none
		denied == {["budget_unknown", "`data.remit.config.budgets`"]}
	}
}

# What makes an amount unknown, and what the policy then names.
_unknown := [
	[["values/~1amount/amount", null]],
	[["values/~1amount/amount", -120]],
	[["values/~1amount/amount", "120"]],
]

_missing := [
	["provenance", {"/recipient": "task"}],
	["values", {"/recipient": object.union(fixtures.value("destination", "task"), {"granted": true})}],
]

test_denies_unknown_amounts_that_a_budget_counts if {
	every changes in array.concat(_unknown, [_missing]) {
		_judged.deny == {["amount_unknown", "`/amount`"]} with input as _after(0, array.concat([["tool/limits", {}]], changes))
			with data.remit.config.budgets as {"few": _amounts}
	}
}

test_lets_missing_amounts_pass_that_nothing_counts if {
	_judged == _nothing with input as _after(0, array.concat([["tool/limits", {}]], _missing))
		with data.remit.config.budgets as {"few": object.union(_amounts, {"classes": ["admin"]})}
}

test_denies_unknown_amounts_that_the_grant_counts if {
	every changes in array.concat(_unknown, [_missing]) {
		called := fixtures.changed(fixtures.allowed_payment, array.concat([["tool/limits", {}]], changes))
		fixtures.codes(budgets.deny) == {"amount_unknown"} with input as called
	}
	asked := fixtures.changed(fixtures.allowed_payment, array.concat([["call/method", "tools/list"]], _missing))
	budgets.deny == set() with input as asked
}

test_denies_unreadable_amounts_that_nothing_counts if {
	every changes in _unknown {
		_judged.deny == {["amount_unknown", "`/amount`"]} with input as _after(0, changes)
			with data.remit.config.budgets as {"few": _calls}
		_judged.deny == {["amount_unknown", "`/amount`"]} with input as _after(0, array.concat([["tool/limits", {}]], changes))
			with data.remit.config.budgets as {"few": _calls}
	}
	_judged.deny == set() with input as _after(0, _missing)
		with data.remit.config.budgets as {"few": _calls}
}
