package tickets

default allow := false

allow if input.action == "read"

allow if {
	input.action == "resolve"
	"resolver" in input.user.roles
}

reasons contains "only resolvers resolve" if {
	input.action == "resolve"
	not "resolver" in input.user.roles
}

decision := {"allow": allow, "reasons": reasons}

# Both at once is a mistake of the caller, and an error of the policy.
priority := 1 if input.urgent

priority := 3 if input.minor
