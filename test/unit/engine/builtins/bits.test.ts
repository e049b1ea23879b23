import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("bits");
const integer = fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n });
const operations: readonly (readonly [string, (x: bigint, y: bigint) => bigint])[] = [
  ["bits.and", (x, y) => x & y],
  ["bits.or", (x, y) => x | y],
  ["bits.xor", (x, y) => x ^ y],
];

describe("bits", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(1000);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it.each(operations)("%s is the one of two's complement, whatever the size", (name, operation) => {
    fc.assert(fc.property(integer, integer, (x, y) => call(name, String(x), String(y)) === String(operation(x, y))));
  });

  it("are shifted back to what they were", () => {
    fc.assert(
      fc.property(integer, fc.nat(500), (x, count) => {
        expect(call("bits.rsh", call("bits.lsh", String(x), String(count)) ?? "", String(count))).toBe(String(x));
      }),
    );
  });

  it.each([...operations.map(([name]) => name), "bits.lsh", "bits.rsh"])("%s answers or fails for any operands", (name) => {
    fc.assert(fc.property(anyValue, anyValue, (a, b) => isSteady(name, a, b)));
  });

  it.each(["1048577", "9223372036854775807"])("fail for a shift by %s, where OPA would use up memory", (count) => {
    expect(call("bits.lsh", "1", count)).toBe("fails");
    expect(call("bits.lsh", "0", count)).toBe("0");
    expect(call("bits.rsh", "-1", count)).toBe("-1");
  });

  it("have long results paid", () => {
    expect(() => callLimited(1_000_000, "bits.lsh", "1", "1000000")).toThrow(OutOfFuel);
    expect(() => callLimited(1_000_000, "bits.or", "9".repeat(100_000), "1")).toThrow(OutOfFuel);
  });
});
