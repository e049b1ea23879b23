import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("number-text");
const quoted = (text: string) => JSON.stringify(text);

describe("numbers and text", () => {
  it("are made of each other as OPA does", () => {
    expect(rows.length).toBeGreaterThan(700);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it.each([2, 8, 10, 16])("format_int writes integers of any size in base %i", (base) => {
    fc.assert(fc.property(fc.bigInt(), (value) => call("format_int", String(value), String(base)) === quoted(value.toString(base))));
  });

  it("to_number keeps the digits of a number that JSON has", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.nat(), fc.integer({ min: -200, max: 200 }), (whole, fraction, exponent) => {
        const text = `${whole}.${fraction}e${exponent}`;
        expect(call("to_number", quoted(text))).toBe(text);
      }),
    );
  });

  // OPA keeps such texts as they are, and counts with these values.
  it.each([
    ["+1", "1"],
    ["-.50", "-0.50"],
    ["5.", "5"],
    ["+007.e1", "7e1"],
    ["1_000.5_0", "1000.50"],
    ["00", "0"],
    ["0x10p0", "16"],
    ["-0X_1.8p1", "-3"],
    ["0x1p-2", "25e-2"],
    ["0x0p-999999999", "0"],
  ])("to_number writes `%s` as JSON does", (text, expected) => {
    expect(call("to_number", quoted(text))).toBe(expected);
  });

  it.each([
    "0x1p-100001",
    "0x1p1024",
    "1e309",
    "1e-40000",
    "0x10",
    "1__0",
    "_1",
    "1_",
    "1_.5",
    "0x1_p1",
    "Inf",
    "+nan",
    "--1",
    "1 ",
    "½",
    "٣",
  ])("to_number fails for `%s`", (text) => {
    expect(call("to_number", quoted(text))).toBe("fails");
  });

  it("answer or fail for any operands", () => {
    const text = fc.string({ unit: fc.constantFrom(..."0123456789_.eExXpPaf+-"), maxLength: 10 }).map(quoted);
    fc.assert(fc.property(fc.oneof(anyValue, text), (value) => isSteady("to_number", value)));
    fc.assert(
      fc.property(anyValue, fc.oneof(anyValue, fc.constantFrom("2", "8", "10", "16")), (value, base) =>
        isSteady("format_int", value, base),
      ),
    );
  });

  it.each([
    ["to_number", quoted("1_".repeat(100_000))],
    ["to_number", quoted("0x1p-99999")],
    ["format_int", "9".repeat(100_000), "10"],
    ["format_int", "1.5e100000", "2"],
  ])("%s has its digits paid", (name, ...args) => {
    expect(() => callLimited(300_000, name, ...args)).toThrow(OutOfFuel);
  });
});
