import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuiltinError } from "../../../../service/engine/builtins/builtin.ts";
import { yaml } from "../../../../service/engine/builtins/yaml.ts";
import { textOf } from "../../../../service/engine/value/bytes.ts";
import { fromJson } from "../../../../service/engine/value/value.ts";
import { wireText } from "../../../../service/engine/value/write.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const names = Object.keys(yaml);
const unmarshal = (text: string) => call("yaml.unmarshal", JSON.stringify(text));
const isValid = (text: string) => call("yaml.is_valid", JSON.stringify(text));

/** What a builtin does with a text that may hold any bytes. */
function unmarshalBytes(bytes: Buffer): string {
  const value = yaml["yaml.unmarshal"]?.([textOf(bytes)], testContext());
  return value === undefined ? "undefined" : wireText(value);
}

const piece = fc.constantFrom(
  ...["a", "b", ": ", ":", " ", "\n", "\n  ", "- ", "? ", "[", "]", "{", "}", ",", "# c", "&x ", "*x", "!!str ", "!!int ", "!", "<<: "],
  ...[
    "'",
    '"',
    "|\n ",
    ">-\n ",
    "\t",
    "1",
    "0x1f",
    "1.5",
    "true",
    "~",
    "---\n",
    "\n...\n",
    "%YAML 1.1\n",
    "\\x41",
    "\r\n",
    "\u0085",
    "\u2028",
    "😀",
  ],
);
const yamlText = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(""));
const word = fc.string({ unit: fc.constantFrom(..."ab1 :-#'\"\\\n,[]{}&*!|>%@~=.éж\u00a0\u20ac"), maxLength: 12 });
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    word,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("json"), { maxLength: 3 }),
    fc.dictionary(word, tie("json"), { maxKeys: 3 }),
  ),
}));

describe("YAML builtins", () => {
  it.each(["yaml", "yaml-generated", "yaml-marshal"])("answer as OPA does: %s", (fixture) => {
    const rows = opaRows(fixture);
    expect(rows.length).toBeGreaterThan(1100);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("return or fail for any argument, and do so again", () => {
    fc.assert(fc.property(fc.constantFrom(...names), anyValue, (name, argument) => isSteady(name, argument)));
  });

  it("take a text for valid exactly when they can read it", () => {
    fc.assert(
      fc.property(yamlText, (text) => {
        expect(isValid(text)).toBe(String(unmarshal(text) !== "fails"));
      }),
      { numRuns: 2000 },
    );
  });

  it("read what they wrote", () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = wireText(fromJson(value));
        expect(call("yaml.unmarshal", call("yaml.marshal", text) ?? "")).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  it("read UTF-16 where a byte order mark says so, and no other bytes than UTF-8 otherwise", () => {
    const text = Buffer.from("a: \u00e9\ud83d\ude00", "utf16le");
    expect(unmarshalBytes(Buffer.concat([Buffer.of(0xff, 0xfe), text]))).toBe('{"a": "\u00e9\ud83d\ude00"}');
    expect(unmarshalBytes(Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from(text).swap16()]))).toBe('{"a": "\u00e9\ud83d\ude00"}');
    expect(() => unmarshalBytes(Buffer.of(0xff, 0xfe, 0x61))).toThrow(BuiltinError);
    expect(() => unmarshalBytes(Buffer.of(0x61, 0x80))).toThrow(BuiltinError);
  });

  it("replace bytes of a binary value that are not UTF-8", () => {
    expect(unmarshal("!!binary gIE=")).toBe('"\ufffd\ufffd"');
  });

  it("fail rather than say anything about what is nested too deep for them", () => {
    const deep = [
      "[".repeat(600) + "]".repeat(600),
      "{a: ".repeat(600) + "}".repeat(600),
      `${"- ".repeat(600)}x`,
      Array.from({ length: 600 }, (_, index) => `a${index}: &a${index} [${index === 0 ? "" : `*a${index - 1}`}]`).join("\n"),
    ];
    expect(deep.flatMap((text) => [isValid(text), unmarshal(text)])).toEqual(deep.flatMap(() => ["fails", "fails"]));
    expect(isValid("[".repeat(400) + "]".repeat(400))).toBe("true");
    // Go's own bound.
    expect(isValid("[".repeat(10_001))).toBe("false");
  });

  it("bound what comes out of aliases", () => {
    const bomb = [..."bcdefghi"].reduce(
      (text, name, index) => `${text}${name}: &${name} [${Array(9).fill(`*${"abcdefgh"[index]}`)}]\n`,
      "a: &a [x, x]\n",
    );
    expect(unmarshal(bomb)).toBe("fails");
    const long = `a: &a ${"x".repeat(100_000)}\nb: [${Array(900).fill("*a")}]`;
    expect(() => callLimited(20_000_000, "yaml.unmarshal", JSON.stringify(long))).toThrow(OutOfFuel);
  });

  it.each([
    ["plain text", "a ".repeat(200_000)],
    ["colons", "a:".repeat(200_000)],
    ["escapes", `"${"\\x41".repeat(100_000)}"`],
    ["escaped lines", `"${"a\\\n".repeat(100_000)}"`],
    ["quotes", `'${"''".repeat(200_000)}'`],
    ["comments", "#\n\t".repeat(100_000)],
    ["distant comments", `#${"\n".repeat(600)}`.repeat(300)],
    ["items", "- a\n".repeat(50_000)],
    ["members", Array.from({ length: 20_000 }, (_, index) => `k${index}: v`).join("\n")],
    ["the same key", "a: b\n".repeat(50_000)],
    ["pairs in a sequence", `[${"a: b,".repeat(20_000)}]`],
    ["empty lines of a block", `|\n${"\n".repeat(300_000)}`],
    ["documents", "--- a\n".repeat(30_000)],
    ["anchors", "- &a x\n".repeat(30_000)],
    ["merges", `a: &a {b: 1}\nc:\n${"  <<: *a\n".repeat(20_000)}`],
    ["brackets", "[".repeat(300_000)],
    ["percent signs", `!${"%41".repeat(100_000)} a`],
    ["characters beyond U+FFFF", `[${"😀,".repeat(30_000)}]`],
    ["digits", `${"9".repeat(300_000)}: ${"0".repeat(300_000)}1`],
  ])("go through %s in linear time, and pay for it", (_what, text) => {
    const context = testContext();
    const fuel = 400 * text.length + 1000;
    expect(() => {
      try {
        yaml["yaml.unmarshal"]?.([text], context);
      } catch (error) {
        if (!(error instanceof BuiltinError)) throw error;
      }
    }).not.toThrow();
    expect(context.spent).toBeGreaterThanOrEqual(text.length);
    expect(context.spent).toBeLessThan(fuel);
  });

  it("pay for the order of keys", () => {
    const members = Array.from({ length: 300 }, (_, index) => `${JSON.stringify("a".repeat(900) + index)}: ${index}`);
    expect(() => callLimited(3_000_000, "yaml.marshal", `{${members.join(", ")}}`)).toThrow(OutOfFuel);
  });
});
