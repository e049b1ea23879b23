import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, isSteady } from "../../../helpers/rego-values.ts";

const rows = opaRows("template-string");
const name = "internal.template_string";

describe("template strings", () => {
  it("are OPA's", () => {
    expect(rows.length).toBeGreaterThan(300);
    expect(rows.map(([builtin, args]) => [builtin, args, call(builtin, ...args)])).toEqual(rows);
  });

  it("are the parts, for text and for what gives text", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.boolean())), (parts) => {
        const texts = parts.map(([text, given]) => (given ? `{${JSON.stringify(text)}}` : JSON.stringify(text)));
        expect(call(name, `[${texts.join(", ")}]`)).toBe(JSON.stringify(parts.map(([text]) => text).join("")));
      }),
    );
  });

  it.each(['["a", {1, 2}]', "[[]]", "[{}]", '[{"a": 1}]'])("fail for %s, where OPA ends the query", (parts) => {
    expect(call(name, parts)).toBe("fails");
  });

  it("show bytes that are not UTF-8, and those that are UTF-8 together", () => {
    expect(call(name, '[{["\udcff"]}]')).toBe(String.raw`"[\"\\xff\"]"`);
    expect(call(name, '["\udcc3", {"\udca9"}]')).toBe('"é"');
  });

  it("are made or fail for any parts", () => {
    fc.assert(fc.property(anyValue, (parts) => isSteady(name, parts) && isSteady(name, `[${parts}]`)));
  });
});
