import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("native-strings");
const quoted = (text: string) => JSON.stringify(text);
const few = fc.string({ unit: fc.constantFrom("a", "b", "é", "😀"), maxLength: 60 });
const one = ["lower", "upper", "strings.reverse", "trim_space"] as const;
const two = ["indexof", "trim", "trim_left", "trim_right", "concat"] as const;
const three = ["replace", "substring"] as const;

describe("strings", () => {
  it("are OPA's", () => {
    expect(rows.length).toBeGreaterThan(1700);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  // What OPA says of strings that are not UTF-8.
  it.each([
    ["lower", ["B\udc80"], "b\ufffd"],
    ["upper", ["\udcff\udcffa"], "\ufffd\ufffdA"],
    ["strings.reverse", ["a\udca9\udcc3b"], "béa"],
    ["strings.reverse", ["é\udcff"], "\udcffé"],
    ["trim_space", [" \udc80 "], "\udc80"],
    ["trim_space", ["\udcc2\udca0"], "\udcc2\udca0"],
    ["trim", ["\udcff\ufffda\udc80", "\udc80"], "a"],
    ["trim_left", ["\udcffa", "\ufffd"], "a"],
    ["trim_right", ["éa\udca9", "\udcff"], "éa"],
    ["indexof", ["a\udcffé\ufffdb", "é\udc80"], 2],
    ["indexof", ["é\udcff", "\ufffd"], 1],
    ["replace", ["é", "\udcc3", "x"], "x\udca9"],
    ["replace", ["\udcc3-\udca9", "-", ""], "é"],
    ["replace", ["é", "", "-"], "-\udcc3-\udca9-"],
    ["concat", ["", ["\udcc3", "\udca9"]], "é"],
    ["substring", ["\udcff\udc80é", 0, 9], "\udcff\udc80é"],
    ["substring", ["\udcff\udc80é", 0, -1], "\ufffd\ufffdé"],
    ["substring", ["\udcff\udc80é", 1, 2], "\ufffdé"],
  ] as const)("%s takes bytes that are not UTF-8: %j", (name, args, expected) => {
    const texts = args.map((arg) => JSON.stringify(arg));
    expect(JSON.parse(call(name, ...texts) ?? "")).toBe(expected);
  });

  it("find and replace what JavaScript finds", () => {
    const part = fc.string({ unit: fc.constantFrom("a", "b", "é", "😀"), minLength: 1, maxLength: 25 });
    fc.assert(
      fc.property(few, part, fc.string(), (text, wanted, by) => {
        const at = text.indexOf(wanted);
        expect(call("indexof", quoted(text), quoted(wanted))).toBe(String(at < 0 ? -1 : [...text.slice(0, at)].length));
        expect(call("replace", quoted(text), quoted(wanted), quoted(by))).toBe(quoted(text.split(wanted).join(by)));
      }),
    );
  });

  it("are cut by characters", () => {
    fc.assert(
      fc.property(few, fc.nat(70), fc.integer({ min: -1, max: 70 }), (text, start, length) => {
        const characters = [...text].slice(start, length < 0 ? undefined : start + length);
        expect(call("substring", quoted(text), String(start), String(length))).toBe(quoted(characters.join("")));
        expect(call("strings.reverse", quoted(text))).toBe(quoted([...text].reverse().join("")));
      }),
    );
  });

  it("are trimmed from one end and then from the other", () => {
    fc.assert(
      fc.property(few, few, (text, cutset) => {
        const left = call("trim_left", quoted(text), quoted(cutset)) ?? "";
        expect(call("trim_right", left, quoted(cutset))).toBe(call("trim", quoted(text), quoted(cutset)));
        expect(call("trim", quoted(text), quoted(text))).toBe('""');
      }),
    );
  });

  it("know the letters of Unicode 15, whatever Node knows", () => {
    const younger = "ƛɤᲊꟍꟛ\u{10d70}\u{16ebb}";
    expect(call("upper", quoted(younger))).toBe(quoted(younger));
    expect(call("lower", quoted("Ᲊ\ua7cbꟌꟚꟜ\u{10d50}\u{16ea0}"))).toBe(quoted("Ᲊ\ua7cbꟌꟚꟜ\u{10d50}\u{16ea0}"));
  });

  it.each(one)("%s answers or fails for any operand", (name) => {
    fc.assert(fc.property(anyValue, (value) => isSteady(name, value)));
  });

  it.each(two)("%s answers or fails for any operands", (name) => {
    fc.assert(fc.property(anyValue, anyValue, (a, b) => isSteady(name, a, b) && isSteady(name, '"\udcffa"', `{${a}}`)));
  });

  it.each(three)("%s answers or fails for any operands", (name) => {
    fc.assert(fc.property(anyValue, anyValue, anyValue, (a, b, c) => isSteady(name, a, b, c) && isSteady(name, '"aéb"', b, c)));
  });

  it("search in linear time", () => {
    const many = "a".repeat(1_000_000);

    expect(call("indexof", quoted(many), quoted(`${"a".repeat(100_000)}b`))).toBe("-1");
    expect(call("indexof", quoted(many), quoted(`b${"a".repeat(100_000)}`))).toBe("-1");
    expect(call("replace", quoted(`${many}b`), quoted(`${"a".repeat(100_000)}b`), '""')).toBe(quoted("a".repeat(900_000)));
  });

  it.each([
    ["replace", quoted("a".repeat(100_000)), '"a"', quoted("b".repeat(100_000))],
    ["concat", quoted("b".repeat(100_000)), `[${Array(10_000).fill('""').join(", ")}]`],
  ])("%s fails for what would fill the memory", (name, ...args) => {
    expect(call(name, ...args)).toBe("fails");
  });

  it.each([
    ["replace", quoted("a".repeat(100_000)), '""', '"b"'],
    ["replace", quoted("a".repeat(100_000)), '"a"', '"b"'],
    ["concat", quoted("b".repeat(1000)), `[${Array(10_000).fill('""').join(", ")}]`],
    ["lower", quoted("É".repeat(100_000))],
    ["upper", quoted("é".repeat(100_000))],
    ["trim", quoted(" ".repeat(200_000)), '" "'],
    ["trim_space", quoted(" ".repeat(200_000))],
    ["strings.reverse", quoted("a".repeat(200_000))],
    ["indexof", quoted("a".repeat(500_000)), quoted(`${"a".repeat(500)}b`)],
  ])("%s has its work paid", (name, ...args) => {
    expect(() => callLimited(800_000, name, ...args)).toThrow(OutOfFuel);
  });
});
