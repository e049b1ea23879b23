import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue } from "../../../helpers/rego-values.ts";

const rows = opaRows("casts");

describe("casts and the runtime", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(100);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("give the value back or fail, for any argument", () => {
    const name = fc.constantFrom("cast_boolean", "cast_null", "cast_object", "cast_string");
    fc.assert(fc.property(name, anyValue, (builtin, value) => [value, "fails"].includes(call(builtin, value) ?? "")));
  });

  it("tell nothing of the process, and print nothing", () => {
    expect(call("opa.runtime")).toBe("{}");
    fc.assert(fc.property(anyValue, (value) => ["internal.print", "print"].every((name) => call(name, value) === "true")));
  });
});
