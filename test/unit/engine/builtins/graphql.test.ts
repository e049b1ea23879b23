import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = [...opaRows("graphql"), ...opaRows("graphql-generated")];

const text = (value: unknown) => JSON.stringify(value);
const builtinName = fc.constantFrom(
  "graphql.is_valid",
  "graphql.parse",
  "graphql.parse_and_verify",
  "graphql.parse_query",
  "graphql.parse_schema",
  "graphql.schema_is_valid",
);

const schema = "type Query { a(x: [Int]): Query b: Int } type Mutation { b: Int }";

const { selections } = fc.letrec<{ selections: string }>((tie) => ({
  selections: fc
    .array(
      fc.oneof(
        { depthSize: "small" },
        fc.constantFrom("b", "c: b", "b: b", "__typename", "nope", "a", "b @skip(if: true)"),
        fc
          .tuple(fc.constantFrom("a", "c: a", "a(x: 1)", "a(x: [1, null])", 'a(x: "1")', "a(y: 1)"), tie("selections"))
          .map((pair) => pair.join("")),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((items) => `{ ${items.join(" ")} }`),
}));

const token = fc.constantFrom(
  ..."{ } ( ) [ ] ! $ & ... : = @ | a b on query mutation fragment type interface union enum input scalar schema directive extend".split(
    " ",
  ),
  ...'implements repeatable FIELD Int 1 -1 1.5 1e3 true null "s" "" """b""" __typename'.split(" "),
);

/** `{a{a{…{b}…}}}` with so many selection sets. */
function nested(levels: number): string {
  return `${"{a".repeat(levels - 1)}{b}${"}".repeat(levels - 1)}`;
}

function fragments(count: number, body: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `fragment F${index} on Query ${body(index)}`).join(" ");
}

function isValid(query: string, type = schema): string | null {
  return call("graphql.is_valid", text(query), text(type));
}

describe("graphql builtins", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(1200);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("return or fail for any arguments, and do so again", () => {
    fc.assert(fc.property(builtinName, anyValue, anyValue, isSteady));
  });

  it("return or fail for any tokens, whatever stands between them", () => {
    fc.assert(
      fc.property(builtinName, fc.array(token, { maxLength: 20 }), fc.array(token, { maxLength: 20 }), (name, query, type) => {
        const [plain, spaced] = [" ", ",\r\n\t\ufeff "].map((blank) => call(name, text(query.join(blank)), text(type.join(blank))));
        expect(spaced).toBe(plain);
      }),
      { numRuns: 1000 },
    );
  });

  it("take for any AST what they take for its text", () => {
    fc.assert(
      fc.property(fc.constantFrom("", "query Q", "mutation"), selections, (operation, selection) => {
        const query = text(operation + selection);
        const [asts, verdict] = ["graphql.parse_query", "graphql.is_valid"].map((name) => call(name, query, text(schema)));
        const types = call("graphql.parse_schema", text(schema)) ?? "";
        expect(call("graphql.parse_query", query)).toBe(asts);
        expect(call("graphql.is_valid", asts ?? "", text(schema))).toBe(verdict);
        expect(call("graphql.is_valid", asts ?? "", types)).toBe(verdict);
        const verified = verdict === "true" ? `[true, ${asts}, ${types}]` : "[false, {}, {}]";
        expect(call("graphql.parse_and_verify", asts ?? "", types)).toBe(verified);
        expect(call("graphql.parse", query, types)).toBe(verdict === "true" ? `[${asts}, ${types}]` : "fails");
      }),
    );
  });
});

