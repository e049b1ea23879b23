package remit.policies.token_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.token

_with_token(changes) := fixtures.changed(fixtures.allowed, array.concat(
	[["token", fixtures.verified_token], ["subject/verified", true], ["request/pep/asserts_subject", false]],
	changes,
))

_rejected(failure) := _with_token([["token/verified", false], ["token/failure", failure], ["request/pep/asserts_subject", true]])

test_lets_a_verified_token_pass if token.deny == set() with input as _with_token([])

test_lets_a_call_without_token_pass_where_none_is_required if token.deny == set() with input as fixtures.allowed

test_denies_a_rejected_token_with_its_code if {
	denied := token.deny with input as _rejected("token_expired")
	{object.remove(entry, {"variants"}) | some entry in denied} == {{
		"code": "token_expired",
		"rank": 10,
		"message": "the agent's token has expired",
		"remedy": "get a new token",
		"controls": ["OWASP-ASI03", "OWASP-NHI-04", "NIST-800-207"],
	}}
}

test_denies_a_rejected_token_with_an_unlisted_code if {
	denied := token.deny with input as _rejected("token_something_else")
	[[entry.code, entry.message] | some entry in denied] == [["token_rejected", "the agent's token failed verification"]]
}

test_denies_a_token_that_nobody_verified if {
	fixtures.codes(token.deny) == {"token_rejected"} with input as _rejected(null)
}

test_requires_a_token_for_administration if {
	codes := fixtures.codes(token.deny) with input as fixtures.changed(fixtures.allowed, [["tool/class", "admin"]])
	codes == {"token_required"}
}

test_requires_a_token_for_a_class_without_limits if {
	codes := fixtures.codes(token.deny) with input as fixtures.changed(fixtures.allowed, [["tool/class", "other"]])
	codes == {"token_required"}
}

test_limits_the_age_of_the_token_by_class if {
	every case in [
		["read", 86400, set()],
		["read", 86401, {"token_stale"}],
		["query", 28801, {"token_stale"}],
		["update", 3600, set()],
		["update", 3601, {"token_stale"}],
		["admin", 900, set()],
		["admin", 901, {"token_stale"}],
		["admin", null, {"token_stale"}],
		["other", 1, {"token_stale"}],
	] {
		called := _with_token([["tool/class", case[0]], ["token/age_s", case[1]]])
		codes := fixtures.codes(token.deny) with input as called
		codes == case[2]
	}
}

test_a_class_may_take_tokens_of_any_age if {
	token.deny == set() with input as _with_token([["token/age_s", 99999999]])
		with data.remit.config.classes.query.token_age_s_max as null
}

test_a_new_token_lifts_a_missing_and_a_stale_one if {
	missing := token.deny with input as fixtures.changed(fixtures.allowed, [["tool/class", "admin"]])
	stale := token.deny with input as _with_token([["token/age_s", 99999999]])
	{entry.step_up | some entry in (missing | stale)} == {{}}
}

test_a_server_may_have_its_own_audiences if {
	audiences := {"crm": ["https://crm.example"]}
	fixtures.codes(token.deny) == {"token_audience_not_permitted"} with input as _with_token([])
		with data.remit.config.token.audiences as audiences
	token.deny == set() with input as _with_token([["token/audience", ["https://remit.example", "https://crm.example"]]])
		with data.remit.config.token.audiences as audiences
	token.deny == set() with input as _with_token([["call/server", "other"]])
		with data.remit.config.token.audiences as audiences
}

test_denies_when_it_is_not_known_which_audiences_a_server_has if {
	meant := "https://remit.example"
	every audiences in [null, [], meant, {"crm": meant}, {"crm": [meant, 1]}, {"crm": [meant], "other": null}] {
		codes := fixtures.codes(token.deny) with input as _with_token([["token/audience", [meant]]])
			with data.remit.config.token.audiences as audiences
		codes == {"token_audience_not_permitted"}
	}
	gone := fixtures.codes(token.deny) with input as _with_token([]) with data.remit.config.token as {}
	gone == {"token_audience_not_permitted"}
	token.deny == set() with input as fixtures.allowed with data.remit.config.token as {}
}

test_denies_an_unknown_subject if {
	every changes in [
		[["subject/id", null]],
		[["subject/id", ""]],
		[["subject/verified", false]],
	] {
		codes := fixtures.codes(token.deny) with input as _with_token(changes)
		codes == {"subject_unknown"}
	}
}

test_a_class_may_do_without_a_subject if {
	token.deny == set() with input as _with_token([["subject/id", null]])
		with data.remit.config.classes.query.subject_required as false
}

test_denies_an_undefined_input if fixtures.codes(token.deny) == {"token_rejected", "subject_unknown"} with input as {}
