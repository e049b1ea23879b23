import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anyValue } from "../../../../scripts/fuzz/values.ts";
import { builtinNames } from "../../../../service/engine/builtins/index.ts";
import { PolicyInstance } from "../../../../service/engine/instance.ts";
import { bytesOf, textOf } from "../../../../service/engine/value/bytes.ts";
import { compareNumbers, exactInteger } from "../../../../service/engine/value/number.ts";
import { readValue } from "../../../../service/engine/value/read.ts";
import { compare, fromJson, objectOf, RegoObject, setOf, typeName, type Value } from "../../../../service/engine/value/value.ts";
import { jsonText, valueText, wireText } from "../../../../service/engine/value/write.ts";
import { rewriteModule } from "../../../../service/engine/wasm-rewrite.ts";
import { fixtureWasm } from "../hazard.ts";

/** Through the module and back, twice: `sprintf("%v", [sprintf("%v", [input.given])])` with a `sprintf` that gives its operand. */
const { bytes, memoryPagesMin } = rewriteModule(fixtureWasm("natives"), builtinNames);
const given: Value[] = [];
/** Given instead of this text: what no input can hold. */
const instead = { text: "instead", value: null as Value };
const builtins = new Map([
  [
    "sprintf",
    ([, operands]: readonly Value[]) => {
      const [value = null] = Array.isArray(operands) ? (operands as readonly Value[]) : [];
      given.push(value);
      return value === instead.text ? instead.value : value;
    },
  ],
]);
const module = new WebAssembly.Module(new Uint8Array(bytes));
const data = Buffer.from("{}");
const instance = new PolicyInstance({
  module,
  builtins,
  data,
  memoryPagesMin,
  memoryPagesMax: 400,
  fuelMax: 10_000_000,
  builtinErrors: "deny",
});
const entrypoint = instance.entrypoints["remit/decision"] ?? -1;

function through(value: Value): { readonly seen: Value | undefined; readonly returned: Value | undefined } {
  given.length = 0;
  const input = wireText(objectOf([["given", value]]));
  const { text } = instance.ask({ entrypoint, input, nowNs: 0n, format: "value" });
  const [row] = (readValue(text) as { readonly items: readonly Value[] }).items;
  const result = row instanceof RegoObject ? row.get("result") : undefined;
  return { seen: given[1], returned: result instanceof RegoObject ? result.get("given") : undefined };
}

describe("values", () => {
  it("cross into a builtin and back without losing sets, digits, keys or characters", () => {
    fc.assert(
      fc.property(anyValue(3), (value) => {
        const { seen = "nothing", returned = "nothing" } = through(value);

        expect(wireText(seen)).toBe(wireText(value));
        expect(wireText(returned)).toBe(wireText(value));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(["\udc80", "a\udcff\udc80b", "€\udce2\udc82", "\udcf0\udc9f\udc98", "😀\udc80", "\u0000\udcfe"])(
    "cross with bytes that are not UTF-8: %j",
    (text) => {
      instead.value = [text, fromJson({ k: [text, "plain", { inner: text }] }), null];

      expect(wireText(through(instead.text).seen ?? null)).toBe(wireText(instead.value));
      expect(wireText(through(instead.text).returned ?? null)).toBe(wireText(instead.value));
    },
  );

  it("read what they write", () => {
    fc.assert(
      fc.property(anyValue(3), (value) => {
        expect(compare(readValue(wireText(value)), value)).toBe(0);
      }),
    );
  });

  it("are in one order: whole, and the other way round the other way", () => {
    fc.assert(
      fc.property(anyValue(), anyValue(), anyValue(), (a, b, c) => {
        const [low, middle, high] = [a, b, c].sort(compare) as [Value, Value, Value];

        expect(Math.sign(compare(a, b))).toBe(-Math.sign(compare(b, a)) + 0);
        expect(compare(low, middle)).toBeLessThanOrEqual(0);
        expect(compare(low, high)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it("count once in a set, and the last entry of a key in an object", () => {
    expect(wireText(setOf([...numbers("3 1 1.0 2e0 2")]))).toMatch(/^\{1(\.0)?, 2(e0)?, 3\}$/);
    expect(
      wireText(
        objectOf([
          ["k", "first"],
          ["a", null],
          ["k", "last"],
        ]),
      ),
    ).toBe('{"a": null, "k": "last"}'); // prettier-ignore
  });

  it.each(["", "{", "[1", '"a', "{1:}", "nul", "1 2", "[1]x", "set(", "--1", "1e", "0x1", "{1 2}"])("are not read from %j", (text) => {
    expect(() => readValue(text)).toThrow();
  });

  it("have OPA's texts", () => {
    const value = readValue('{"b": {2, 1}, 3: set(), "a": [1.50, "é\\n"]}');

    expect(valueText(value)).toBe('{3: set(), "a": [1.50, "é\\n"], "b": {1, 2}}');
    expect(jsonText(value)).toBe('{"3":[],"a":[1.50,"é\\n"],"b":[1,2]}');
    expect(valueText(fromJson({ a: [1, null, true, "x"] }))).toBe('{"a": [1, null, true, "x"]}');
    expect(
      [null, true, "a", 1, [], setOf([]), objectOf([])].map((item) => typeName(typeof item === "number" ? fromJson(item) : item)),
    ).toEqual([...["null", "boolean", "string", "number", "array", "set", "object"]]);
  });
});

function numbers(texts: string): readonly Value[] {
  return texts.split(" ").map(readValue);
}

describe("bytes", () => {
  it("come back as they were, whatever they are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (some) => {
        expect(bytesOf(textOf(some))).toEqual(Buffer.from(some));
      }),
    );
  });

  it("are U+FFFD for a surrogate that stands for none", () => {
    expect(bytesOf("\ud800")).toEqual(Buffer.from("\ufffd"));
  });
});

describe("numbers", () => {
  it.each([
    ["1500", 1500n],
    ["1.5e3", 1500n],
    ["-2.50e1", -25n],
    ["1e400", 10n ** 400n],
    ["0.0e9", 0n],
    ["100e-2", 1n],
  ])("%s is an integer", (text, expected) => {
    expect(exactInteger(text)).toBe(expected);
  });

  it.each(["1.5", "1e-1", "1e401", "1e999999999999", "x", "", "1e-999999999999999"])("%s is none that is written out", (text) => {
    expect(exactInteger(text)).toBeUndefined();
  });

  it.each([
    ["9007199254740993", "9007199254740992"],
    ["1e1000000", "9e999999"],
    ["0.1", "0.0999999999999999999999"],
    ["1", "-1e99"],
    ["-1", "-1.0000000000000000000001"],
    ["1e-5", "0"],
  ])("%s is greater than %s", (greater, less) => {
    expect(compareNumbers(greater, less)).toBeGreaterThan(0);
    expect(compareNumbers(less, greater)).toBeLessThan(0);
  });

  it.each([
    ["1", "1.0"],
    ["100", "1e2"],
    ["-0", "0"],
    ["0e5", "0.00"],
    ["1.50", "15e-1"],
  ])("%s equals %s", (a, b) => {
    expect(compareNumbers(a, b)).toBe(0);
  });
});
