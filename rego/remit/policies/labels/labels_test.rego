package remit.policies.labels_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.labels

test_labels_the_session_with_what_the_tool_returns if {
	every case in [
		[["pii"], ["pii", "untrusted"]],
		[["trusted", "pii"], ["pii"]],
		[["trusted", "confidential", "own"], ["confidential", "own"]],
		[["untrusted"], ["untrusted"]],
		[[], ["untrusted"]],
	] {
		called := fixtures.changed(fixtures.allowed, [["tool/returns", case[0]]])
		labels.effect == {{"labels_add": case[1], "counters": {}}} with input as called
	}
}

test_has_no_effect_without_labels if {
	labels.effect == set() with input as fixtures.changed(fixtures.allowed, [["tool/returns", ["trusted"]]])
	every class in ["update", "admin"] {
		labels.effect == set() with input as fixtures.changed(fixtures.allowed, [["tool/class", class], ["tool/returns", []]])
	}
}
