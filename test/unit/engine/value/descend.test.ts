import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { descend, toJson } from "../../../../service/engine/value/descend.ts";
import { readValue } from "../../../../service/engine/value/read.ts";

const below = (text: string, ...path: readonly (string | number)[]) => {
  const found = descend(readValue(text), path);
  return found === undefined ? undefined : toJson(found);
};

describe("descend", () => {
  it.each<[string, readonly (string | number)[], unknown]>([
    ["7", [], 7],
    ['{"a": {"b": null}}', ["a", "b"], null],
    ['{"a": false}', ["a"], false],
    ['{"a": 1}', ["b"], undefined],
    ['{"a": 1}', ["a", "b"], undefined],
    ["[10, 11]", [1], 11],
    ["[10, 11]", [2], undefined],
    ["[10, 11]", [-1], undefined],
    ["[10, 11]", ["1"], undefined],
    ["[10, 11]", ["length"], undefined],
    ['"text"', [0], undefined],
    ['"text"', ["length"], undefined],
    ['{"x", 7, [1]}', ["x"], "x"],
    ['{"x", 7, [1]}', [7], 7],
    ['{"x", 7, [1]}', [0], undefined],
    ['{"x", 7, [1]}', ["7"], undefined],
    ["set()", [0], undefined],
    ['{1: "number", "1": "text"}', [1], "number"],
    ['{"1": "text"}', [1], "text"],
    ['{1: "number"}', ["1"], undefined],
    ['{"a": 1}', ["__proto__"], undefined],
    ['{"a": 1}', ["constructor"], undefined],
    ['{"__proto__": {"a": 1}}', ["__proto__", "a"], 1],
  ])("in %s by %j", (text, path, expected) => {
    expect(below(text, ...path)).toEqual(expected);
  });
});

describe("toJson", () => {
  it("gives back any JSON as it was", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const again = JSON.stringify(toJson(readValue(JSON.stringify(JSON.parse(text)))));
        expect(JSON.parse(again)).toEqual(JSON.parse(JSON.stringify(JSON.parse(text))));
      }),
    );
  });

  it("has sets in OPA's order, and keys as texts", () => {
    expect(below('{"b", 10, 9, null, true, [1], {"a": 1}, {1}}')).toEqual([null, true, 9, 10, "b", [1], { a: 1 }, [1]]);
    expect(below('{[1, "x"]: 1, true: 2}')).toEqual({ '[1,"x"]': 1, true: 2 });
  });

  it("holds texts that are no UTF-8 as OPA shows them", () => {
    expect(below('"a\udc80"')).toBe("a\ufffd");
  });

  it("gives no number that is none", () => {
    expect(() => below("1e400")).toThrow("out of range");
  });
});
