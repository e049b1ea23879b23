package remit.policies.unknown_tools_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.unknown_tools

_unknown := fixtures.changed(fixtures.allowed, [["tool/known", false], ["tool/class", "admin"], ["tool/class_source", "default"]])

_annotated_read := fixtures.changed(_unknown, [
	["tool/class", "read"],
	["tool/class_source", "annotations"],
	["call/annotations_trusted", true],
])

test_lets_a_catalogued_tool_pass if unknown_tools.deny == set() with input as fixtures.allowed

test_denies_a_tool_that_the_catalog_does_not_describe if {
	unknown_tools.deny == {{
		"code": "tool_unknown",
		"rank": 5,
		"message": "the tool is not in the catalog: ",
		"detail": "`crm/search_customers`",
		"remedy": "have the operator describe the tool in the catalog",
		"controls": ["OWASP-ASI02", "OWASP-ASI04", "NIST-800-207"],
	}} with input as _unknown
}

test_names_a_tool_without_a_server if {
	called := fixtures.changed(_unknown, [["call/server", null]])
	{entry.detail | some entry in unknown_tools.deny} == {"`search_customers`"} with input as called
}

test_denies_an_annotated_read_by_default if {
	fixtures.codes(unknown_tools.deny) == {"tool_unknown"} with input as _annotated_read
}

test_lets_an_annotated_read_pass_when_configured if {
	unknown_tools.deny == set() with input as _annotated_read
		with data.remit.config.unknown_tools.annotated_reads as true
}

test_believes_no_other_annotations if {
	every change in [["tool/class", "update"], ["tool/class_source", "default"], ["call/annotations_trusted", false]] {
		codes := fixtures.codes(unknown_tools.deny) with input as fixtures.changed(_annotated_read, [change])
			with data.remit.config.unknown_tools.annotated_reads as true
		codes == {"tool_unknown"}
	}
}

test_denies_an_undefined_input if fixtures.codes(unknown_tools.deny) == {"tool_unknown"} with input as {}
