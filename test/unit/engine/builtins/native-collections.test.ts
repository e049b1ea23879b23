import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("native-collections");

interface Tree {
  readonly [key: string]: Tree | number;
}

const { tree } = fc.letrec<{ tree: Tree; value: Tree | number }>((tie) => ({
  value: fc.oneof({ depthSize: "small" }, fc.nat(9), tie("tree")),
  tree: fc.dictionary(fc.constantFrom("a", "b", "c"), tie("value"), { noNullPrototype: true }),
}));

/** Two objects, the second one's values in place of the first one's unless both are objects. */
function merged(first: Tree, second: Tree): Tree {
  const both = Object.entries(second).map(([key, value]) => {
    const other = first[key];
    return [key, typeof value === "object" && typeof other === "object" ? merged(other, value) : value] as const;
  });
  return { ...first, ...Object.fromEntries(both) };
}

describe("collections", () => {
  it("are OPA's", () => {
    expect(rows.length).toBeGreaterThan(700);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("object.union_n merges one object after the other", () => {
    fc.assert(
      fc.property(fc.array(tree), (objects) => {
        expect(JSON.parse(call("object.union_n", JSON.stringify(objects)) ?? "")).toEqual(objects.reduce(merged, {}));
      }),
    );
  });

  it("array.slice is the one of JavaScript, between the ends of the array", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.nat(20), fc.nat(20), (items, start, stop) => {
        expect(JSON.parse(call("array.slice", JSON.stringify(items), String(start), String(stop)) ?? "")).toEqual(items.slice(start, stop));
        expect(call("array.slice", JSON.stringify(items), String(-start), "9223372036854775807")).toBe(`[${items.join(", ")}]`);
      }),
    );
  });

  it("numbers.range goes from one number to the other, in both directions and at any height", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: -50, max: 50 }), (from, distance) => {
        const items = Array.from({ length: Math.abs(distance) + 1 }, (_, index) => from + BigInt(Math.sign(distance) * index));
        expect(call("numbers.range", String(from), String(from + BigInt(distance)))).toBe(`[${items.join(", ")}]`);
      }),
    );
  });

  it("answer or fail for any operands", () => {
    fc.assert(
      fc.property(anyValue, anyValue, (a, b) => isSteady("array.slice", `[${a}, ${b}]`, "0", a) && isSteady("array.slice", a, b, "1")),
    );
    fc.assert(
      fc.property(anyValue, (value) => isSteady("object.union_n", value) && isSteady("object.union_n", `[{"a": ${value}}, ${value}]`)),
    );
    const bound = fc.oneof(anyValue, fc.integer({ min: -100, max: 100 }).map(String));
    fc.assert(fc.property(bound, bound, (from, to) => isSteady("numbers.range", from, to)));
  });

  it("have a bound on how many numbers, how deep and how much", () => {
    const deep = `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`;

    expect(call("numbers.range", "0", "1000000")).toBe("fails");
    expect(call("numbers.range", "0", "1e300000")).toBe("fails");
    expect(call("object.union_n", `[${deep}]`)).toBe("fails");
    expect(() => callLimited(1_000_000, "numbers.range", "0", "999999")).toThrow(OutOfFuel);
    expect(() => callLimited(1_000_000, "object.union_n", `[${Array(50_000).fill('{"a":1}').join(",")}]`)).toThrow(OutOfFuel);
  });
});
