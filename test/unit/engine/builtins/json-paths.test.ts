import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("json-paths");
const names = ["json.filter", "json.remove"] as const;
const object = fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 5 });

/** Parsed, with the text's order of keys gone. */
function json(name: string, ...texts: readonly string[]): unknown {
  return JSON.parse(call(name, ...texts) ?? "null");
}

describe("json.filter and json.remove", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(1000);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("share an object's members among them", () => {
    fc.assert(
      fc.property(object, fc.array(fc.string({ maxLength: 3 })), (value, extra) => {
        const keys = [...Object.keys(value).filter((_, index) => index % 2 === 0), ...extra];
        const paths = JSON.stringify(keys.map((key) => [key]));
        const kept = Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)));
        const rest = Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
        expect(json("json.filter", JSON.stringify(value), paths)).toEqual(JSON.parse(JSON.stringify(kept)));
        expect(json("json.remove", JSON.stringify(value), paths)).toEqual(JSON.parse(JSON.stringify(rest)));
      }),
    );
  });

  it.each(names)("%s answers or fails for any operands", (name) => {
    fc.assert(fc.property(anyValue, anyValue, (value, paths) => isSteady(name, `{"a": ${value}, ${value}: 1}`, `[["a"], ${paths}]`)));
    fc.assert(fc.property(anyValue, anyValue, (value, paths) => isSteady(name, value, paths)));
  });

  it.each(names)("%s goes down long paths only so far, and as fast as they are long", (name) => {
    const deep = `${'{"a":'.repeat(900)}1${"}".repeat(900)}`;
    const long = `["${"a/".repeat(200_000)}a"]`;
    const far = `${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`;

    // A path that leads on behind a value that has no members keeps it, and drops nothing.
    expect(call(name, deep, long)).toBe(deep.replaceAll(":", ": "));
    expect(call(name, far, long)).toBe("fails");
  });

  it.each(names)("%s has paths and members paid", (name) => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `"k${index}"`);
    const object = `{${keys.map((key) => `${key}: 1`).join(", ")}}`;
    expect(() => callLimited(100_000, name, "{}", `[${keys.join(", ")}]`)).toThrow(OutOfFuel);
    expect(() => callLimited(100_000, name, object, "[]")).toThrow(OutOfFuel);
  });
});
