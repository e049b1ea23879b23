# METADATA
# title: Masking of decision records
# description: |
#   OPA's `system.log` package: what to mask in a decision record before it is first written. `input` is the record. The service masks
#   tokens and secret-like names and values itself, always; this adds what an operator wants masked: claims and arguments by name,
#   `data.remit.config.mask`.
package system.log

# METADATA
# title: Mask
# description: Paths to replace. Names are compared in lower case without `-` and `_`.
# entrypoint: true
mask contains _masked(concat("/", ["/input/token/claims", _escaped(name)])) if {
	some name, _ in input.input.token.claims
	data.remit.config.mask.claims[name] == true
}

mask contains _masked(concat("/", ["/input/call/arguments", _escaped(name)])) if {
	some name, _ in input.input.call.arguments
	_secret(name)
}

mask contains _masked(concat("/", ["/input/call/arguments", _escaped(outer), _escaped(name)])) if {
	some outer, member in input.input.call.arguments
	is_object(member)
	some name, _ in member
	_secret(name)
}

_masked(path) := {"op": "upsert", "path": path, "value": "**MASKED**"}

_secret(name) if data.remit.config.mask.arguments[replace(replace(lower(name), "_", ""), "-", "")] == true

# The service and OPA both decode `%` in a path; the service decodes `~` too.
_escaped(name) := replace(replace(replace(name, "%", "%25"), "~", "~0"), "/", "%2F")
