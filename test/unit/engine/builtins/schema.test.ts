import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuiltinError } from "../../../../service/engine/builtins/builtin.ts";
import { schema } from "../../../../service/engine/builtins/schema.ts";
import { readValue } from "../../../../service/engine/value/read.ts";
import { fromJson } from "../../../../service/engine/value/value.ts";
import { wireText } from "../../../../service/engine/value/write.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

/** What a schema is, and what a document is under it; both are JSON. */
const verify = (text: string) => call("json.verify_schema", JSON.stringify(text));
const match = (document: string, text: string) => call("json.match_schema", JSON.stringify(document), JSON.stringify(text));

const name = fc.constantFrom("a", "b", "c", "$ref", "id", "");
const scalar = fc.oneof(fc.constantFrom(null, true, false, 0, 1, -1, 1.5, 1e21), fc.string({ maxLength: 5 }));
const { document, subschema } = fc.letrec<{ document: unknown; subschema: unknown }>((tie) => ({
  document: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("document"), { maxLength: 3 }),
    fc.dictionary(name, tie("document"), { maxKeys: 3 }),
  ),
  subschema: fc.oneof(
    { depthSize: "small" },
    fc.boolean(),
    scalar,
    fc.record(
      {
        type: fc.constantFrom("object", "array", "string", "number", "integer", "boolean", "null", "other", ["string", "null"]),
        properties: fc.dictionary(name, tie("subschema"), { maxKeys: 2 }),
        items: fc.oneof(tie("subschema"), fc.array(tie("subschema"), { maxLength: 2 })),
        additionalProperties: tie("subschema"),
        anyOf: fc.array(tie("subschema"), { maxLength: 2 }),
        oneOf: fc.array(tie("subschema"), { maxLength: 2 }),
        allOf: fc.array(tie("subschema"), { maxLength: 2 }),
        not: tie("subschema"),
        enum: fc.array(tie("document"), { maxLength: 2 }),
        const: tie("document"),
        required: fc.array(name, { maxLength: 2 }),
        minimum: scalar,
        multipleOf: scalar,
        maxLength: fc.constantFrom(0, 1, "x"),
        uniqueItems: fc.boolean(),
        pattern: fc.constantFrom("^a", "(", "b$"),
        format: fc.constantFrom("email", "uri", "date-time", "ipv6", "other"),
        $ref: fc.constantFrom("#", "#/definitions/a", "#/nowhere", "%", "http://example.com/schema"),
        definitions: fc.record({ a: tie("subschema") }),
        $id: fc.constantFrom("#a", "http://example.com/", ":"),
      },
      { requiredKeys: [] },
    ),
  ),
}));
const documentText = document.map((value) => JSON.stringify(value));
const schemaText = subschema.map((value) => JSON.stringify(value));

