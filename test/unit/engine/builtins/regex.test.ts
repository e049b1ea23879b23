import fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, it } from "vitest";
import { BuiltinError } from "../../../../service/engine/builtins/builtin.ts";
import { compiled } from "../../../../service/engine/builtins/regex/cache.ts";
import { isMatch, matches } from "../../../../service/engine/builtins/regex/search.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, limited, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("regex");
const names = [...new Set(rows.map(([name]) => name))];

const atom = fc.constantFrom(
  "a",
  "b",
  "é",
  "😀",
  ".",
  "^",
  "$",
  "\\b",
  "\\B",
  "\\w",
  "\\d",
  "[a-c]",
  "[^a]",
  "\\pL",
  "(?i)k",
  "\\n",
  "[[:alpha:]é]",
);
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { depthSize: "small" },
    atom,
    fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => a + b),
    fc.tuple(tie("pattern"), tie("pattern")).map(([a, b]) => `${a}|${b}`),
    tie("pattern").map((inner) => `(${inner})`),
    fc
      .tuple(tie("pattern"), fc.constantFrom("*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{1,}?"))
      .map(([inner, times]) => `(?:${inner})${times}`),
  ),
}));
const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "é", "😀", " ", "1", "\n", "K", "\u212a", "_"), maxLength: 10 });

/** Every match and its groups, as they come. */
function found(source: string, input: string): readonly (readonly number[])[] {
  const program = compiled(source, testContext());
  return [...matches(program, input, Number.POSITIVE_INFINITY, program.groups.length, testContext())];
}

