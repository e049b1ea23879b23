import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("strings");
const text = fc.string({ unit: fc.constantFrom("a", "b", "é", "日", "😀"), maxLength: 12 });
const wanted = fc.string({ unit: fc.constantFrom("a", "b", "é", "😀"), minLength: 1, maxLength: 3 });
const texts = fc.array(text, { maxLength: 6 });

function answer(name: string, ...args: readonly unknown[]): unknown {
  return JSON.parse(call(name, ...args.map((arg) => JSON.stringify(arg))) ?? "null");
}

describe("strings", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(500);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("have every place of a text, overlapping ones too, by character", () => {
    fc.assert(
      fc.property(text, wanted, (base, search) => {
        const [characters, length] = [[...base], [...search].length];
        const places = characters.map((_, at) => at).filter((at) => characters.slice(at, at + length).join("") === search);
        expect(answer("indexof_n", base, search)).toEqual(places);
      }),
    );
  });

  it("are counted and cut at the same places", () => {
    fc.assert(
      fc.property(text, wanted, fc.integer({ min: -15, max: 15 }), (base, search, count) => {
        const pieces = base.split(search);
        expect(answer("strings.count", base, search)).toBe(pieces.length - 1);
        expect(answer("strings.split_n", base, search, count)).toEqual(count < 0 ? pieces.slice(count) : pieces.slice(0, count));
      }),
    );
  });

  it("start or end with any of others", () => {
    fc.assert(
      fc.property(texts, texts, (all, affixes) => {
        expect(answer("strings.any_prefix_match", all, affixes)).toBe(all.some((one) => affixes.some((affix) => one.startsWith(affix))));
        expect(answer("strings.any_suffix_match", all, affixes)).toBe(all.some((one) => affixes.some((affix) => one.endsWith(affix))));
      }),
    );
  });

  // Bytes that are not UTF-8 cannot be asked for in a fixture; OPA answers the same for `hex.decode("…")`.
  it.each([
    ["strings.count", ['"é"', '"\udca9"'], "1"],
    ["strings.split_n", ['"é日"', '"\udca9"', "9"], '["\udcc3", "日"]'],
    ["strings.any_prefix_match", ['"é"', '"\udcc3"'], "true"],
    ["strings.any_suffix_match", ['["é"]', '["\udca9"]'], "true"],
    ["strings.any_suffix_match", ['["é"]', '["\udcc3"]'], "false"],
    ["indexof_n", ['"\udcff\ufffd"', '"\udcc3"'], "[0, 1]"],
    ["strings.split_n", ['"\udcffé"', '""', "9"], '["\udcff", "é"]'],
  ])("%s looks at bytes: %j", (name, args, expected) => {
    expect(call(name, ...args)).toBe(expected);
  });

  it.each(["indexof_n", "strings.count", "strings.split_n", "strings.any_prefix_match", "strings.any_suffix_match"])(
    "%s answers or fails for any operands",
    (name) => {
      fc.assert(fc.property(anyValue, anyValue, anyValue, (...args) => isSteady(name, ...args)));
    },
  );

  const long = JSON.stringify("a".repeat(300_000));
  const needle = JSON.stringify(`${"a".repeat(100_000)}b`);

  it.each([
    ["indexof_n", [long, needle], "[]"],
    ["strings.count", [long, needle], "0"],
    ["strings.split_n", [long, needle, "0"], "[]"],
  ])("%s is linear, and pays for it", (name, args, expected) => {
    expect(callLimited(1_000_000, name, ...args)).toBe(expected);
    expect(() => callLimited(100_000, name, ...args)).toThrow(OutOfFuel);
  });

  it("compare many with many in less than all pairs", () => {
    const many = (suffix: string) => JSON.stringify(Array.from({ length: 20_000 }, (_, index) => `common ${index}${suffix}`));

    expect(callLimited(5_000_000, "strings.any_prefix_match", many(""), many("!"))).toBe("false");
    expect(() => callLimited(500_000, "strings.any_suffix_match", many(""), many("!"))).toThrow(OutOfFuel);
  });
});
