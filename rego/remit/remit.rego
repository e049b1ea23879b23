# METADATA
# title: Remit
# description: |
#   Combines what the policies say about one tool call. A policy is a folder under `rego/remit/policies` that may define the sets
#   `allow`, `deny`, `ask`, `obligation` and `effect`. Nothing is allowed by default, a deny overrides every allow, and an `ask` is
#   a deny that an approval can lift.
# schemas:
#   - input: schema.input
package remit

# METADATA
# title: Decision
# description: The answer; always this object, whatever `input` is. `nonce` proves that this input was seen.
# entrypoint: true
decision := object.union(
	{
		"allow": _allow,
		"reasons": _reasons,
		"obligations": _obligations,
		"effects": {"labels_add": _labels, "counters": _counters},
		"required_scopes": _step_up_values("required_scopes"),
		"acr_values": _step_up_values("acr_values"),
		"ttl_s": _ttl_s,
		"nonce": object.get(input, "nonce", ""),
	},
	_access_request,
)

# METADATA
# title: No policy allows the call
# description: The default. Nothing denied the call, but nothing allowed it either.
# custom:
#   code: no_policy_allows
#   message: no policy allows this call
#   remedy: ask the operator for a policy or a role that allows it
#   controls: [OWASP-ASI02, OWASP-NHI-05, NIST-800-207]
reason["no_policy_allows"] := rego.metadata.rule().custom

# METADATA
# title: A reason is malformed
# description: A policy denied the call with something that is not a reason.
# custom:
#   code: reason_malformed
#   message: a policy denied this call without a readable reason
#   remedy: "tell the operator: each element of `deny` and `ask` needs a code, a message, a remedy and controls"
#   controls: [NIST-800-207]
reason["reason_malformed"] := rego.metadata.rule().custom

# METADATA
# title: Approved
# description: Somebody approved exactly this call, and that is why what would have been an `ask` does not refuse it.
# custom:
#   code: approved
#   message: "allowed by approval "
#   remedy: ""
#   controls: [OWASP-ASI09, NIST-800-207]
reason["approved"] := rego.metadata.rule().custom

# What the policies say, as pairs of policy name and element. These decide; the reasons made from them only explain.
# `some name, policy in data.remit.policies` would read better, and would evaluate every rule of every policy.

_allows contains [name, element] if {
	some name
	some element in data.remit.policies[name].allow # regal ignore:mixed-iteration
}

_denies contains [name, element] if {
	some name
	some element in data.remit.policies[name].deny # regal ignore:mixed-iteration
}

_asks contains [name, element] if {
	some name
	some element in data.remit.policies[name].ask # regal ignore:mixed-iteration
}

# Approvals that are given for this call; what is malformed lifts nothing.
_approvals contains approval if {
	some approval in input.session.approvals
	is_string(approval.id)
	is_array(approval.codes)
}

_lifted contains [name, element] if {
	some [name, element] in _asks
	some approval in _approvals
	element.code in approval.codes
}

default _allow := false

_allow if {
	count(_allows) > 0
	count(_refusals) == 0
}

_refusals := _denies | (_asks - _lifted)

# Sorted, since nothing says in which order the members of a set come.
_reasons := array.concat([_reason(name, element) | some [name, element] in sort(_allows)], _approved) if _allow

_reasons := [wire | some [_, _, wire] in sort(ranked)] if {
	count(_refusals) > 0
	ranked := [[_rank(element), element, _reason(name, element)] | some [name, element] in _refusals]
}

_reasons := [_own_reason(reason.no_policy_allows)] if {
	not _allow
	count(_refusals) == 0
}

# Each approval that lifts something.
_approved := [object.union(_own_reason(reason.approved), {"message": message}) |
	some id in sort({approval.id | some approval in _approvals; some [_, element] in _lifted; element.code in approval.codes})
	message := concat("", [reason.approved.message, "`", id, "`"])
]

_reason(name, element) := {
	"code": element.code,
	"message": concat("", [element.message, object.get(element, "detail", "")]),
	"remedy": element.remedy,
	"rule": concat(".", ["remit.policies", name]),
	"controls": element.controls,
} if {
	_readable(element)
} else := _own_reason(reason.reason_malformed)

_readable(element) if {
	is_string(element.code)
	is_string(element.message)
	is_string(element.remedy)
	is_array(element.controls)
	is_string(object.get(element, "detail", ""))
}

_own_reason(custom) := {
	"code": custom.code,
	"message": custom.message,
	"remedy": custom.remedy,
	"rule": "remit",
	"controls": custom.controls,
}

# The reason that explains the others comes first: the lowest rank.
_rank(element) := element.rank if {
	is_number(element.rank)
} else := 50

# A step-up is offered only when it would be enough.
_step_up_values(kind) := sort(values) if {
	count(_refusals) > 0
	count(_allows) > 0
	every refusal in _refusals {
		is_object(refusal[1].step_up)
	}
	values := {value | some [_, element] in _refusals; some value in element.step_up[kind]}
} else := []

default _access_request := {}

# An approval is offered only when it would be enough. It replaces those that were not, so it names what they lifted too.
_access_request := {"access_request": {
	"codes": sort({element.code | some [_, element] in _asks}),
	"expires_in_s": data.remit.config.approvals.expires_in_s,
}} if {
	count(_asks - _lifted) > 0
	count(_denies) == 0
	count(_allows) > 0
}

default _obligations := []

_obligations := sort([element | some element in data.remit.policies[_].obligation]) if _allow # regal ignore:mixed-iteration

_effects := [element | some element in data.remit.policies[_].effect] # regal ignore:mixed-iteration

default _labels := []

_labels := sort(labels) if {
	_allow
	labels := {label | some effect in _effects; some label in effect.labels_add}
}

default _counters := {}

# Steps are passed on as they are: the service refuses a decision with a malformed one.
_counters := {counter: step | some effect in _effects; some counter, step in effect.counters} if {
	_allow
	not _counted_twice
}

# Two policies that count the same thing count it once: the larger step and the smaller limit win.
_counters := {counter: {"add": max(adds), "max": _least(limits)} |
	some effect in _effects
	some counter, _ in effect.counters
	steps := {other.counters[counter] | some other in _effects}
	adds := {object.get(step, "add", null) | some step in steps}
	limits := {object.get(step, "max", "") | some step in steps}
} if {
	_allow
	_counted_twice
}

_counted_twice if {
	names := [counter | some effect in _effects; some counter, _ in effect.counters]
	count(names) > count({name | some name in names})
}

# Null is no limit.
_least(limits) := min(limits - {null}) if limits != {null}

_least({null}) := null

default _ttl_s := 0

# An answer is reusable for as long as its class says, and never beyond the life of the token it rests on.
_ttl_s := max([0, min([ttl, _token_life_s(ttl)])]) if {
	_allow
	ttl := data.remit.config.classes[input.tool.class].ttl_s
	ttl > 0
}

_token_life_s(ttl) := ttl if {
	not input.token.present
} else := input.token.expires_in_s