describe("JSON Schema builtins", () => {
  it.each(["schema", "schema-generated"])("answer as OPA does: %s", (fixture) => {
    const rows = opaRows(fixture);
    expect(rows.length).toBeGreaterThan(900);
    expect(rows.map(([builtin, args]) => [builtin, args, call(builtin, ...args)])).toEqual(rows);
  });

  it("return or fail for any arguments, and do so again", () => {
    fc.assert(fc.property(anyValue, anyValue, (first, second) => isSteady("json.match_schema", first, second)));
    fc.assert(fc.property(anyValue, (only) => isSteady("json.verify_schema", only)));
  });

  it("match a document with errors exactly when it is not valid, whatever the schema", () => {
    fc.assert(
      fc.property(documentText, schemaText, (text, schemaJson) => {
        const answer = match(text, schemaJson);
        expect(match(text, schemaJson)).toBe(answer);
        if (answer === "fails") return;
        const [valid, errors] = readValue(answer ?? "") as [boolean, readonly unknown[]];
        expect(valid).toBe(errors.length === 0);
        expect(verify(schemaJson)).toBe("[true, null]");
      }),
      { numRuns: 1000 },
    );
  });

  it("mean the same by a schema as text and as an object", () => {
    fc.assert(
      fc.property(fc.dictionary(name, document, { maxKeys: 3 }), subschema, (object, wanted) => {
        const [documentJson, schemaJson] = [object, { properties: { a: wanted } }].map((value) => wireText(fromJson(value)));
        expect(call("json.match_schema", documentJson ?? "", schemaJson ?? "")).toBe(match(documentJson ?? "", schemaJson ?? ""));
      }),
    );
  });

  it("never follow a reference out of the schema", () => {
    const refused = (reference: string) => `[false, "jsonschema: remote reference loading disabled: ${reference}"]`;
    expect(verify('{"$ref": "https://example.com/schema.json#/definitions/a"}')).toBe(refused("https://example.com/schema.json"));
    expect(verify('{"$ref": "file:///etc/passwd"}')).toBe(refused("file:///etc/passwd"));
    expect(match("{}", '{"$ref": "http://127.0.0.1:1/"}')).toBe("fails");
    expect(verify('{"$id": "http://example.com/root.json", "items": {"$ref": "other.json"}}')).toBe(
      refused("http://example.com/other.json"),
    );
    expect(verify('{"$ref": "other.json"}')).toBe('[false, "jsonschema: Reference /other.json must be canonical"]');
  });

  it("find a schema by its id", () => {
    const text =
      '{"$id": "http://example.com/root.json", "items": {"$ref": "item.json"}, "definitions": {"a": {"$id": "item.json", "type": "null"}}}';
    expect(match("[null]", text)).toBe("[true, []]");
    expect(match("[1]", text)).toContain("Invalid type. Expected: null, given: integer");
  });

  it.each([
    ["a reference to itself", '{"$ref": "#"}'],
    ["a schema that asks itself", '{"anyOf": [{"$ref": "#"}]}'],
    [
      "two that ask each other",
      '{"definitions": {"a": {"not": {"$ref": "#/definitions/b"}}, "b": {"not": {"$ref": "#/definitions/a"}}}, "$ref": "#/definitions/a"}',
    ],
  ])("fail where OPA never ends: %s", (_what, text) => {
    expect(verify(text)).toBe("[true, null]");
    expect(match("1", text)).toBe("fails");
  });

  it("stop what grows with every level when the fuel is used up", () => {
    const twice = '{"anyOf": [{"items": {"$ref": "#"}, "minItems": 2}, {"items": {"$ref": "#"}, "minItems": 3}]}';
    const nested = "[".repeat(40) + "]".repeat(40);
    expect(() => callLimited(5_000_000, "json.match_schema", JSON.stringify(nested), JSON.stringify(twice))).toThrow(OutOfFuel);
  });

  it("fail for what is nested too deep for them", () => {
    const deep = `${'{"not": '.repeat(400)}{}${"}".repeat(400)}`;
    expect(verify(deep)).toBe("fails");
    expect(match("[".repeat(400) + "]".repeat(400), '{"items": {"$ref": "#"}}')).toBe("fails");
    expect(match("[".repeat(200) + "]".repeat(200), '{"items": {"$ref": "#"}}')).toBe("[true, []]");
    expect(verify("[".repeat(2000) + "]".repeat(2000))).toBe("fails");
  });

  it("take the same fuel for a schema that is known already", () => {
    const text = JSON.stringify({ title: `once ${Math.PI}`, properties: { a: { type: "string", enum: ["x", "y"] } } });
    const spent = [1, 2].map(() => {
      const context = testContext();
      schema["json.match_schema"]?.(["{}", text], context);
      return context.spent;
    });
    expect(spent[0]).toBe(spent[1]);
    expect(spent[0]).toBeGreaterThan(text.length);
  });

  it.each([
    ["unique items", `[${Array.from({ length: 20_000 }, (_, index) => index)}]`, '{"uniqueItems": true}'],
    ["items that are the same", `[${Array(20_000).fill(1)}]`, '{"uniqueItems": true}'],
    [
      "unique items at each level",
      `${"[".repeat(200)}${Array(500).fill(1)}${"]".repeat(200)}`,
      '{"uniqueItems": true, "items": {"$ref": "#"}}',
    ],
    ["decimals", `[${Array(20_000).fill(1.1)}]`, '{"items": {"multipleOf": 0.1, "minimum": 0, "maximum": 2}}'],
    ["a long number", "9".repeat(20_000), `{"multipleOf": ${"7".repeat(3000)}}`],
    ["a large power", "1e900000", '{"multipleOf": 7}'],
    ["a small bound", "-1", '{"minimum": 1e-20000}'],
    ["a pattern", JSON.stringify("a".repeat(50_000)), '{"pattern": "(a*)*b"}'],
    [
      "keys under patterns",
      JSON.stringify(Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`, 1]))),
      '{"patternProperties": {"^(a|k)*9$": false}}',
    ],
    [
      "errors with long paths",
      JSON.stringify({ ["k".repeat(1000)]: Array(500).fill(1) }),
      '{"additionalProperties": {"items": {"type": "string"}}}',
    ],
    ["an email address", JSON.stringify(`"${"\\a".repeat(50_000)}`), '{"format": "email"}'],
    ["a mailbox of comments", JSON.stringify("a (b) ".repeat(20_000)), '{"format": "email"}'],
    ["a template of braces", JSON.stringify("{".repeat(100_000)), '{"format": "uri-template"}'],
    ["a pointer", JSON.stringify("/~0".repeat(50_000)), '{"format": "json-pointer"}'],
    ["a host name", JSON.stringify("a".repeat(100_000)), '{"format": "hostname"}'],
    ["ids in ids", "1", JSON.stringify({ allOf: Array.from({ length: 500 }, (_, index) => ({ $id: "a/../".repeat(50) + index })) })],
    [
      "references again and again",
      "1",
      JSON.stringify({ definitions: { a: {} }, allOf: Array.from({ length: 2000 }, () => ({ $ref: "#/definitions/a" })) }),
    ],
  ])("go through %s, and pay for it", (_what, text, schemaJson) => {
    const context = testContext();
    try {
      schema["json.match_schema"]?.([text, schemaJson], context);
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw error;
    }
    expect(context.spent).toBeGreaterThanOrEqual(text.length + schemaJson.length);
  });
});
