package remit.policies.definition_pinning_test

import data.remit.fixtures_test as fixtures
import data.remit.policies.definition_pinning

# Digests that the call, the session and the catalog state, by the codes that follow.
test_denies_definitions_that_are_not_what_they_were if {
	every case in [
		[null, null, null, set()],
		["sha256:1", null, null, set()],
		["sha256:1", "sha256:1", "sha256:1", set()],
		["sha256:1", "sha256:2", null, {"definition_changed"}],
		[null, "sha256:2", null, {"definition_changed"}],
		["sha256:1", null, "sha256:2", {"definition_not_pinned"}],
		[null, null, "sha256:2", {"definition_not_pinned"}],
		[null, "sha256:1", "sha256:2", {"definition_changed", "definition_not_pinned"}],
	] {
		called := fixtures.changed(fixtures.allowed, [
			["call/definition_digest", case[0]],
			["session/pinned_digest", case[1]],
			["tool/definition_digest", case[2]],
		])
		codes := fixtures.codes(definition_pinning.deny) with input as called
		codes == case[3]
	}
}
