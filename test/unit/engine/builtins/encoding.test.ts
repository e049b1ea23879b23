import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, textOf } from "../../../../service/engine/value/bytes.ts";
import { wireText } from "../../../../service/engine/value/write.ts";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("encoding");
const names = [...new Set(rows.map(([name]) => name))];
const anyBytes = fc.uint8Array({ maxLength: 30 }).map((bytes) => textOf(bytes));
const read = (name: string, ...args: readonly string[]) => JSON.parse(call(name, ...args) ?? "null") as unknown;

describe("encoding", () => {
  it("answers as OPA does", () => {
    expect(names).toHaveLength(9);
    expect(rows.length).toBeGreaterThan(800);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it.each([
    ["hex.encode", "hex.decode"],
    ["urlquery.encode", "urlquery.decode"],
  ])("%s loses nothing, not even bytes that are not UTF-8", (encode, decode) => {
    fc.assert(
      fc.property(anyBytes, (text) => {
        const encoded = String(read(encode, wireText(text)));
        expect(encoded).toMatch(/^[A-Za-z0-9\-_.~%+]*$/);
        expect(bytesOf(String(read(decode, wireText(encoded))))).toEqual(bytesOf(text));
      }),
    );
  });

  it("base64url.encode_no_pad is base64url of the bytes, without padding", () => {
    fc.assert(
      fc.property(anyBytes, (text) => {
        expect(read("base64url.encode_no_pad", wireText(text))).toBe(bytesOf(text).toString("base64url"));
      }),
    );
  });

  it("an object of queries is read back as it was", () => {
    const object = fc.dictionary(fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 }), { maxKeys: 5 });
    fc.assert(
      fc.property(object, (values) => {
        const query = call("urlquery.encode_object", JSON.stringify(values)) ?? "";
        expect(read("urlquery.decode_object", query)).toEqual({ ...values });
      }),
    );
  });

  it("what is a URI can be parsed, and nothing else can", () => {
    const part = fc.constantFrom(
      "http",
      "x",
      ":",
      "/",
      "//",
      "@",
      "[",
      "]",
      "::1",
      "%25",
      "%c3%a9",
      "%",
      "?",
      "#",
      "é",
      " ",
      "80",
      "\u0001",
    );
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
        const uri = wireText(parts.join(""));
        expect(call("uri.is_valid", uri)).toBe(String(call("uri.parse", uri) !== "fails"));
      }),
    );
  });

  it.each(names)("%s answers or fails for any operand", (name) => {
    fc.assert(fc.property(anyValue, (arg) => isSteady(name, arg)));
  });

  const long = (text: string) => JSON.stringify(text.repeat(100_000));

  it.each([
    ["hex.decode", long("ff")],
    ["urlquery.encode", long("é")],
    ["urlquery.decode", long("%ff")],
    ["urlquery.encode_object", `{${long("k")}: [${Array(100).fill('""').join(", ")}]}`],
    ["urlquery.decode_object", long("a%41")],
    ["uri.parse", long("/%2f")],
    ["uri.is_valid", long("@")],
  ])("%s has a long text paid", (name, arg) => {
    expect(callLimited(100_000_000, name, arg)).not.toBeNull();
    expect(() => callLimited(100_000, name, arg)).toThrow(OutOfFuel);
  });
});
