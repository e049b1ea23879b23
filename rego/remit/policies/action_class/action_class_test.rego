package remit.policies.action_class_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.action_class

# Which class each role may do, by the shipped table.
_permitted := {
	"viewer": {"read"},
	"analyst": {"read", "query"},
	"support": {"read", "query"},
	"customer": {"read", "query", "update"},
	"editor": {"read", "query", "update"},
	"operator": {"read", "query", "update"},
	"admin": {"read", "query", "update", "admin"},
	"nobody": set(),
}

_call(class, role) := fixtures.changed(fixtures.allowed, [["tool/class", class], ["subject/roles", [role]]])

test_each_role_may_do_its_classes_and_no_other if {
	every role, classes in _permitted {
		every class in {"read", "query", "update", "admin"} {
			codes := fixtures.codes(action_class.deny) with input as _call(class, role)
			codes == {code | not class in classes; code := "role_not_permitted"}
		}
	}
}

test_names_the_role_that_allows if {
	action_class.allow == {{
		"code": "role_permits",
		"message": "allowed by role ",
		"detail": "`viewer`",
		"remedy": "",
		"controls": ["OWASP-NHI-05", "NIST-800-207"],
	}} with input as _call("read", "viewer")
}

test_names_the_class_that_no_role_permits if {
	action_class.deny == {{
		"code": "role_not_permitted",
		"rank": 30,
		"message": "no role of the subject may do this action class: ",
		"detail": "`update`",
		"remedy": "ask the operator for a role that may, or use a tool of a lower action class",
		"controls": ["OWASP-ASI02", "OWASP-ASI03", "OWASP-NHI-05", "NIST-800-207"],
	}} with input as _call("update", "viewer")
}

test_denies_a_subject_without_roles if {
	called := fixtures.changed(fixtures.allowed, [["subject/roles", []]])
	fixtures.codes(action_class.deny) == {"role_not_permitted"} with input as called
}

test_permits_administration_from_private_networks_only if {
	every ip, permitted in {
		"127.0.0.1": true,
		"::1": true,
		"10.9.8.7": true,
		"172.31.0.1": true,
		"192.168.1.1": true,
		"fd00::1": true,
		"172.32.0.1": false,
		"203.0.113.9": false,
		"2001:db8::1": false,
		"::ffff:203.0.113.9": false,
		"": false,
		"not an address": false,
	} {
		codes := fixtures.codes(action_class.deny) with input as fixtures.changed(_call("admin", "admin"), [["request/origin/ip", ip]])
		codes == {code | not permitted; code := "origin_not_permitted"}
	}
}

test_denies_administration_from_an_unknown_origin if {
	called := fixtures.changed(_call("admin", "admin"), [["request/origin/ip", null]])
	fixtures.codes(action_class.deny) == {"origin_not_permitted"} with input as called
}

test_limits_the_age_of_the_session_by_class if {
	every case in [
		["read", "admin", 1000000, set()],
		["query", "admin", 1000000, set()],
		["update", "admin", 28800, set()],
		["update", "admin", 28801, {"session_too_old"}],
		["admin", "admin", 3600, set()],
		["admin", "admin", 3601, {"session_too_old"}],
		["update", "admin", null, {"session_required"}],
		["admin", "admin", "60", {"session_required"}],
		["read", "admin", null, set()],
	] {
		called := fixtures.changed(_call(case[0], case[1]), [["session/age_s", case[2]]])
		codes := fixtures.codes(action_class.deny) with input as called
		codes == case[3]
	}
}

test_denies_a_class_without_limits if {
	codes := fixtures.codes(action_class.deny) with input as fixtures.allowed with data.remit.config.classes as {}
	codes == {"origin_not_permitted", "session_too_old"}
}

test_denies_an_undefined_input if {
	codes := fixtures.codes(action_class.deny) with input as {}
	codes == {"role_not_permitted", "origin_not_permitted", "session_required"}
}
