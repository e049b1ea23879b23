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
		"effects": {"labels_add": [], "counters": {}},
		"required_scopes": [],
		"acr_values": [],
		"ttl_s": 0,
		"nonce": "n-1",
	} with input as fixtures.allowed
}

test_allows_administration_after_step_up if remit.decision.allow with input as fixtures.allowed_admin

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
		"two": {"obligation": {obligation}, "effect": {{"labels_add": ["pii"], "counters": {"mails": 1}}}},
		"three": {"effect": {{"labels_add": ["pii"], "counters": {"mails": 2, "rows": 10}}}},
	})
	decision := remit.decision with input as fixtures.allowed with remit.policies as policies
	decision.obligations == [obligation]
	decision.effects == {"labels_add": ["pii"], "counters": {"mails": 2, "rows": 10}}
}

test_a_deny_has_no_obligations_and_no_effects if {
	policies := {"two": {
		"deny": {_reason_of("refused")},
		"obligation": {{"id": "o-1", "type": "redact", "properties": {}}},
		"effect": {{"labels_add": ["pii"], "counters": {"mails": 1}}},
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

# What the input's schema does not allow in place of a value; nothing that may be null may also be a boolean or an array.
_mistyped(value) := {true, [1]} if is_null(value)

_mistyped(value) := wrongs if {
	not is_null(value)
	wrongs := {wrong |
		some wrong in {true, -1, "x", [1], {"x": 1}}
		type_name(wrong) != type_name(value)
	}
}

_paths(document) := {path | walk(document, [path, _]); count(path) > 0}
