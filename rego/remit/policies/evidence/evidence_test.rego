package remit.policies.evidence_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.evidence

_refund(requires) := fixtures.changed(fixtures.allowed_payment, [["tool/requires", requires]])

_order(argument, met) := {"tool": "orders/get_order", "argument": argument, "met": met}

test_lets_met_requirements_pass if {
	evidence.deny == set() with input as fixtures.allowed
	evidence.deny == set() with input as _refund([_order("/order_id", true), _order(null, true)])
}

test_denies_and_names_what_is_missing if {
	evidence.deny == {{
		"code": "evidence_missing",
		"rank": 27,
		"message": "this tool needs what the session has not seen: ",
		"detail": "`orders/get_order for /order_id`",
		"remedy": "call the named tool first, for the same value, and have its outcome reported",
		"controls": ["OWASP-ASI02", "OWASP-ASI09", "NIST-800-207"],
	}} with input as _refund([_order("/order_id", false), _order(null, true)])
}

test_denies_a_requirement_without_an_argument if {
	{entry.detail | some entry in evidence.deny} == {"`orders/get_order`"} with input as _refund([_order(null, false)])
}

test_a_question_needs_no_evidence if {
	called := fixtures.changed(_refund([_order(null, false)]), [["call/method", "tools/list"]])
	evidence.deny == set() with input as called
}
