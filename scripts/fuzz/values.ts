import fc from "fast-check";
import { objectOf, RegoNumber, setOf, type Value } from "../../service/engine/value/value.ts";

/** A type as OPA's capabilities declare it. */
export interface DeclaredType {
  readonly type: string;
  readonly of?: DeclaredType | readonly DeclaredType[];
  readonly dynamic?: DeclaredType | { readonly key: DeclaredType; readonly value: DeclaredType };
  readonly static?: readonly DeclaredType[] | readonly { readonly key: string; readonly value: DeclaredType }[];
}

/** Texts that mean something to one builtin or another, and near misses. */
const texts = [
  ...["", "a", "b", "abc", "ABC", "a,b,,c", "a.b.c", " a b ", "äöü€😀", "İıßſ", "e\u0301", "\u0000", "\n", '"', "\\", "%", "aaaa", "aba"],
  ...[
    "0",
    "1",
    "-1",
    "1.5",
    "-1.50",
    "1e3",
    "1E-3",
    "0x10",
    "010",
    "+1",
    " 1",
    "1_000",
    "9223372036854775808",
    "1e400",
    "NaN",
    "Infinity",
    ".5",
    "5.",
  ],
  ...["true", "null", '{"a":1}', '{"a":1}x', "[1,2", "[1, 2.0, 1e2]", '"x"', "{}", "{1,2}", "set()", "01", '{"a":1,"a":2}'],
  ...[
    "YQ==",
    "YQ",
    "YWI=",
    "YWJj",
    "_-8=",
    "/+8=",
    "_-8",
    "Y Q==",
    "YQ=\n=",
    "61",
    "6",
    "zz",
    "ff00",
    "a+b",
    "%41%zz",
    "a=1&b=2&a=3",
    "%F6",
  ],
  ...[
    "10.0.0.0/8",
    "10.1.2.3",
    "10.1.2.3/33",
    "10.0.0.1/8",
    "fe80::/10",
    "::1",
    "::ffff:1.2.3.4",
    "1.2.3",
    "01.2.3.4",
    "not-a-cidr",
    "2001:db8::/129",
  ],
  ...[
    "a*",
    "*",
    "**",
    "a?c",
    "[a-c]*",
    "[!a]b",
    "{a,b}*",
    "*.b.*",
    "\\*",
    "[",
    "a{2}",
    "(a|b)+",
    "(?i)ABC",
    "^a.*c$",
    "[[[",
    "(a)(b)?",
    "\\pL+",
    "x*",
    "a**",
  ],
  ...[
    "2020-02-30T00:00:00Z",
    "2026-11-24T21:57:02.123456789+01:00",
    "1h30m",
    "1.2.3",
    "1.2.3-rc.1+b",
    "1.10.0",
    "v1.2.3",
    "10Mi",
    "1.5G",
    "1KB",
    "100m",
    "3E",
  ],
  ...[
    "http://u:p@x.y:80/p%20q?q=1#f",
    "x:",
    "//h",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "F81D4FAE7DEC11D0A76500A0C91E6BF6",
    "/a/0",
    "a/b~1c",
    "/",
  ],
];

const integers = [
  "0",
  "1",
  "2",
  "3",
  "-1",
  "-2",
  "8",
  "10",
  "16",
  "63",
  "64",
  "65",
  "100",
  "255",
  "-9223372036854775808",
  "9223372036854775807",
];
const oddNumbers = [
  "0.5",
  "-1.5",
  "1.0",
  "2.50",
  "1e2",
  "1.5e1",
  "1e-2",
  "0.1",
  "9007199254740993",
  "18446744073709551616",
  "-36893488147419103232",
  "123456789012345678901234567890.5",
  "1e20",
  "3.0",
];

const number = fc
  .oneof(
    { weight: 5, arbitrary: fc.constantFrom(...integers) },
    { weight: 2, arbitrary: fc.constantFrom(...oddNumbers) },
    { weight: 2, arbitrary: fc.integer({ min: -50, max: 50 }).map(String) },
    { weight: 1, arbitrary: fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }).map(String) },
  )
  .map((text): Value => new RegoNumber(text));

const string: fc.Arbitrary<Value> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...texts) },
  { weight: 2, arbitrary: fc.string({ maxLength: 6 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 4 }) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...texts)).map(([a, b]) => a + b) },
);

/** Any value at all, up to a depth. */
export function anyValue(depth = 2): fc.Arbitrary<Value> {
  const scalar = fc.oneof(string, number, fc.boolean(), fc.constant(null));
  if (depth === 0) return scalar;
  const inner = anyValue(depth - 1);
  return fc.oneof(
    { weight: 4, arbitrary: scalar },
    { weight: 2, arbitrary: fc.array(inner, { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(inner, { maxLength: 4 }).map(setOf) },
    { weight: 2, arbitrary: fc.array(fc.tuple(fc.oneof(string, inner), inner), { maxLength: 4 }).map(objectOf) },
  );
}

/** Values of a declared type, now and then of another. */
export function typedValue(type: DeclaredType | undefined, strayWeight = 1): fc.Arbitrary<Value> {
  return fc.oneof({ weight: 12, arbitrary: sound(type) }, { weight: strayWeight, arbitrary: anyValue() });
}

function sound(type: DeclaredType | undefined): fc.Arbitrary<Value> {
  switch (type?.type) {
    case "string":
      return string;
    case "number":
      return number;
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array":
      return arrayOf(type);
    case "set":
      return fc.array(typedValue(single(type.of)), { maxLength: 5 }).map(setOf);
    case "object":
      return objectOfType(type);
    case "any":
      return Array.isArray(type.of) && type.of.length > 0
        ? fc.oneof(...(type.of as readonly DeclaredType[]).map((option) => typedValue(option)))
        : anyValue();
    default:
      return anyValue();
  }
}

function single(type: DeclaredType["of"]): DeclaredType | undefined {
  return Array.isArray(type) ? undefined : (type as DeclaredType | undefined);
}

function arrayOf({ static: fixed, dynamic }: DeclaredType): fc.Arbitrary<Value> {
  if (fixed !== undefined && fixed.length > 0) return fc.tuple(...(fixed as readonly DeclaredType[]).map((item) => typedValue(item)));
  return fc.array(typedValue(dynamic as DeclaredType | undefined), { maxLength: 5 });
}

function objectOfType({ static: fixed = [], dynamic }: DeclaredType): fc.Arbitrary<Value> {
  const known = (fixed as readonly { readonly key: string; readonly value: DeclaredType }[]).map(({ key, value }) =>
    fc.tuple(fc.constant<Value>(key), typedValue(value)),
  );
  const pair = dynamic !== undefined && "key" in dynamic ? dynamic : undefined;
  const free = fc.array(fc.tuple(typedValue(pair?.key), typedValue(pair?.value)), { maxLength: known.length > 0 ? 0 : 4 });
  return fc.tuple(fc.tuple(...known), free).map(([fixedEntries, entries]) => objectOf([...fixedEntries, ...entries]));
}
