import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("json");

const patch = (document: unknown, ...operations: readonly unknown[]) =>
  call("json.patch", JSON.stringify(document), JSON.stringify(operations));
const add = (path: string, value: unknown) => ({ op: "add", path, value });
const remove = (path: string) => ({ op: "remove", path });

/** A list in a list in a list. */
function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

describe("json builtins", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(1200);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("return or fail for any arguments, and do so again", () => {
    const name = fc.constantFrom("json.patch", "json.marshal_with_options", "object.subset");
    fc.assert(fc.property(name, anyValue, anyValue, (builtin, first, second) => isSteady(builtin, first, second)));
  });
});

describe("json.patch", () => {
  it("returns or fails for any operations", () => {
    const path = fc.oneof(anyValue, fc.constantFrom('"/0"', '"/a"', '"/-"', '""', "[0]"));
    const operation = fc
      .tuple(fc.constantFrom("add", "remove", "replace", "move", "copy", "test"), path, path, anyValue)
      .map(([op, to, from, value]) => `{"op": "${op}", "path": ${to}, "from": ${from}, "value": ${value}}`);
    fc.assert(
      fc.property(anyValue, fc.array(operation, { maxLength: 5 }), (document, operations) => {
        const text = `[${operations.join(", ")}]`;
        return isSteady("json.patch", document, text);
      }),
    );
  });

  it("gives what RFC 6902 says where OPA panics", () => {
    expect(patch([], add("/-", 1), add("/-", {}), add("/0", 5))).toBe("[5, 1, {}]");
    expect(patch([], add("/-", 1), add("/-", {}), add("/-", 2), remove("/0"))).toBe("[{}, 2]");
    expect(patch({ a: 1 }, { op: "replace", path: "", value: { b: 1 } }, add("/c", 2))).toBe('{"b": 1, "c": 2}');
    expect(patch({ a: 1 }, remove(""))).toBe("fails");
  });

  it("takes what the array had at an index before all edits, as OPA does", () => {
    expect(patch([1, 2, 3], remove("/0"), { op: "test", path: "/0", value: 1 })).toBe("[1, 3]");
    expect(patch([1, 2, 3], remove("/0"), { op: "test", path: "/0", value: 2 })).toBe("fails");
  });

  it("does not let copies of copies grow without end", () => {
    const doubling = Array.from({ length: 200 }, (_, index) => ({ op: "copy", from: "", path: `/${index}` }));
    expect(patch({}, ...doubling)).toBe("fails");
    expect(() => callLimited(5_000_000, "json.patch", "{}", JSON.stringify(doubling))).toThrow(OutOfFuel);
    const deep = [nested(600), `[{"op": "copy", "from": "", "path": [${"0, ".repeat(599)}0]}]`] as const;
    expect(call("json.patch", ...deep)).toBe("fails");
    expect(call("json.patch", "[]", `[{"op": "add", "path": "/-", "value": ${nested(900)}}]`)).toBe(`[${nested(900)}]`);
  });

  it("has edits of large values paid", () => {
    const large = JSON.stringify(Array.from({ length: 20_000 }, (_, index) => index));
    const edits = JSON.stringify(Array.from({ length: 500 }, () => add("/0", 0)));
    expect(() => callLimited(5_000_000, "json.patch", large, edits)).toThrow(OutOfFuel);
    const tests = JSON.stringify(Array.from({ length: 500 }, () => ({ op: "test", path: "", value: 1 })));
    expect(call("json.patch", large, tests)).toBe("fails");
  });
});

describe("json.marshal_with_options", () => {
  it("lays out what JSON.stringify lays out, for what both write the same", () => {
    const plain = fc.jsonValue({ noUnicodeString: true, maxDepth: 4 } as object).filter((value) => {
      const text = JSON.stringify(value);
      return !/[<>&\u0080-\uffff]|\\u|\d[eE.]|-0/.test(text);
    });
    fc.assert(
      fc.property(plain, (value) => {
        const sorted = JSON.stringify(value, (_key, item) =>
          typeof item === "object" && item !== null && !Array.isArray(item)
            ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
            : item,
        );
        const pretty = JSON.stringify(JSON.parse(sorted), null, "  ");
        const integerKeys = /"\d+":/.test(sorted);
        if (!integerKeys) expect(JSON.parse(call("json.marshal_with_options", sorted, '{"indent": "  "}') ?? "")).toBe(pretty);
      }),
    );
  });

  it("has indents paid and bounded", () => {
    const indent = JSON.stringify({ indent: " ".repeat(100_000) });
    expect(() => callLimited(1_000_000, "json.marshal_with_options", nested(200), indent)).toThrow(OutOfFuel);
    expect(call("json.marshal_with_options", nested(200), indent)).toBe("fails");
  });
});

describe("object.subset", () => {
  it("holds for a value and itself, and for a part of it", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: "grapheme-ascii" }), fc.integer()),
        fc.string({ unit: "grapheme-ascii" }),
        (object, key) => {
          const { [key]: _left, ...part } = object;
          const [whole, rest] = [JSON.stringify(object), JSON.stringify(part)];
          expect([call("object.subset", whole, rest), call("object.subset", whole, whole)]).toEqual(["true", "true"]);
          expect(call("object.subset", rest, whole)).toBe(String(whole === rest));
        },
      ),
    );
  });

  it("finds a run in an array exactly when it is there", () => {
    const bits = fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 12 });
    fc.assert(
      fc.property(bits, bits, (whole, part) => {
        const expected = whole.join("").includes(part.join(""));
        expect(call("object.subset", JSON.stringify(whole), JSON.stringify(part))).toBe(String(expected));
      }),
    );
  });

  it("looks for a long run in linear time", () => {
    const [whole, part] = [Array(60_000).fill(0), [...Array(30_000).fill(0), 1]];
    expect(call("object.subset", JSON.stringify(whole), JSON.stringify(part))).toBe("false");
  });

  it("fails for what is nested too deep", () => {
    expect(call("object.subset", nested(1500), nested(1500))).toBe("fails");
  });
});
