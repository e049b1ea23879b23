package remit.policies.input_integrity_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.input_integrity

_details := [entry.detail | some entry in input_integrity.deny]

_sound := [fixtures.allowed, fixtures.allowed_admin, fixtures.allowed_payment, _rich, _unlimited]

# With everything that a session can have.
_rich := fixtures.changed(fixtures.allowed_payment, [
	["session/approvals", [fixtures.approval(["destination_untrusted"])]],
	["session/ended", {"by": "agent", "reason": "incident"}],
	["session/pinned_digest", "sha256:0"],
	["tool/definition_digest", "sha256:0"],
	["tool/requires", [{"tool": "banking/get_balance", "argument": "/recipient", "met": false}]],
])

# Of other origins, limited in nothing, and with nothing done yet.
_unlimited := fixtures.changed(fixtures.from(fixtures.allowed_payment, "/recipient", "trusted"), [
	["session/calls", 0],
	["session/grant/tools", null],
	["session/grant/classes", null],
	["session/grant/expires_in_s", null],
	["session/budgets/spent", {"used": 0.5, "scope": "tenant", "window_s": null}],
	["embedded", [{"pointer": "/subject", "kind": "account", "origin": "untrusted"}]],
])

test_lets_a_sound_input_pass if {
	every called in _sound {
		input_integrity.deny == set() with input as called
	}
}

test_lets_a_call_without_a_session_pass if {
	input_integrity.deny == set() with input as _unknown_session([["session/id", null], ["session/age_s", null]])
}

test_lets_a_store_that_does_not_answer_pass if {
	input_integrity.deny == set() with input as _unknown_session([["session/available", false], ["session/age_s", null]])
}

_unknown_session(changes) := fixtures.changed(fixtures.allowed, array.concat([["session/known", false]], changes))

test_denies_an_undefined_input_and_names_the_parts if {
	input_integrity.deny == {{
		"code": "input_malformed",
		"rank": 0,
		"message": "a field that the decision depends on is missing or malformed: ",
		"detail": "agent, call, context, embedded, nonce, provenance, request, session, subject, token, tool, values, version",
		"remedy": "tell the operator: the service and the policies disagree about the input",
		"controls": ["NIST-800-207"],
	}} with input as {}
}

# Open objects hold whatever the caller or the issuer put there; in the others each name is somebody's choice.
_open := {
	["call", "arguments"],
	["call", "annotations"],
	["subject", "properties"],
	["agent", "properties"],
	["token", "claims"],
	["context"],
}

_named := {
	["provenance"],
	["values"],
	["tool", "limits"],
	["session", "counts", "class"],
	["session", "counts", "tool"],
	["session", "budgets"],
	["session", "grant", "budgets"],
}

_paths(document) := {path |
	walk(document, [path, _])
	count(path) > 0
	not _inside_open(path)
}

_inside_open(path) if {
	some opened in _open
	count(path) > count(opened)
	array.slice(path, 0, count(opened)) == opened
}

# An element of a list or a named member may be absent.
_required(path) if {
	not is_number(path[count(path) - 1])
	not array.slice(path, 0, count(path) - 1) in _named
}

test_denies_whatever_field_is_missing if {
	every called in _sound {
		every path in {path | some path in _paths(called); _required(path)} {
			details := _details with input as fixtures.without(called, path)
			path[0] in split(details[0], ", ")
		}
	}
}

test_denies_whatever_field_is_mistyped if {
	every called in _sound {
		every path in _paths(called) {
			every wrong in _mistyped(object.get(called, path, null)) - _permitted(path) {
				details := _details with input as fixtures.changed(called, [[path, wrong]])
				path[0] in split(details[0], ", ")
			}
		}
	}
}

_mistyped(value) := {true, [1]} if is_null(value)

_mistyped(value) := wrongs if {
	not is_null(value)
	wrongs := {wrong |
		some wrong in {true, -1, "x", [1], {"x": 1}, [], {}}
		type_name(wrong) != type_name(value)
	}
}

# What may be null, or one of these.
_permitted(path) := object.get(
	{"asked_for": {true}, "granted": {true}, "expires_in_s": {-1}, "amount": {-1}, "argument": {"x"}, "definition_digest": {"x"}},
	path[count(path) - 1],
	set(),
)

test_denies_values_that_are_not_listed_or_negative if {
	every change in [
		["version", 2],
		["tool/class", "write"],
		["tool/class_source", "guess"],
		["call/tool", ""],
		["session/age_s", -1],
		["session/calls", -1],
		["session/records", -1],
		["session/counts/class/query", -1],
		["session/counts/tool/x", -1],
		["session/budgets/session_calls/used", -1],
		["session/budgets/session_calls/window_s", -1],
		["session/budgets/session_calls/scope", "world"],
		["session/recent", [{"tool": "x", "class": "write", "age_s": 1, "outcome": "completed"}]],
		["session/recent", [{"tool": "x", "class": "read", "age_s": -1, "outcome": "completed"}]],
		["session/recent", [{"tool": "x", "class": "read", "age_s": 1, "outcome": "guessed"}]],
		["session/ended", {"by": "somebody", "reason": "x"}],
		["values/~1q/role", "guess"],
		["values/~1q/origin", "friend"],
		["embedded", [{"pointer": "/q", "kind": "guess", "origin": "unknown"}]],
		["embedded", [{"pointer": "/q", "kind": "url", "origin": "friend"}]],
		["token/auth_age_s", -1],
		["token/age_s", -1],
	] {
		count(input_integrity.deny) == 1 with input as fixtures.changed(fixtures.allowed, [change])
	}
}

test_denies_a_session_that_contradicts_itself if {
	every change in [["session/available", false], ["session/id", null], ["session/age_s", null]] {
		details := _details with input as fixtures.changed(fixtures.allowed, [change])
		details == ["session"]
	}
}

test_denies_values_that_contradict_their_provenance if {
	every changes in [
		[["provenance/~1q", "task"]],
		[["provenance", {}]],
		[["values", {}]],
		[["provenance/~1other", "unknown"]],
	] {
		details := _details with input as fixtures.changed(fixtures.allowed, changes)
		details == ["values"]
	}
}

test_denies_a_value_of_an_argument_that_the_tool_does_not_have if {
	every changes in [[["tool/queries", []]], [["values/~1q/role", "destination"]]] {
		details := _details with input as fixtures.changed(fixtures.allowed, changes)
		details == ["values"]
	}
}

test_denies_identity_that_rests_on_no_verified_token if {
	every changes in [
		[["subject/verified", true]],
		[["agent/verified", true]],
		[["token/verified", true]],
		[["token/verified", true], ["token/present", true], ["token/failure", "token_expired"]],
	] {
		details := _details with input as fixtures.changed(fixtures.allowed, changes)
		details == ["token"]
	}
}
