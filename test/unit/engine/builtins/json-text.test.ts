import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("json-text");
const names = ["json.marshal", "json.unmarshal", "json.is_valid"] as const;
const scraps = fc.constantFrom(
  "[",
  "]",
  "{",
  "}",
  ",",
  ":",
  '"a"',
  '"',
  "1",
  "-",
  ".5",
  "e3",
  "null",
  "true",
  " ",
  "\\",
  "\n",
  "\u0001",
  "é",
  "\ud800",
);

/** A text as Rego's text of a string. */
const quoted = (text: string) => JSON.stringify(text);

function isJson(text: string): boolean {
  try {
    JSON.parse(text.toWellFormed());
    return true;
  } catch {
    return false;
  }
}

describe("JSON as text", () => {
  it("is read and written as OPA does", () => {
    expect(rows.length).toBeGreaterThan(900);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("comes back as it was", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
        const back = call("json.marshal", call("json.unmarshal", quoted(JSON.stringify(value, null, indent))) ?? "");
        expect(JSON.parse(JSON.parse(back ?? "") as string)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("is valid where JavaScript has it, and only then", () => {
    fc.assert(
      fc.property(fc.array(scraps, { maxLength: 8 }), (parts) => {
        const text = parts.join("");
        expect(call("json.is_valid", quoted(text))).toBe(String(isJson(text)));
        if (isJson(text)) expect(call("json.unmarshal", quoted(text))).not.toBe("fails");
        else if (!/null/.test(text)) expect(call("json.unmarshal", quoted(text))).toBe("fails");
      }),
    );
  });

  it("keeps the digits of numbers", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.nat(), fc.integer({ min: -300, max: 300 }), (whole, fraction, exponent) => {
        const text = `${whole}.${fraction}E${exponent}`;
        expect(call("json.unmarshal", quoted(`[${text}]`))).toBe(`[${text}]`);
        expect(call("json.marshal", text)).toBe(quoted(text));
      }),
    );
  });

  it.each([
    ['["\udcff", "\udcc3\udca9"]', '"[\\"\\\\ufffd\\",\\"\\\\ufffd\\\\ufffd\\"]"'],
    ['{"\udcff": 1, "\ufffd": 2}', '"{\\"\ufffd\\":2,\\"\\\\ufffd\\":1}"'],
  ])("has U+FFFD for each byte that is not UTF-8: %j", (value, expected) => {
    expect(call("json.marshal", value)).toBe(expected);
  });

  it("is read with U+FFFD for each byte and for each half of a pair", () => {
    const text = '["\udcff\udc80\\ud800\\u0041"]';
    expect(call("json.unmarshal", quoted(text))).toBe('["\ufffd\ufffd\ufffdA"]');
  });

  it.each(names)("%s answers or fails for any operand", (name) => {
    fc.assert(fc.property(anyValue, (value) => isSteady(name, value) && isSteady(name, quoted(value.toWellFormed()))));
  });

  it.each(["[", '{"a":', "[[],", '{"":[{},'])("is read without recursion: %s", (start) => {
    expect(call("json.unmarshal", quoted(start.repeat(200_000)))).toBe("fails");
    expect(call("json.is_valid", quoted(start.repeat(200_000)))).toBe("false");
  });

  it.each(["json.unmarshal", "json.is_valid"])("%s has a long text paid", (name) => {
    expect(() => callLimited(100_000, name, quoted(`[${"1,".repeat(100_000)}1]`))).toThrow(OutOfFuel);
  });
});
