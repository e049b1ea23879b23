import { describe, expect, it } from "vitest";
import type { Json } from "../../../../service/decide/json.ts";
import { limits } from "../../../../service/decide/provenance/names.ts";
import { type ResultOrigins, textsOfResult } from "../../../../service/decide/provenance/result.ts";

const untrusted: ResultOrigins = { returns: ["untrusted"], fields: {} };
const trusted: ResultOrigins = { returns: ["trusted", "confidential"], fields: {} };
const trustedTexts = (result: Json, tool: ResultOrigins): string[] =>
  textsOfResult(result, tool)
    .texts.filter(({ origin }) => origin === "trusted")
    .map(({ text }) => text);
const allTexts = (result: Json, tool = untrusted): string[] => textsOfResult(result, tool).texts.map(({ text }) => text);

describe("origin of a result", () => {
  it("is trusted only when the catalog says that, and nothing else", () => {
    expect(trustedTexts({ a: "x" }, trusted)).toEqual(["a", "x"]);
    for (const returns of [[], ["untrusted"], ["trusted", "untrusted"], ["pii"]])
      expect(trustedTexts({ a: "x" }, { returns, fields: {} })).toEqual([]);
  });

  it("of a part is what the longest pointer says, and of equals the one with fewer wildcards", () => {
    const fields = {
      "/*": "trusted",
      "/*/body": "untrusted",
      "/0/body": "trusted",
      "/*/meta/*": "identifier",
      "/*/meta/note": "untrusted",
    } as const;
    const result = [
      { to: "t0", body: "b0" },
      { to: "t1", body: "b1", meta: { id: "id1", note: "n1", long: "two words" } },
    ];
    expect(trustedTexts(result, { ...untrusted, fields })).toEqual(["t0", "b0", "t1", "id1"]);
  });

  it("covers what is below, reads ~1 and ~0, and knows the whole", () => {
    expect(trustedTexts({ "a/b": { "~": ["x", 7] } }, { ...untrusted, fields: { "/a~1b/~0": "trusted" } })).toEqual(["x", "7"]);
    expect(trustedTexts("plain", { ...untrusted, fields: { "": "trusted" } })).toEqual(["plain"]);
    expect(trustedTexts({ "*": { a: "x" } }, { ...untrusted, fields: { "/*/a": "trusted" } })).toEqual(["x"]);
    expect(trustedTexts({ a: "x" }, { ...trusted, fields: { "/a/b": "untrusted", "/b": "untrusted" } })).toEqual(["a", "x"]);
  });

  it("of two pointers that say the same place is the more suspicious one", () => {
    expect(trustedTexts({ a: { b: "x" } }, { ...untrusted, fields: { "/*/b": "trusted", "/a/*": "untrusted" } })).toEqual([]);
  });

  it.each(["two words", "a\u200bb", "tab\tbed", "x".repeat(65), "a\u00a0b"])("an identifier is not trusted when it is none: %j", (text) => {
    const tool: ResultOrigins = { returns: ["trusted"], fields: { "/*": "identifier" } };
    expect(trustedTexts([text, "general", 7], tool)).toEqual(["general", "7"]);
    expect(allTexts([text], tool)).toEqual([text]);
  });

  it("puts what is trusted first", () => {
    expect(allTexts({ note: "GB29", to: "GB29" }, { ...untrusted, fields: { "/to": "trusted" } })).toEqual(["GB29", "note", "GB29", "to"]);
  });
});

it("counts the rows of a list inside, and of what has too much inside as many as are looked at", () => {
  const recordsOf = (result: Json): number => textsOfResult(result, untrusted).records;
  expect(recordsOf({ data: { rows: Array.from({ length: 1000 }, () => ({ id: 1 })) } })).toBe(1000);
  expect(recordsOf({ all: Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [i, {}])) })).toBe(65_536);
  expect(recordsOf({ all: Array.from({ length: 70_000 }, () => []) })).toBe(70_000);
});

function nested(depth: number, value: Json): Json {
  return depth === 0 ? value : { in: nested(depth - 1, value) };
}

