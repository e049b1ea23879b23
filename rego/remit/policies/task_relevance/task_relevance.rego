# METADATA
# title: Task relevance
# description: |
#   What changes something should be what the user asked for. When the grant of the session states the task, a tool of class `update` or
#   `admin` that no word of the task asks for needs an approval. A task asks for a tool by one of the words that the catalog gives
#   it, or hands over to a document by one of `data.remit.config.task_relevance.delegating`. With `task_required` a session
#   without a task needs an approval too.
# schemas:
#   - input: schema.input
package remit.policies.task_relevance

import data.remit.facts

# METADATA
# title: The task does not ask for the tool
# description: The task of the session is known, and none of its words asks for this tool.
# custom:
#   code: tool_not_asked_for
#   rank: 60
#   message: "nothing in the user's task asks for the tool: "
#   remedy: ask the user whether this is wanted, and have it approved
#   controls: [OWASP-ASI01, OWASP-ASI02, NIST-800-207]
reason["tool_not_asked_for"] := rego.metadata.rule().custom

# METADATA
# title: The task is not known
# description: "`data.remit.config.task_relevance.task_required` is set, and nobody stated what the user asked for."
# custom:
#   code: task_missing
#   rank: 61
#   message: it is not known what the user asked for
#   remedy: declare the session with a grant that states the task, or have the call approved
#   controls: [OWASP-ASI01, OWASP-ASI02, NIST-800-207]
reason["task_missing"] := rego.metadata.rule().custom

# METADATA
# title: Ask about tools that the task does not ask for
# description: See `tool_not_asked_for`.
ask contains object.union(reason.tool_not_asked_for, {"detail": facts.listed([facts.tool_name])}) if {
	input.tool.asked_for == false
	facts.changes
}

# METADATA
# title: Ask without a task
# description: See `task_missing`.
ask contains reason.task_missing if {
	is_null(input.tool.asked_for)
	facts.changes
	not data.remit.config.task_relevance.task_required == false
}
