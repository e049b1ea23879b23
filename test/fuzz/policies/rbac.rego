# Roles, tables as literals, sets, every, else, default, functions with several bodies.
# input: {"user": "emma", "roles": ["support", "admin"], "action": "delete", "resource": {"type": "customer", "owner": "emma", "tags": ["pii", "eu"]}, "attributes": {"level": 3, "mfa": true}}
package fuzz

answer["allow"] := allow

answer["level"] := level

answer["granted"] := granted

answer["missing"] := missing

answer["class"] := class(input.action)

answer["owners"] := owners

grants := {
	"support": {"customer": {"read", "search"}, "ticket": {"read", "update"}},
	"admin": {"customer": {"read", "search", "update", "delete"}},
	"auditor": {"log": {"read"}},
}

default allow := false

allow if {
	input.action in granted
	count(missing) == 0
}

allow if {
	input.resource.owner == input.user
	input.action in {"read", "update"}
	not "locked" in input.resource.tags
}

granted contains action if {
	some role in input.roles
	some action in grants[role][input.resource.type]
}

missing contains tag if {
	some tag in input.resource.tags
	not covered(tag, input.attributes)
}

covered("pii", attributes) if attributes.mfa == true

covered("eu", attributes) if attributes.level >= 2

covered(tag, attributes) if {
	not tag in {"pii", "eu"}
	attributes.level > count(tag)
}

class("read") := "read"

class("search") := "query"

class(action) := "change" if {
	action in {"update", "delete"}
} else := "unknown" if {
	is_string(action)
} else := type_name(action)

level := "high" if {
	every role in input.roles {
		is_string(role)
		startswith(role, "a")
	}
} else := "low" if {
	input.attributes.level < 3
} else := "middle"

owners[name] := kinds if {
	some name in {input.user, input.resource.owner}
	kinds := {kind | some kind, _ in grants[_]}
}
