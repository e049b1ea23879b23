# METADATA
# title: Mass reading
# description: |
#   Reading much is an action of its own. `data.remit.config.mass_read` limits how many rows one call may ask for (`page_size_max`, over the
#   arguments that the catalog calls page sizes), and for tools that return confidential data how many rows a session may have
#   been returned (`records_max`) and how often it may call one tool (`calls_max`) before somebody is asked.
# schemas:
#   - input: schema.input
package remit.policies.mass_read

import data.remit.facts

# METADATA
# title: The page is too large
# description: |
#   An argument asks for more rows than permitted, for all of them (a number below one), or in a way that cannot be judged, such as null.
# custom:
#   code: page_too_large
#   rank: 65
#   message: "more rows are asked for than permitted, or it is not clear how many, in "
#   remedy: ask for fewer rows at a time, or have the call approved
#   controls: [OWASP-ASI02, OWASP-NHI-02, NIST-800-207]
reason["page_too_large"] := rego.metadata.rule().custom

# METADATA
# title: Much confidential data was read
# description: The session was returned many rows of confidential data, or has called this tool many times.
# custom:
#   code: mass_read
#   rank: 66
#   message: this session has read much confidential data already
#   remedy: read only what the task needs, or have the call approved
#   controls: [OWASP-ASI02, OWASP-NHI-02, NIST-800-207]
reason["mass_read"] := rego.metadata.rule().custom

# METADATA
# title: Ask about large pages
# description: See `page_too_large`.
ask contains object.union(reason.page_too_large, {"detail": facts.listed(excessive)}) if {
	excessive := _stated - _moderate
	count(excessive) > 0
}

# METADATA
# title: Ask about much reading
# description: See `mass_read`.
ask contains reason.mass_read if {
	facts.confidential_returned
	not _little_read
}

_stated contains pointer if {
	some pointer in input.tool.page_sizes
	_ = _argument(pointer)
}

_moderate contains pointer if {
	is_number(_limits.page_size_max)
	some pointer in _stated
	size := _argument(pointer)
	is_number(size)
	size >= 1
	size <= _limits.page_size_max
}

# What a JSON pointer leads to; undefined when that is absent. Only the way there is left of the arguments, so depth tells its end.
_argument(pointer) := argument if {
	parts := [strings.replace_n({"~1": "/", "~0": "~"}, part) | some part in split(pointer, "/")]
	way := array.slice(parts, 1, count(parts))
	walk(json.filter(input.call.arguments, [way]), [path, argument])
	count(path) == count(way)
}

_little_read if {
	is_number(_limits.records_max)
	is_number(_limits.calls_max)
	input.session.records <= _limits.records_max
	object.get(input.session.counts.tool, facts.tool_name, 0) < _limits.calls_max
}

_limits := data.remit.config.mass_read
