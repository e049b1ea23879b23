package remit.policies.destructive_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.destructive

_update(tool) := fixtures.changed(fixtures.allowed, [["tool/class", "update"], ["call/tool", tool]])

_stepped_up(changes) := fixtures.changed(fixtures.allowed_admin, changes)

test_lets_a_harmless_call_pass if destructive.deny == set() with input as fixtures.allowed

test_denies_administration_without_step_up if {
	called := fixtures.changed(fixtures.allowed, [["tool/class", "admin"]])
	destructive.deny == {{
		"code": "step_up_required",
		"rank": 45,
		"message": "this action is destructive or administrative and needs a recent strong authentication",
		"remedy": "authenticate again with one of the listed `acr_values` and send the new token",
		"controls": ["OWASP-ASI02", "OWASP-ASI03", "OWASP-NHI-04", "NIST-800-207"],
		"step_up": {"acr_values": ["phr", "phrh"]},
	}} with input as called
}

test_denies_a_tool_annotated_as_destructive if {
	called := fixtures.changed(fixtures.allowed, [["call/annotations", {"destructiveHint": true}]])
	fixtures.codes(destructive.deny) == {"step_up_required"} with input as called
}

test_an_annotation_never_loosens if {
	called := fixtures.changed(fixtures.allowed, [["tool/class", "admin"], ["call/annotations", {"destructiveHint": false}]])
	fixtures.codes(destructive.deny) == {"step_up_required"} with input as called
}

test_finds_destructive_verbs_in_names if {
	every tool in [
		"delete_user",
		"delete",
		"users.delete",
		"users/purge",
		"db:drop-table",
		"DROP_TABLE",
		"deleteUser",
		"bulkDeleteUsers",
		"WipeDisk",
	] {
		codes := fixtures.codes(destructive.deny) with input as _update(tool)
		codes == {"step_up_required"}
	}
}

test_finds_no_verbs_in_other_words if {
	every tool in ["update_customer", "dropbox_upload", "reformatted", "undeleted", "send_money", "formatter"] {
		codes := fixtures.codes(destructive.deny) with input as _update(tool)
		codes == set()
	}
}

test_the_catalog_knows_better_than_the_name if {
	called := fixtures.changed(fixtures.allowed, [["call/tool", "list_deleted_users"], ["tool/class", "read"]])
	destructive.deny == set() with input as called
	named := fixtures.changed(called, [["call/tool", "preview_delete"]])
	destructive.deny == set() with input as named
	fixtures.codes(destructive.deny) == {"step_up_required"} with input as fixtures.changed(
		named,
		[["tool/class_source", "annotations"]],
	)
}

test_exempts_single_tools_from_name_and_annotation_only if {
	exempt := {"crm/delete_draft": true}
	called := fixtures.changed(_update("delete_draft"), [["call/annotations", {"destructiveHint": true}]])
	destructive.deny == set() with input as called with data.remit.config.destructive.exempt_tools as exempt
	admin := fixtures.changed(called, [["tool/class", "admin"]])
	fixtures.codes(destructive.deny) == {"step_up_required"} with input as admin
		with data.remit.config.destructive.exempt_tools as exempt
}

test_lets_administration_pass_after_step_up if {
	destructive.deny == set() with input as _stepped_up([])
	destructive.deny == set() with input as _stepped_up([["token/acr", "phrh"], ["token/auth_age_s", 900]])
	destructive.deny == set() with input as _stepped_up([["token/acr", null], ["token/amr", ["pwd", "mfa"]]])
}

test_denies_a_weak_old_or_unverified_authentication if {
	every changes in [
		[["token/acr", "1"]],
		[["token/acr", null]],
		[["token/auth_age_s", 901]],
		[["token/auth_age_s", null]],
		[["token/verified", false]],
	] {
		codes := fixtures.codes(destructive.deny) with input as _stepped_up(changes)
		codes == {"step_up_required"}
	}
}

test_denies_when_it_is_not_known_what_is_strong_or_recent if {
	every step_up in [
		null,
		{},
		{"acr_values": ["phr"]},
		{"acr_values": ["phr"], "auth_age_s_max": "900"},
		{"acr_values": ["phr"], "auth_age_s_max": null},
		{"auth_age_s_max": 900},
		{"acr_values": "phr", "auth_age_s_max": 900},
		{"acr_values": {"x": "phr"}, "auth_age_s_max": 900},
		{"acr_values": ["phr", null], "auth_age_s_max": 900},
	] {
		codes := fixtures.codes(destructive.deny) with input as _stepped_up([]) with data.remit.config.step_up as step_up
		codes == {"step_up_required"}
	}
}

test_every_name_is_destructive_when_nothing_says_which_are if {
	every verbs in [null, true, 1, "delete", ["delete"], {"delete": null}, {"delete": "Delete", "x": 1}] {
		codes := fixtures.codes(destructive.deny) with input as _update("update_customer") with data.remit.config.destructive.verbs as verbs
		codes == {"step_up_required"}
	}
	codes := fixtures.codes(destructive.deny) with input as _update("update_customer") with data.remit.config.destructive as {}
	codes == {"step_up_required"}
	destructive.deny == set() with input as _update("delete_customer") with data.remit.config.destructive as {"verbs": {}}
	destructive.deny == set() with input as fixtures.allowed with data.remit.config.destructive as {}
}