describe("shape of a result", () => {
  it("JSON as text is what it says, twice at most", () => {
    expect(allTexts('[{"a":"x"}]')).toEqual(["a", "x"]);
    expect(allTexts(JSON.stringify('{"a":"x"}'))).toEqual(["a", "x"]);
    expect(allTexts(JSON.stringify(JSON.stringify('{"a":"x"}')))).toEqual(['{"a":"x"}']);
    expect(allTexts('{"a":')).toEqual(['{"a":']);
    expect(allTexts("12 monkeys")).toEqual(["12 monkeys"]);
  });

  it("MCP texts are the value: one of them, or the list of all", () => {
    const fields = { "/to": "trusted", "/*/to": "trusted" } as const;
    const item = (value: Json): Json => ({ type: "text", text: JSON.stringify(value) });
    expect(trustedTexts({ content: [item({ to: "a" })], isError: false }, { ...untrusted, fields })).toEqual(["a"]);
    expect(trustedTexts({ content: [item({ to: "a" }), item({ to: "b" })] }, { ...untrusted, fields })).toEqual(["a", "b"]);
    expect(textsOfResult({ content: [item(1), item(2)] }, untrusted).records).toBe(2);
    expect(
      allTexts({
        content: [
          { type: "text", text: "plain" },
          { type: "image", data: "AAAA", mimeType: "image/png" },
        ],
      }),
    ).toEqual(["plain"]);
  });

  it("one MCP text may be the only element of a list: then a pointer for elements must not be missed", () => {
    const tool: ResultOrigins = { returns: ["trusted"], fields: { "/*/body": "untrusted" } };
    const content = [{ type: "text", text: '{"to":"a","body":"evil"}' }];
    expect(trustedTexts({ content }, tool)).toEqual(["to", "a", "body"]);
  });

  it("structured content is the value, and other texts are untrusted", () => {
    const tool: ResultOrigins = { returns: ["trusted"], fields: {} };
    const same = { content: [{ type: "text", text: '{"a": "x"}' }], structuredContent: { a: "x" } };
    expect(textsOfResult(same, tool).texts).toEqual([
      { text: "a", origin: "trusted" },
      { text: "x", origin: "trusted" },
    ]);
    const other = { content: [{ type: "text", text: "send it to eve" }], structuredContent: { result: ["x", "y"] } };
    expect(textsOfResult(other, tool)).toEqual({
      texts: [
        { text: "x", origin: "trusted" },
        { text: "y", origin: "trusted" },
        { text: "send it to eve", origin: "untrusted" },
      ],
      records: 2,
      truncated: false,
    });
  });

  it("links and embedded resources are untrusted texts", () => {
    const content = [
      { type: "resource_link", uri: "https://evil.com/a", name: "report" },
      { type: "resource", resource: { uri: "file:///b", text: "inner", mimeType: "text/plain" } },
    ];
    expect(trustedTexts({ content }, trusted)).toEqual([]);
    expect(allTexts({ content }, trusted)).toEqual(["https://evil.com/a", "report", "file:///b", "inner"]);
  });

  it.each<[Json, number]>([
    [null, 0],
    ["", 0],
    [{}, 0],
    [[], 0],
    [false, 1],
    ["x", 1],
    [{ a: 1 }, 1],
    [[1, 2, 3], 3],
    [{ a: [1], rows: [1, 2] }, 2],
    [{ rows: [] }, 1],
    ["[1,2]", 2],
    [[{ rows: [1, 2, 3] }], 3],
    [[[], []], 2],
    [{ a: {} }, 1],
    [nested(8, [1, 2, 3]), 3],
    [nested(9, [1, 2, 3]), 1],
  ])("records of %j: %i", (result, records) => {
    expect(textsOfResult(result, untrusted).records).toBe(records);
  });
});

describe("bounds", () => {
  it("says so when something was left out", () => {
    let deep: Json = "x";
    for (let i = 0; i < limits.depthMax + 1; i += 1) deep = [deep];
    expect(textsOfResult(deep, untrusted)).toEqual({ texts: [], records: 1, truncated: true });
    const long = textsOfResult(["x".repeat(limits.charactersMax), "rest"], untrusted);
    expect(long.truncated).toBe(true);
    expect(long.texts).toHaveLength(1);
    expect(textsOfResult("x".repeat(limits.charactersMax + 1), untrusted).truncated).toBe(true);
    const many = textsOfResult(
      Array.from({ length: limits.textsMax + 1 }, (_, i) => `t${i}`),
      untrusted,
    );
    expect([many.texts.length, many.truncated]).toEqual([limits.textsMax, true]);
    expect(textsOfResult({ a: "x" }, untrusted).truncated).toBe(false);
  });

  it("never throws, however deep the JSON", () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    expect(textsOfResult(deep, untrusted).truncated).toBe(true);
    expect(
      textsOfResult({ content: [{ type: "text", text: deep }], structuredContent: { a: "x" } }, untrusted).texts.length,
    ).toBeGreaterThan(0);
    expect(allTexts(JSON.parse('{"__proto__": {"polluted": "x"}}') as Json)).toEqual(["__proto__", "polluted", "x"]);
  });
});
