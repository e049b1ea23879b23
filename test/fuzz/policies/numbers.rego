# Numbers: exact integers, decimals, aggregates, ranges, bits, comparison of all kinds of values.
# input: {"amounts": [12, 7.25, 100000000000000000001, -3], "limit": 250, "rate": 0.1, "window": {"from": 3, "to": 9}, "mask": 12}
package fuzz

answer["sum"] := sum(input.amounts)

answer["product"] := product(input.amounts)

answer["max"] := max(input.amounts)

answer["min"] := min(input.amounts)

answer["sorted"] := sort(input.amounts)

answer["over"] := over

answer["shares"] := shares

answer["window"] := window

answer["mask"] := mask

answer["order"] := order

answer["arithmetic"] := arithmetic

over contains index if {
	some index, amount in input.amounts
	amount > input.limit
}

shares[index] := amount * input.rate if some index, amount in input.amounts

window := [number | some number in numbers.range(0, 12); number >= input.window.from; number <= input.window.to]

mask := {
	"and": bits.and(input.mask, 10),
	"or": bits.or(input.mask, 3),
	"left": bits.lsh(input.mask, 3),
	"right": bits.rsh(input.mask, 1),
	"text": format_int(input.mask, 16),
}

order := {[a, b] |
	some a in [input.limit, input.rate, input.mask, "x", null, [1], {"k": 1}]
	some b in [input.limit, input.rate, 3, true, {"k": 1}, {1}]
	a < b
}

arithmetic := {
	"plus": input.limit + input.rate,
	"minus": input.limit - input.mask,
	"times": input.limit * input.mask,
	"quotient": input.limit / input.mask,
	"rest": input.limit % input.mask,
	"floor": floor(input.limit * input.rate),
	"ceil": ceil(input.rate),
	"abs": abs(input.mask - input.limit),
}
