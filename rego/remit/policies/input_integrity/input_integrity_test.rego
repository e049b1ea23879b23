package remit.policies.input_integrity_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.input_integrity

_details := [entry.detail | some entry in input_integrity.deny]

test_lets_a_sound_input_pass if {
	input_integrity.deny == set() with input as fixtures.allowed
	input_integrity.deny == set() with input as fixtures.allowed_admin
	input_integrity.deny == set() with input as fixtures.changed(fixtures.allowed, [["session/grant", {}]])
}

test_denies_an_undefined_input_and_names_the_parts if {
	input_integrity.deny == {{
		"code": "input_malformed",
		"rank": 0,
		"message": "a field that the decision depends on is missing or malformed: ",
		"detail": "agent, call, context, nonce, provenance, request, session, subject, token, tool, version",
		"remedy": "tell the operator: the service and the policies disagree about the input",
		"controls": ["NIST-800-207"],
	}} with input as {}
}

# Open objects hold whatever the caller or the issuer put there.
_open := {
	["call", "arguments"],
	["call", "annotations"],
	["subject", "properties"],
	["agent", "properties"],
	["token", "claims"],
	["session", "counts"],
	["session", "budgets"],
	["context"],
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

# An element of a list, or an argument's provenance, may be absent.
_required(path) if {
	every part in path {
		not is_number(part)
	}
	not array.slice(path, 0, 1) == ["provenance"]
}

_required(["provenance"])

test_denies_whatever_field_is_missing if {
	every called in {fixtures.allowed, fixtures.allowed_admin} {
		every path in {path | some path in _paths(called); _required(path)} {
			details := _details with input as fixtures.without(called, path)
			path[0] in split(details[0], ", ")
		}
	}
}

test_denies_whatever_field_is_mistyped if {
	every called in {fixtures.allowed, fixtures.allowed_admin} {
		every path in _paths(called) {
			every wrong in _mistyped(object.get(called, path, null)) {
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
		some wrong in {true, -1, "x", [1], {"x": 1}}
		type_name(wrong) != type_name(value)
	}
}

test_denies_values_that_are_not_listed if {
	every change in [
		["version", 2],
		["tool/class", "write"],
		["tool/class_source", "guess"],
		["provenance/~1q", "friend"],
		["call/tool", ""],
		["session/age_s", -1],
		["token/auth_age_s", -1],
		["token/age_s", -1],
	] {
		count(input_integrity.deny) == 1 with input as fixtures.changed(fixtures.allowed, [change])
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