describe("hostile GraphQL documents", () => {
  it("may be nested, but not without end", () => {
    expect(isValid(nested(200))).toBe("true");
    expect(isValid(nested(201))).toBe("fails");
    for (const query of [
      "{a".repeat(200_000),
      `{a(x:${"[".repeat(200_000)}`,
      `{a(x:${"{a:".repeat(200_000)}`,
      `query($a:${"[".repeat(200_000)}`,
    ])
      expect(call("graphql.parse_query", text(query))).toBe("fails");
    expect(call("graphql.schema_is_valid", text(`type Query{a:${"[".repeat(200_000)}`))).toBe("fails");
    expect(call("graphql.schema_is_valid", text(`type Query{a:${"[".repeat(100)}Int${"]".repeat(100)}}`))).toBe("true");
  });

  it("may be nested through fragments, but not without end", () => {
    const chain = (count: number) => `{...F0} ${fragments(count, (index) => `{b ${index + 1 < count ? `...F${index + 1}` : ""}}`)}`;
    expect(isValid(chain(199))).toBe("true");
    expect(isValid(chain(5000))).toBe("fails");
    const ring = `{...F0} ${fragments(5000, (index) => `{...F${(index + 1) % 5000}}`)}`;
    expect(isValid(ring)).toBe("false");
    const inputs = Array.from({ length: 5000 }, (_, index) => `input I${index}{a:I${(index + 1) % 5000}!}`).join(" ");
    expect(call("graphql.schema_is_valid", text(inputs))).toBe("false");
    expect(call("graphql.schema_is_valid", text(inputs.replace("I1!", "I1")))).toBe("true");
  });

  it("may be given as nested ASTs, but not without end", () => {
    const ast = (levels: number) =>
      `{"Operations":[{"SelectionSet":[${'{"Name":"a","SelectionSet":['.repeat(levels)}{"Name":"b"}${"]}".repeat(levels)}]}]}`;
    expect(call("graphql.is_valid", ast(150), text(schema))).toBe("true");
    expect(call("graphql.is_valid", ast(500), text(schema))).toBe("fails");
  });

  it("have every comparison of fields paid, of which there may be exponentially many", () => {
    const doubled = (levels: number): string => (levels === 0 ? "{b}" : `{a${doubled(levels - 1)}a${doubled(levels - 1)}}`);
    const ask = (query: string) => callLimited(10_000_000, "graphql.is_valid", text(query), text(schema));
    expect(ask(doubled(3))).toBe("true");
    expect(() => ask(doubled(12))).toThrow(OutOfFuel);
    expect(() => ask(`{${"b ".repeat(5000)}}`)).toThrow(OutOfFuel);
    const all = Array.from({ length: 3000 }, (_, index) => `...F${index}`).join(" ");
    expect(() => ask(`{${all}} ${fragments(3000, () => "{b}")}`)).toThrow(OutOfFuel);
    expect(() => ask(`{${"a(x:[1]){b}".repeat(3000)}}`)).toThrow(OutOfFuel);
  });

  it("have every visit of a fragment paid, of which each operation makes one", () => {
    const operations = Array.from({ length: 2000 }, (_, index) => `query Q${index}{...F0}`).join(" ");
    const body = Array.from({ length: 2000 }, (_, index) => `b${index}:b`).join(" ");
    const query = `${operations} ${fragments(1, () => `{${body}}`)}`;
    expect(() => callLimited(10_000_000, "graphql.is_valid", text(query), text(schema))).toThrow(OutOfFuel);
  });

  it("are asked once about what fragments that double each time say of the schema", () => {
    const count = 60;
    const doubling = Array.from(
      { length: count },
      (_, index) => `fragment F${index} on __Type {name ${index + 1 < count ? `ofType{...F${index + 1} ...F${index + 1}}` : ""}}`,
    ).join(" ");
    expect(isValid(`{__type(name:"a"){...F0}} ${doubling}`)).toBe("true");
    expect(isValid(`{__type(name:"a"){...F0}} ${doubling.replace("{name }", "{fields{type{fields{type{fields{name}}}}}}")}`)).toBe("false");
  });

  it("have interfaces, directives and values paid that multiply", () => {
    const fields = (type: string) => Array.from({ length: 2000 }, (_, index) => `f${index}:${type}`).join(" ");
    const again = `interface I{${fields("Int")}} type A implements ${"I&".repeat(3000)}I{${fields("Int")}}`;
    const parameters = Array.from({ length: 2000 }, (_, index) => `x${index}:Int`).join(" ");
    const directives = `directive @d(${parameters}) repeatable on SCALAR scalar S ${"@d ".repeat(10_000)}`;
    const members = Array.from({ length: 3000 }, (_, index) => `A${index}`);
    const union = `union U=${members.join("|")} interface I{${fields("U")}} type Z implements I{${fields("A2999")}}`;
    const covariant = `${union} ${members.map((name) => `type ${name}{a:Int}`).join(" ")}`;
    for (const type of [again, directives, covariant])
      expect(() => callLimited(5_000_000, "graphql.schema_is_valid", text(type))).toThrow(OutOfFuel);
    expect(call("graphql.schema_is_valid", text(`interface I{${fields("Int")}} type A implements I{${fields("Int")}}`))).toBe("true");
  });

  it("have their text paid before it is read", () => {
    for (const character of [" ", ",", "#", "{a", '"', '"""', "\\", "1", "a", "\u0000", "é", "\udc80"])
      for (const start of ["", "{a(x:", '{a(x:"', '{a(x:"""', "#"]) {
        const document = text(start + character.repeat(100_000));
        expect(() => callLimited(500_000, "graphql.parse_query", document)).toThrow(OutOfFuel);
        expect(isSteady("graphql.parse_query", document)).toBe(true);
        expect(isSteady("graphql.parse_schema", document)).toBe(true);
      }
  });

  it("may have many tokens, but not without end", () => {
    expect(isValid(`{a(x:[${"1 ".repeat(100_000)}]){b}}`)).toBe("true");
    expect(isValid("#\n".repeat(1_000_001))).toBe("fails");
  });
});
