package system.log_test

import data.system.log

_masked(path) := {"op": "upsert", "path": path, "value": "**MASKED**"}

_record(arguments, claims) := {"input": {"call": {"arguments": arguments}, "token": {"claims": claims}}}

test_masks_nothing_that_is_harmless if {
	log.mask == set() with input as _record({"q": "smith", "filter": {"limit": 1}}, {"dept": "sales"})
	log.mask == set() with input as {"path": "remit/decision"}
}

test_masks_personal_claims if {
	log.mask == {_masked("/input/token/claims/email")} with input as _record({}, {"email": "emma@example.com", "dept": "sales"})
}

test_masks_secret_like_arguments if {
	every name in ["password", "API_KEY", "client-secret", "accessToken"] {
		paths := log.mask with input as _record({name: "s3cret", "q": "smith"}, {})
		paths == {_masked(concat("", ["/input/call/arguments/", name]))}
	}
}

test_masks_secret_like_arguments_one_level_down if {
	log.mask == {_masked("/input/call/arguments/auth/pin")} with input as _record({"auth": {"pin": 1234, "user": "emma"}}, {})
}

test_escapes_names if {
	log.mask == {_masked("/input/call/arguments/a%2Fb~0%25/token")} with input as _record({"a/b~%": {"token": "t"}}, {})
}
