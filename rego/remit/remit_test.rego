package remit_test

import data.remit
import data.remit.fixtures_test as fixtures

_reason_of(code) := {"code": code, "message": "message of ", "detail": code, "remedy": "remedy", "controls": ["NIST-800-207"]}

_permit := {"one": {"allow": {_reason_of("permitted")}}}

test_allows_what_every_shipped_policy_lets_pass if {
	remit.decision == {
		"allow": true,
		"reasons": [{
			"code": "role_permits",
			"message": "allowed by role `support`",
			"remedy": "",
			"rule": "remit.policies.action_class",
			"controls": ["OWASP-NHI-05", "NIST-800-207"],
		}],
		"obligations": [],
		"effects": {
			"labels_add": ["pii", "untrusted"],
			"counters": {
				"session_calls": {"add": 1, "max": 1000},
				"agent_calls_per_minute": {"add": 1, "max": 6000},
			},
		},
		"required_scopes": [],
		"acr_values": [],
		"ttl_s": 0,
		"nonce": "n-1",
	} with input as fixtures.allowed
}

test_allows_administration_after_step_up if remit.decision.allow with input as fixtures.allowed_admin

test_allows_a_payment_that_the_task_and_the_grant_cover if {
	decision := remit.decision with input as fixtures.allowed_payment
	decision.allow == true
	decision.effects.counters["grant.amount"] == {"add": 120, "max": 500}
}

test_denies_an_undefined_input if {
	decision := remit.decision with input as {}
	decision.allow == false
	decision.nonce == ""
	decision.reasons[0].code == "input_malformed"
}

test_denies_when_no_policy_says_anything if {
	decision := remit.decision with input as fixtures.allowed with remit.policies as {}
	decision.allow == false
	decision.reasons == [{
		"code": "no_policy_allows",
		"message": "no policy allows this call",
		"remedy": "ask the operator for a policy or a role that allows it",
		"rule": "remit",
		"controls": ["OWASP-ASI02", "OWASP-NHI-05", "NIST-800-207"],
	}]
}

test_deny_overrides_allow if {
	policies := object.union(_permit, {"two": {"deny": {_reason_of("refused")}}})
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	decision.allow == false
	decision.reasons == [{
		"code": "refused",
		"message": "message of refused",
		"remedy": "remedy",
		"rule": "remit.policies.two",
		"controls": ["NIST-800-207"],
	}]
}

test_denies_with_an_element_that_is_no_reason if {
	every element in [1, "text", {}, {"code": "x"}, object.union(_reason_of("x"), {"detail": 1}), null] {
		policies := object.union(_permit, {"two": {"deny": {element}}})
		decision := remit.decision with input as fixtures.allowed with remit.policies as policies
		decision.allow == false
		fixtures.codes(decision.reasons) == {"reason_malformed"}
	}
}

test_puts_the_reason_of_the_lowest_rank_first if {
	policies := {"one": {"deny": {
		_reason_of("aaa"),
		object.union(_reason_of("bbb"), {"rank": 7}),
		object.union(_reason_of("ccc"), {"rank": 60}),
	}}}
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	[entry.code | some entry in decision.reasons] == ["bbb", "aaa", "ccc"]
}

test_offers_an_approval_when_only_an_ask_stands_in_the_way if {
	policies := object.union(_permit, {"two": {"ask": {_reason_of("approval_needed")}}})
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	decision.allow == false
	fixtures.codes(decision.reasons) == {"approval_needed"}
	decision.access_request == {"codes": ["approval_needed"], "expires_in_s": 900}
}

_two_asks := object.union(_permit, {"two": {"ask": {_reason_of("new"), _reason_of("strange")}}})

_approved(approvals) := fixtures.changed(fixtures.allowed, [["session/approvals", approvals]])

test_an_approval_lifts_what_it_was_given_for if {
	decision := remit.decision with input as _approved([fixtures.approval(["new", "strange", "other"])]) with remit.policies as _two_asks
	decision.allow == true
	[[entry.code, entry.message] | some entry in decision.reasons] == [
		["permitted", "message of permitted"],
		["approved", "allowed by approval `ar-1`"],
	]
	not decision.access_request
}

