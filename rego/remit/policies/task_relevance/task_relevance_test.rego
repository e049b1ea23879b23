package remit.policies.task_relevance_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.task_relevance

_called(class, asked_for) := fixtures.changed(fixtures.allowed_payment, [["tool/class", class], ["tool/asked_for", asked_for]])

_details[entry.code] := object.get(entry, "detail", "") if some entry in task_relevance.ask

test_asks_about_changes_that_the_task_does_not_ask_for if {
	every class in ["update", "admin"] {
		_details == {"tool_not_asked_for": "`banking/send_money`"} with input as _called(class, false)
		_details == {} with input as _called(class, true)
	}
}

test_asks_about_no_reading if {
	every class in ["read", "query"] {
		_details == {} with input as _called(class, false)
	}
}

test_a_task_need_not_be_known if _details == {} with input as _called("update", null)

test_a_task_may_be_required if {
	codes := fixtures.codes(task_relevance.ask) with input as _called("update", null)
		with data.remit.config.task_relevance.task_required as true
	codes == {"task_missing"}
	known := fixtures.codes(task_relevance.ask) with input as _called("update", true)
		with data.remit.config.task_relevance.task_required as true
	known == set()
	others := fixtures.codes(task_relevance.ask) with input as _called("query", null)
		with data.remit.config.task_relevance.task_required as true
	others == set()
}

test_a_task_is_required_when_nothing_says_otherwise if {
	codes := fixtures.codes(task_relevance.ask) with input as _called("update", null) with data.remit.config.task_relevance as {}
	codes == {"task_missing"}
}
