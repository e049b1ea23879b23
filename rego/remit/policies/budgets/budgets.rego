# METADATA
# title: Budgets
# description: |
#   How much a session, an agent or a tenant may do. `data.remit.config.budgets` names budgets: `scope` (`session`, `agent`, `tenant`),
#   `counts` (`calls`, or `amount`: the sum of what the catalog calls amounts), `window_s` (seconds, aligned with the clock; null: for
#   as long as the session lives, or for good), `max`, and the `classes` and `tools` that it counts (null: all; a tool is
#   `server/name`, or the beginning of one before a `*`). What a call uses is reserved together with the allow.
# schemas:
#   - input: schema.input
package remit.policies.budgets

import data.remit.facts

# METADATA
# title: A budget is used up
# description: With this call more would be used than the budget gives.
# custom:
#   code: budget_exceeded
#   rank: 25
#   message: "with this call more would be used than permitted: "
#   remedy: wait until the budget's window is over, begin a new session if it is the session's, or ask the operator for more
#   controls: [OWASP-ASI02, OWASP-ASI08, NIST-800-207]
reason["budget_exceeded"] := rego.metadata.rule().custom

# METADATA
# title: A budget is unknown
# description: What was used of a budget is not known, or the budget is malformed.
# custom:
#   code: budget_unknown
#   rank: 24
#   message: "it is not known how much was used of the budgets "
#   remedy: "tell the operator: see `data.remit.config.budgets`"
#   controls: [OWASP-ASI08, NIST-800-207]
reason["budget_unknown"] := rego.metadata.rule().custom

# METADATA
# title: An amount is unknown
# description: An amount is negative or no number, or one that a budget counts is missing.
# custom:
#   code: amount_unknown
#   rank: 23
#   message: "an amount is missing, negative or no number in "
#   remedy: state each amount as a number that is not negative
#   controls: [OWASP-ASI02, NIST-800-207]
reason["amount_unknown"] := rego.metadata.rule().custom

# METADATA
# title: Deny beyond a budget
# description: See `budget_exceeded`.
deny contains object.union(reason.budget_exceeded, {"detail": concat(", ", limits)}) if {
	_refused
	exceeded := [name | some name, null in _uses; _readable(name)]
	count(exceeded) > 0
	limits := [sprintf("`%s` (at most %v)", [name, _budgets[name].max]) | some name in array.slice(sort(exceeded), 0, 8)]
}

# METADATA
# title: Deny what cannot be counted
# description: See `budget_unknown`.
# scope: document
deny contains object.union(reason.budget_unknown, {"detail": facts.listed(unreadable)}) if {
	_refused
	unreadable := [name | some name, null in _uses; not _readable(name)]
	count(unreadable) > 0
}

deny contains object.union(reason.budget_unknown, {"detail": "`data.remit.config.budgets`"}) if not _configured

# METADATA
# title: Deny unknown amounts
# description: See `amount_unknown`.
deny contains object.union(reason.amount_unknown, {"detail": facts.listed(_unknown_amounts)}) if count(_unknown_amounts) > 0

# METADATA
# title: Count the call
# description: What it uses of each budget, reserved together with the allow.
effect contains {"labels_add": [], "counters": _uses} if count(_uses) > 0

_budgets := data.remit.config.budgets

_configured if is_object(_budgets)

# Without the store nothing is known of any budget; the policy `sessions` says what goes on then.
_counting if {
	input.session.available == true
	not facts.question
}

# What this call uses of each budget that applies; null when there is not enough left, or when that cannot be told. A budget applies unless
# it says that it counts other calls, so what is malformed in it denies.
_uses[name] := use if {
	_counting
	some name, budget in _budgets
	not _elsewhere(budget)
	use := _use(name, budget)
}

_use(name, budget) := {"add": step, "max": budget.max} if {
	step := _step(budget.counts)
	facts.within(input.session.budgets[name].used, step, budget.max)
} else := null

_refused if null in _uses

_readable(name) if {
	is_number(input.session.budgets[name].used)
	is_number(_budgets[name].max)
	_ = _step(_budgets[name].counts)
}

_step("calls") := 1

_step("amount") := facts.amount_sum

_elsewhere(budget) if {
	facts.names(budget.classes)
	class := input.tool.class
	not class in budget.classes
}

_elsewhere(budget) if {
	facts.names(budget.tools)
	not facts.covers(budget.tools)
}

_elsewhere(budget) if {
	budget.counts == "amount"
	input.tool.amounts == []
}

_elsewhere(budget) if {
	budget.scope == "session"
	is_null(input.session.id)
}

_unknown_amounts contains pointer if {
	some pointer in input.tool.amounts
	_amounts_counted
	not facts.countable_amounts[pointer]
}

_unknown_amounts contains pointer if {
	some pointer, _ in facts.amounts
	not facts.countable_amounts[pointer]
}

_amounts_counted if {
	some name, _ in _uses
	_budgets[name].counts == "amount"
}

_amounts_counted if {
	_ = input.session.grant.budgets.amount
	not facts.question
}
