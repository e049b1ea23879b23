# METADATA
# title: Sessions
# description: |
#   A call that needs the memory of its session is denied when that memory is not there: the store does not answer, it lost what it
#   held, or no session was stated. A terminated session, agent or subject is denied everything. `data.remit.config.sessions.required`
#   says whether tools that change something outside (`external`) and tools that return labelled content (`returns`) need a session.
#   Content is labelled unless the catalog says that it is `trusted` and nothing else.
# schemas:
#   - input: schema.input
package remit.policies.sessions

import data.remit.facts

# METADATA
# title: The session was terminated
# description: The kill switch was used on the session, its agent or its subject.
# custom:
#   code: session_ended
#   rank: 1
#   message: "somebody stopped this; terminated is the "
#   remedy: stop and tell the user; only whoever terminated it can let it begin again
#   controls: [OWASP-ASI10, OWASP-NHI-01, NIST-800-207]
reason["session_ended"] := rego.metadata.rule().custom

# METADATA
# title: The session store does not answer
# description: |
#   What the session did before cannot be read. Only tools that read inside, return what the catalog calls `trusted` and nothing
#   else, and have no destinations go on.
# custom:
#   code: session_unavailable
#   rank: 12
#   message: what the session did before cannot be read now, and this call depends on it
#   remedy: "try again later, or tell the operator: the session store does not answer"
#   controls: [OWASP-ASI08, NIST-800-207]
reason["session_unavailable"] := rego.metadata.rule().custom

# METADATA
# title: The memory of the session may be lost
# description: The store lost what it held, and this session may be older than that, with labels and counts that nobody knows any more.
# custom:
#   code: session_state_lost
#   rank: 13
#   message: what the session did before may be lost, and this call depends on it
#   remedy: "use tools that only read inside, or tell the operator: the session store lost sessions when its machine stopped"
#   controls: [OWASP-ASI08, NIST-800-207]
reason["session_state_lost"] := rego.metadata.rule().custom

# METADATA
# title: No session was stated
# description: The tool changes something outside, or returns labelled content, and nothing would remember it.
# custom:
#   code: session_missing
#   rank: 39
#   message: this tool may only be called in a session
#   remedy: state the session of the conversation with the call
#   controls: [OWASP-ASI02, OWASP-ASI06, NIST-800-207]
reason["session_missing"] := rego.metadata.rule().custom

# METADATA
# title: Deny what was terminated
# description: See `session_ended`.
deny contains object.union(reason.session_ended, {"detail": concat("", ["`", _ended_by, "`"])}) if not _going_on

# METADATA
# title: Deny without the store
# description: See `session_unavailable`.
deny contains reason.session_unavailable if {
	not _available
	not _plain
}

# METADATA
# title: Deny what needs a memory that may be lost
# description: See `session_state_lost`.
deny contains reason.session_state_lost if {
	not _kept
	not _inside
}

# METADATA
# title: Deny without a session
# description: See `session_missing`.
deny contains reason.session_missing if {
	not _stated
	_required
}

_going_on if is_null(input.session.ended)

default _ended_by := "session"

_ended_by := input.session.ended.by if is_string(input.session.ended.by)

_available if input.session.available == true

_kept if input.session.lost == false

_stated if is_string(input.session.id)

# Nothing leaves, and nothing changes.
_inside if {
	input.tool.class in {"read", "query"}
	input.tool.external == false
	input.tool.destinations == []
}

_plain if {
	_inside
	count(facts.labels_returned) == 0
}

_required if {
	input.tool.external == true
	facts.changes
	not data.remit.config.sessions.required.external == false
}

_required if {
	not data.remit.config.sessions.required.returns == false
	count(facts.labels_returned) > 0
}