describe("regex", () => {
  it("answers as OPA does", () => {
    expect(names).toHaveLength(6);
    expect(rows.length).toBeGreaterThan(1500);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("finds what re2js itself finds, which has other machines", () => {
    fc.assert(
      fc.property(pattern, text, (source, input) => {
        const re2 = RE2JS.compile(source).re2();
        expect(found(source, input)).toEqual(re2.findAllSubmatchIndex(input, -1) ?? []);
        expect(isMatch(source, input, testContext())).toBe(re2.match(input));
      }),
      { numRuns: 2000 },
    );
  });

  it("gives the text back when every match is replaced by itself", () => {
    fc.assert(
      fc.property(pattern, text, (source, input) => {
        expect(JSON.parse(call("regex.replace", JSON.stringify(input), JSON.stringify(source), '"$0"') ?? "")).toBe(input);
      }),
    );
  });

  // Bytes that are not UTF-8 cannot be asked for in a fixture; OPA answers the same for `hex.decode("…")`.
  it.each([
    ["regex.find_n", ['"."', '"\udcff\udcc3é"', "-1"], '["\udcff", "\udcc3", "é"]'],
    ["regex.find_n", ['"\\\\x{fffd}"', '"\udcff\ufffd"', "-1"], '["\udcff", "\ufffd"]'],
    ["regex.find_n", ['"\\\\p{Cs}"', '"\udcff"', "-1"], "[]"],
    ["regex.find_n", ['"\udcff"', '"\udcff"', "-1"], "fails"],
    ["regex.split", ['""', '"\udcffé"'], '["\udcff", "é"]'],
    ["regex.replace", ['"\udcc3-\udca9"', '"-"', '""'], '"é"'],
    ["regex.template_match", ['"é{a}"', '"éa"', '"\udcc3"', '"\udca9"'], "false"],
    ["regex.template_match", ['"x\udcffa\udcfe"', '"xa"', '"\udcff"', '"\udcfe"'], "true"],
  ])("%s looks at bytes: %j", (name, args, expected) => {
    expect(call(name, ...args)).toBe(expected);
  });

  it("globs that quote a text meet that text only", () => {
    const any = fc.string({ unit: fc.constantFrom("a", "*", "?", "[", "]", "{", "}", "\\", "!", "-"), maxLength: 8 });
    fc.assert(
      fc.property(any, (glob) => {
        expect(JSON.parse(call("glob.quote_meta", JSON.stringify(glob)) ?? "")).toBe(glob.replace(/[*?[\]{}\\]/g, "\\$&"));
      }),
    );
  });

  it("globs.match is true for a glob and a text that it matches", () => {
    const token = fc.constantFrom(["a", "a"], [".", "b"], ["[ab]", "b"], ["a*", "aa"], ["[a-c]+", "cab"], [".*", "abc"]);
    fc.assert(
      fc.property(fc.array(token, { minLength: 1, maxLength: 6 }), (tokens) => {
        const [glob, plain] = [0, 1].map((side) => JSON.stringify(tokens.map((pair) => pair[side]).join("")));
        expect(call("regex.globs_match", glob ?? "", plain ?? "")).toBe("true");
      }),
    );
  });

  it.each(names)("%s answers or fails for any operands", (name) => {
    fc.assert(fc.property(anyValue, anyValue, anyValue, anyValue, (...args) => isSteady(name, ...args)));
  });
});

describe("fuel of regex", () => {
  /** What one search takes, the pattern being known already. */
  function spent(source: string, input: string): number {
    compiled(source, testContext());
    const context = testContext();
    isMatch(source, input, context);
    return context.spent;
  }

  it.each(["(x+x+)+y", "(?:x?){50}x{50}y", "(x|xx)*y", "(?:.*.*.*)=", "\\pL+\\d"])(
    "grows with the text, not with its square: %s",
    (source) => {
      expect(spent(source, "x".repeat(4000))).toBeLessThan(2.5 * spent(source, "x".repeat(2000)));
    },
  );

  it("is paid for a pattern that is not known, and only then", () => {
    const source = "(?:ab?c|[d-f]){1,200}first";
    const [first, second] = [testContext(), testContext()];
    compiled(source, first);
    compiled(source, second);

    expect(first.spent).toBeGreaterThan(10_000);
    expect(second.spent).toBe(0);
  });

  it.each(["a{1000}", "(?:[a-z]{10}){50}", "[\\pL\\pN]{100}", "(?i)[\\x{42}-\\x{1e942}]", "(?i)[\\pL]"])(
    "ends before a large pattern is compiled: %s",
    (source) => {
      expect(() => compiled(source, limited(10_000))).toThrow(OutOfFuel);
    },
  );

  it.each([
    ["too large", "(?:a{1000}b{1000}){60}"],
    ["nested repetitions", "((a{1000}){1000}){1000}"],
    ["too many groups", `${"(a)?".repeat(2000)}b`],
  ])("does not help a pattern that is %s", (_, source) => {
    expect(() => found(source, "a")).toThrow(BuiltinError);
  });

  it("is paid for each of many searches that all go to the end of the text", () => {
    const [source, input] = [JSON.stringify(".*b|a"), JSON.stringify("a".repeat(20_000))];

    expect(() => callLimited(10_000_000, "regex.find_n", source, input, "-1")).toThrow(OutOfFuel);
  });

  it.each([
    ["regex.replace", [JSON.stringify("a".repeat(50_000)), '"a"', JSON.stringify("b".repeat(10_000))]],
    ["regex.replace", [JSON.stringify("a".repeat(50_000)), '"(a)"', JSON.stringify("$1".repeat(1000))]],
    ["regex.replace", [JSON.stringify("a".repeat(100)), '"(a)"', JSON.stringify("$1".repeat(200_000))]],
  ])("and the length of a result have bounds: %s", (name, args) => {
    expect(() => callLimited(1_000_000, name, ...args)).toThrow(OutOfFuel);
    expect(call(name, ...args)).toBe("fails");
  });

  it("globs are compared in time that is the product of their lengths", () => {
    const glob = (letter: string) => JSON.stringify(`${`.*${letter}`.repeat(300)}.*x${letter}.*`);

    expect(callLimited(20_000_000, "regex.globs_match", glob("a"), glob("b"))).toBe("true");
    expect(() => callLimited(100_000, "regex.globs_match", glob("a"), glob("b"))).toThrow(OutOfFuel);
  });
});

describe("a program that has been searched with for a long time", () => {
  it.each([
    ["(?:[a-z]|[a-y][0-9]?)*#|rm -rf", "aaaaaaaaaaaaarm -rf /", true],
    ["(?:a*b*)*c", "aaab", false],
    ["(?:a*b*)*c", "aaabc", true],
    ["(?:a?|b*)+c", "abab".repeat(20), false],
  ])("still finds `%s` in `%s`: %j", (pattern, text, expected) => {
    const context = testContext();
    isMatch(pattern, text, context);
    // As after 17,000 requests of the largest size.
    for (const lists of compiled(pattern, context).idle) for (const threads of lists) threads.mark = 2 ** 31 - 6;

    for (let i = 0; i < 3; i++) expect(isMatch(pattern, text, context)).toBe(expected);
  });
});
