package remit.facts_test

import data.remit.facts
import data.remit.fixtures_test as fixtures

test_names_a_tool_with_and_without_its_server if {
	facts.tool_name == "crm/search_customers" with input as fixtures.allowed
	facts.tool_name == "search_customers" with input as fixtures.changed(fixtures.allowed, [["call/server", null]])
	facts.tool_name == "" with input as {}
}

test_knows_questions_by_their_method if {
	facts.question with input as fixtures.changed(fixtures.allowed, [["call/method", "tools/list"]])
	not facts.question with input as fixtures.allowed
}

test_knows_what_changes_and_what_acts if {
	every case in [
		["read", false, false, false],
		["query", false, false, false],
		["update", false, true, true],
		["admin", false, true, true],
		["read", true, false, true],
	] {
		called := fixtures.changed(fixtures.allowed, [["tool/class", case[0]], ["tool/external", case[1]]])
		changes := count([true | facts.changes]) == 1 with input as called
		acts := count([true | facts.acts]) == 1 with input as called
		[changes, acts] == [case[2], case[3]]
	}
}

test_knows_untrusted_content_by_its_label if {
	facts.untrusted_seen with input as fixtures.changed(fixtures.allowed, [["session/labels", ["pii", "untrusted"]]])
	not facts.untrusted_seen with input as fixtures.changed(fixtures.allowed, [["session/labels", ["pii"]]])
}

test_knows_confidential_data_by_its_labels if {
	every case in [[[], false], [["untrusted"], false], [["confidential"], true], [["untrusted", "pii"], true], [["own"], false]] {
		called := fixtures.changed(fixtures.allowed, [["session/labels", case[0]], ["tool/returns", case[0]]])
		seen := count([true | facts.confidential_seen]) == 1 with input as called
		returned := count([true | facts.confidential_returned]) == 1 with input as called
		[seen, returned] == [case[1], case[1]]
	}
}

test_knows_the_labels_of_the_result if {
	every case in [
		["read", [], {"untrusted"}],
		["query", ["pii"], {"pii", "untrusted"}],
		["query", ["trusted"], set()],
		["read", ["trusted", "pii"], {"pii"}],
		["read", ["trusted", "untrusted"], {"untrusted"}],
		["update", [], set()],
		["admin", ["confidential"], {"confidential"}],
		["update", ["untrusted"], {"untrusted"}],
	] {
		called := fixtures.changed(fixtures.allowed, [["tool/class", case[0]], ["tool/returns", case[1]]])
		labels := facts.labels_returned with input as called
		labels == case[2]
	}
}

test_believes_no_result_of_a_tool_outside_the_catalog if {
	every class in ["read", "update"] {
		every source in ["annotations", "default"] {
			called := fixtures.changed(fixtures.allowed, [["tool/class", class], ["tool/class_source", source], ["tool/returns", ["trusted"]]])
			facts.labels_returned == {"untrusted"} with input as called
		}
	}
}

test_takes_every_label_for_confidential_when_none_is_listed if {
	called := fixtures.changed(fixtures.allowed, [["session/labels", ["untrusted"]], ["tool/returns", ["own"]]])
	facts.confidential_seen with input as called with data.remit.config.labels as {}
	facts.confidential_returned with input as called with data.remit.config.labels as {"confidential": "pii"}
	facts.confidential_returned with input as called with data.remit.config.labels as {"confidential": ["pii", 1]}
	not facts.confidential_returned with input as called with data.remit.config.labels as {"confidential": []}
	not facts.confidential_returned with input as fixtures.changed(called, [["tool/returns", ["trusted"]]])
		with data.remit.config.labels as {}
}

_amount(amount) := fixtures.changed(fixtures.allowed_payment, [["values/~1amount/amount", amount]])

test_counts_amounts_that_are_numbers if {
	facts.amount_sum == 120 with input as fixtures.allowed_payment
	facts.amount_sum == 0 with input as fixtures.allowed
	facts.countable_amounts == {"/amount": 0} with input as _amount(0)
	every amount in [null, -1, "120"] {
		facts.countable_amounts == {} with input as _amount(amount)
		count(facts.amounts) == 1 with input as _amount(amount)
	}
}

test_covers_tools_by_name_and_by_beginning if {
	every entries, covered in {
		{"banking/send_money"}: true,
		{"banking/*"}: true,
		{"banking/send*"}: true,
		{"*"}: true,
		{"crm/x", "banking/send_money"}: true,
		{"banking/send"}: false,
		{"banking"}: false,
		{"bank*ing/send_money"}: false,
		{"crm/*"}: false,
		{1}: false,
		set(): false,
	} {
		covers := count([true | facts.covers(entries)]) == 1 with input as fixtures.allowed_payment
		covers == covered
	}
}

test_compares_exactly_and_numbers_only if {
	facts.within(0.2, 0.1, 0.3)
	not facts.within(0.2, 0.1001, 0.3)
	every case in [[null, 1, 5], ["0", 1, 5], [0, null, 5], [0, "1", 5], [0, 1, null], [0, 1, "5"]] {
		not facts.within(case[0], case[1], case[2])
	}
}

test_lists_at_most_eight_names if {
	facts.listed({"b", "a"}) == "`a`, `b`"
	facts.listed([sprintf("%d", [n]) | some n in numbers.range(10, 30)]) == "`10`, `11`, `12`, `13`, `14`, `15`, `16`, `17`"
}
