import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf } from "../../../../service/engine/value/bytes.ts";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("base64");
const names = ["base64.decode", "base64.is_valid", "base64url.decode"] as const;

/** The bytes that a builtin decodes to. */
function decoded(name: string, text: string): Buffer {
  return bytesOf(JSON.parse(call(name, JSON.stringify(text)) ?? "") as string);
}

describe("base64", () => {
  it("is read as OPA does", () => {
    expect(rows.length).toBeGreaterThan(800);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("gives back any bytes, wherever lines are broken", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(80), (bytes, at) => {
        const text = Buffer.from(bytes).toString("base64");
        expect(decoded("base64.decode", `${text.slice(0, at)}\r\n${text.slice(at)}`)).toEqual(Buffer.from(bytes));
        expect(decoded("base64url.decode", Buffer.from(bytes).toString("base64url"))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it("is valid when it can be decoded", () => {
    const text = fc
      .string({ unit: fc.constantFrom("A", "b", "+", "/", "=", "\n", "-"), maxLength: 12 })
      .map((value) => JSON.stringify(value));
    fc.assert(fc.property(text, (value) => (call("base64.decode", value) !== "fails") === (call("base64.is_valid", value) === "true")));
  });

  it.each(names)("%s answers or fails for any operand", (name) => {
    fc.assert(fc.property(anyValue, (value) => isSteady(name, value)));
  });

  it.each(names)("%s has a long text paid", (name) => {
    expect(() => callLimited(100_000, name, `"${"QUJD".repeat(100_000)}"`)).toThrow(OutOfFuel);
  });
});
