import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RemitError } from "../../../service/errors.ts";
import { parseStrictJson, pointer } from "../../../service/json/strict-json.ts";

const limits = { depthMax: 64, nodesMax: 10_000 };
const parse = (text: string | Buffer) => parseStrictJson(typeof text === "string" ? Buffer.from(text) : text, limits);

function refusal(text: string | Buffer): RemitError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof RemitError) return error;
    throw error;
  }
  throw new Error("was not refused");
}

describe("parseStrictJson", () => {
  it.each([
    ["duplicate key", '{"a":1,"a":2}', "body_unsafe", "/a"],
    ["duplicate key spelled with an escape", '{"a":1,"\\u0061":2}', "body_unsafe", "/a"],
    ["duplicate key deep inside", '{"x":[0,{"y":{"k":1,"z":2,"k":3}}]}', "body_unsafe", "/x/1/y/k"],
    ["duplicate key beside strings with colons and quotes", '{"a":"b\\":","c":1,"c":2}', "body_unsafe", "/c"],
    ["lone high surrogate", '{"a":["\\ud800"]}', "body_unsafe", "/a/0"],
    ["lone low surrogate in a key", '{"\\udc00":1}', "body_unsafe", "/\ufffd"],
    ["integer beyond 2^53", '{"amount":9007199254740993}', "body_unsafe", "/amount"],
    ["number out of range", '{"a":1e400}', "body_unsafe", "/a"],
    ["__proto__", '{"a":{"__proto__":{"admin":true}}}', "body_unsafe", "/a/__proto__"],
    ["too deep", `${"[".repeat(65)}${"]".repeat(65)}`, "body_unsafe", "/0".repeat(64)],
    ["key with slash and tilde is escaped", '{"a/b~c":"\\ud800"}', "body_unsafe", "/a~1b~0c"],
  ])("refuses %s and names the path", (_name, text, code, path) => {
    const error = refusal(text);

    expect(error.code).toBe(code);
    expect(error.errors[0]?.path).toBe(path);
  });

  it.each([
    ["nothing", ""],
    ["a truncated document", '{"a":'],
    ["two documents", "{}{}"],
    ["single quotes", "{'a':1}"],
    ["a trailing comma", '{"a":1,}'],
    ["NaN", '{"a":NaN}'],
    ["a comment", '{"a":1}//x'],
    ["a byte order mark", "\ufeff{}"],
  ])("refuses %s", (_name, text) => {
    expect(refusal(text).code).toBe("body_not_json");
  });

  it("refuses bytes that are not UTF-8", () => {
    expect(refusal(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])).message).toBe("the body is not valid UTF-8");
  });

  it("never quotes the body in its message", () => {
    expect(refusal('{"password":"canary-7f3a" oops}').message).not.toContain("canary");
  });

  it("refuses more values than the limit", () => {
    expect(refusal(JSON.stringify(Array.from({ length: 10_000 }, () => 0))).message).toContain("more than 10000 values");
  });

  it("gives what JSON.parse gives for every sound document", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), (text) => {
        const value: unknown = JSON.parse(text);
        fc.pre(JSON.stringify(value).isWellFormed() && !text.includes("__proto__") && !/\\ud[89a-f]/i.test(text));
        let strict: unknown;
        try {
          strict = parse(text);
        } catch (error) {
          // Only numbers that a double cannot hold may be refused here.
          expect((error as RemitError).message).toMatch(/integer beyond|out of range/);
          return;
        }
        expect(strict).toEqual(value);
      }),
    );
  });

  it("refuses every document in which some object repeats a key", () => {
    const key = fc.string({ minLength: 1, maxLength: 4 }).filter((text) => text !== "__proto__");
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), fc.nat(), fc.json({ maxDepth: 2 }), (keys, pick, value) => {
        const again = keys[pick % keys.length] ?? "";
        const members = [...keys, again].map((name) => `${JSON.stringify(name)}: ${value}`);
        expect(() => parse(`[{"x": {${members.join(",")}}}]`)).toThrow(RemitError);
      }),
    );
  });
});

describe("pointer", () => {
  it("escapes as RFC 6901 says", () => {
    expect(pointer(["a/b", 0, "m~n"])).toBe("/a~1b/0/m~0n");
  });
});
