# Texts: patterns, globs, sprintf, splitting, trimming, URLs and paths, as policies for tool calls use them.
# input: {"tool": "send_mail", "arguments": {"to": ["emma@example.com", "x@evil.example"], "subject": "Hello  Wörld", "path": "/srv/../etc/passwd", "url": "https://user@Example.com:8443/a%20b?q=1&r=2#f", "amount": "1200.50", "query": "select * from t; drop table t", "when": "2026-03-29T02:30:00+01:00"}}
package fuzz

answer["denied"] := denied

answer["domains"] := domains

answer["path"] := path

answer["amount"] := amount

answer["statements"] := statements

answer["subject"] := subject

answer["url"] := url

answer["when"] := when

answer["tool"] := tool

denied contains message if {
	some address in input.arguments.to
	not glob.match("*@example.com", [], address)
	message := sprintf("%v is outside: %q, %d of %d", [address, address, count(address), count(input.arguments.to)])
}

denied contains "path" if contains(input.arguments.path, "..")

denied contains "query" if regex.match(`(?i)\b(drop|delete|truncate)\b`, input.arguments.query)

denied contains $"tool {input.tool} is {type_name(input.arguments.amount)}" if not startswith(input.tool, "read_")

domains := {lower(parts[1]) |
	some address in input.arguments.to
	parts := split(address, "@")
}

path := {
	"clean": trim_prefix(replace(input.arguments.path, "..", "."), "/"),
	"parts": split(trim(input.arguments.path, "/"), "/"),
	"end": substring(input.arguments.path, indexof(input.arguments.path, "/"), 4),
	"globs": {pattern | some pattern in {"/srv/**", "/srv/*", "/*/..", "{/etc,/srv}/**", "/s[a-z]v/*"}; glob.match(pattern, ["/"], input.arguments.path)},
}

amount := {"number": number, "rounded": round(number), "large": number > 1000, "cents": number * 100} if {
	number := to_number(input.arguments.amount)
}

statements := [trim_space(statement) | some statement in split(input.arguments.query, ";")]

subject := {
	"upper": upper(input.arguments.subject),
	"reversed": strings.reverse(input.arguments.subject),
	"words": regex.find_all_string_submatch_n(`(\w)(\w*)`, input.arguments.subject, -1),
	"replaced": strings.replace_n({"l": "L", "o": "0"}, input.arguments.subject),
	"encoded": base64.encode(input.arguments.subject),
	"count": count(input.arguments.subject),
}

url := {"scheme": parts[0], "rest": concat("|", array.slice(parts, 1, 3))} if parts := split(input.arguments.url, ":")

when := time.parse_rfc3339_ns(input.arguments.when)

tool := {"verb": verb, "rest": concat("_", array.slice(words, 1, count(words)))} if {
	words := split(input.tool, "_")
	verb := words[0]
}