test_approvals_add_up if {
	called := _approved([fixtures.approval(["new"]), object.union(fixtures.approval(["strange"]), {"id": "ar-2"})])
	decision := remit.decision with input as called with remit.policies as _two_asks
	decision.allow == true
	[entry.code | some entry in decision.reasons] == ["permitted", "approved", "approved"]
}

test_an_approval_of_something_else_lifts_nothing_else if {
	decision := remit.decision with input as _approved([fixtures.approval(["strange"])]) with remit.policies as _two_asks
	decision.allow == false
	fixtures.codes(decision.reasons) == {"new"}
	decision.access_request.codes == ["new", "strange"]
}

test_a_malformed_approval_lifts_nothing if {
	every malformed in [
		{"id": 1, "codes": ["new", "strange"]},
		{"codes": ["new", "strange"]},
		{"id": "ar-1"},
		{"id": "ar-1", "codes": {"a": "new", "b": "strange"}},
		{"id": "ar-1", "codes": "new strange"},
		"new",
	] {
		decision := remit.decision with input as _approved([malformed]) with remit.policies as _two_asks
		decision.allow == false
	}
}

test_an_approval_lifts_no_element_that_is_no_reason if {
	policies := object.union(_permit, {"two": {"ask": {1}}})
	called := _approved([fixtures.approval([1])])
	remit.decision.allow == false with input as called with remit.policies as policies
}

test_an_approval_lifts_no_deny if {
	policies := object.union(_permit, {"two": {"deny": {_reason_of("new")}, "ask": {_reason_of("new")}}})
	decision := remit.decision with input as _approved([fixtures.approval(["new"])]) with remit.policies as policies
	decision.allow == false
	not decision.access_request
}

test_an_approval_that_is_not_needed_is_not_mentioned if {
	decision := remit.decision with input as _approved([fixtures.approval(["new"])])
	fixtures.codes(decision.reasons) == {"role_permits"}
}

test_offers_no_approval_beside_a_deny if {
	policies := object.union(_permit, {"two": {"ask": {_reason_of("approval_needed")}, "deny": {_reason_of("refused")}}})
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	not decision.access_request
	fixtures.codes(decision.reasons) == {"approval_needed", "refused"}
}

test_offers_no_approval_when_nothing_allows if {
	policies := {"two": {"ask": {_reason_of("approval_needed")}}}
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	decision.allow == false
	not decision.access_request
}

test_offers_a_step_up_when_it_is_enough if {
	step_up := {"acr_values": ["phr"], "required_scopes": ["admin"]}
	policies := object.union(_permit, {"two": {"deny": {object.union(_reason_of("x"), {"step_up": step_up})}}})
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	decision.acr_values == ["phr"]
	decision.required_scopes == ["admin"]
}

test_offers_no_step_up_when_it_is_not_enough if {
	policies := object.union(_permit, {"two": {"deny": {
		object.union(_reason_of("x"), {"step_up": {"acr_values": ["phr"]}}),
		_reason_of("y"),
	}}})
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	decision.acr_values == []
}

test_passes_obligations_and_effects_of_an_allow if {
	obligation := {"id": "o-1", "type": "redact", "properties": {"fields": ["iban"]}}
	policies := object.union(_permit, {
		"two": {"obligation": {obligation}, "effect": {{"labels_add": ["pii"], "counters": {"mails": {"add": 1, "max": 5}}}}},
		"three": {"effect": {{"labels_add": ["pii"], "counters": {"rows": {"add": 10, "max": null}}}}},
	})
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	decision.obligations == [obligation]
	decision.effects == {"labels_add": ["pii"], "counters": {"mails": {"add": 1, "max": 5}, "rows": {"add": 10, "max": null}}}
}

# Two policies that count under one name.
_counting(one, other) := {
	"one": {"allow": {_reason_of("permitted")}, "effect": {{"labels_add": [], "counters": {"mails": one}}}},
	"two": {"effect": {{"labels_add": [], "counters": {"mails": other}}}},
}

