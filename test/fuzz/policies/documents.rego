# Documents: objects, sets, walk, JSON, with, comprehensions over comprehensions, references that may be undefined.
# input: {"document": {"a": {"b": [1, {"c": null}], "d": "x"}, "e": [true, false, ["y"]], "secret": "s3"}, "allowed": ["/a/b", "e"], "patch": {"a": {"d": 5}, "n": [0]}, "keys": ["a", "e", "zz"], "graph": {"a": ["b", "c"], "b": ["c"], "c": []}}
package fuzz

answer["filtered"] := json.filter(input.document, input.allowed)

answer["removed"] := json.remove(input.document, ["secret", "a/b/0"])

answer["merged"] := object.union(input.document, input.patch)

answer["leaves"] := leaves

answer["picked"] := picked

answer["kept"] := object.filter(input.document, input.keys)

answer["dropped"] := object.remove(input.document, input.keys)

answer["names"] := object.keys(input.document)

answer["reachable"] := graph.reachable(input.graph, {"a"})

answer["text"] := json.unmarshal(json.marshal(input.document))

answer["mocked"] := mocked

answer["pairs"] := pairs

answer["sets"] := sets

answer["shape"] := shape

leaves contains [path, value] if {
	walk(input.document, [path, value])
	not is_object(value)
	not is_array(value)
}

picked[key] := value if {
	some key in input.keys
	value := object.get(input.document, key, "none")
}

mocked := result if {
	result := inner with input.document as {"a": 1} with input.keys as ["a"]
}

inner := {"first": input.document.a, "picked": picked}

pairs := {sprintf("%v-%v", [a, b]) |
	some a in input.keys
	some b in [k | some k, _ in input.patch]
	a != b
}

sets := {"both": left & right, "either": (left | right), "only": left - right, "has": input.keys[0] in left} if {
	left := {key | some key in input.keys}
	right := {key | some key, _ in input.document}
}

shape := {"depth": count(path), "value": value} if {
	path := ["a", "b", 1, "c"]
	value := object.get(input.document, path, "absent")
}