test_the_larger_step_and_the_smaller_limit_win if {
	every case in [
		[{"add": 1, "max": 5}, {"add": 2, "max": 9}, {"add": 2, "max": 5}],
		[{"add": 3, "max": null}, {"add": 2, "max": 9}, {"add": 3, "max": 9}],
		[{"add": 1, "max": null}, {"add": 2, "max": null}, {"add": 2, "max": null}],
	] {
		decision := remit.decision with input as fixtures.allowed with remit.policies as _counting(case[0], case[1])
		decision.effects.counters == {"mails": case[2]}
	}
}

# The service refuses a decision with such steps.
test_a_malformed_step_stays_malformed if {
	stepless := remit.decision with input as fixtures.allowed with remit.policies as _counting({"max": 5}, {"max": 6})
	stepless.effects.counters.mails.add == null
	limitless := remit.decision with input as fixtures.allowed with remit.policies as _counting({"add": 1}, {"add": 2})
	limitless.effects.counters.mails.max == ""
}

test_a_deny_has_no_obligations_and_no_effects if {
	policies := {"two": {
		"deny": {_reason_of("refused")},
		"obligation": {{"id": "o-1", "type": "redact", "properties": {}}},
		"effect": {{"labels_add": ["pii"], "counters": {"mails": {"add": 1, "max": null}}}},
	}}
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	decision.obligations == []
	decision.effects == {"labels_add": [], "counters": {}}
}

test_an_answer_lasts_as_long_as_its_class_says if {
	remit.decision.ttl_s == 30 with input as fixtures.allowed with remit.config.classes.query.ttl_s as 30
}

test_an_answer_lasts_no_longer_than_its_token if {
	token := object.union(fixtures.verified_token, {"expires_in_s": 12})
	called := fixtures.changed(fixtures.allowed, [["token", token], ["subject/verified", true]])
	remit.decision.ttl_s == 12 with input as called with remit.config.classes.query.ttl_s as 30
	remit.decision.ttl_s == 0 with input as fixtures.changed(called, [["token/expires_in_s", -3]])
		with remit.config.classes.query.ttl_s as 30
}

test_a_deny_does_not_last if {
	called := fixtures.changed(fixtures.allowed, [["subject/roles", []]])
	remit.decision.ttl_s == 0 with input as called with remit.config.classes.query.ttl_s as 30
}

# A policy whose `deny` is not a set of reasons would be silent.
test_every_policy_defines_sets if {
	every policy in remit.policies {
		every kind in {"allow", "deny", "ask", "obligation", "effect"} {
			_set_or_absent(policy, kind)
		}
	}
}

_set_or_absent(policy, kind) if is_set(object.get(policy, kind, set()))

test_each_deny_case_stays_a_deny_whatever_field_is_missing_or_mistyped if {
	denied := [
		fixtures.changed(fixtures.allowed, [["subject/roles", ["viewer"]]]),
		fixtures.changed(fixtures.allowed_admin, [["token/auth_age_s", 4000]]),
		fixtures.changed(fixtures.allowed_admin, [["session/age_s", 4000]]),
		fixtures.changed(fixtures.allowed_admin, [["request/origin/ip", "203.0.113.9"]]),
		fixtures.changed(fixtures.allowed, [["call/arguments_known", false]]),
		fixtures.changed(fixtures.allowed, [["tool/known", false]]),
		fixtures.from(fixtures.allowed_payment, "/recipient", "untrusted"),
	]
	every called in denied {
		not remit.decision.allow with input as called
		every path in _paths(called) {
			not remit.decision.allow with input as fixtures.without(called, path)
			every wrong in _mistyped(object.get(called, path, null)) {
				not remit.decision.allow with input as fixtures.changed(called, [[path, wrong]])
			}
		}
	}
}

# What the input's schema does not allow in place of a value; nothing that may be null may also be a list of numbers.
_mistyped(value) := {[1]} if is_null(value)

_mistyped(value) := wrongs if {
	not is_null(value)
	wrongs := {wrong |
		some wrong in {true, -1, "x", [1], {"x": 1}}
		type_name(wrong) != type_name(value)
	}
}

_paths(document) := {path | walk(document, [path, _]); count(path) > 0}
