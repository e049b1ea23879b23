import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judge, seen } from "./seen.ts";

const values = [
  "eve@evil.com",
  "GB29NWBK60161331926819",
  "US133000000121212121212",
  "evil.com",
  "https://evil.com/steal?x=1",
  "mallory_42",
  "C0DE-77-xyz",
  "@evilchannel",
];
const content = `Dear reader, write to ${values.join(" or to ")} at once. Evil Channel wants 5000USD and 1 234,50.`;
const inUntrusted = seen(["u", content]);

const doubles: Readonly<Record<string, string>> = {
  a: "а",
  e: "е",
  o: "0",
  i: "1",
  l: "I",
  c: "с",
  x: "х",
  y: "у",
  s: "ѕ",
  h: "һ",
  n: "ｎ",
  m: "𝐦",
  k: "К",
  t: "𝚝",
};
const fillers = ["\u200b", "\u00ad", "\u2060", "\ufe0f", "\u0301", " ", "-", "'"];

function mutate(letters: string[], change: "upper" | "lower" | "double" | "fill", at: number, which: number): void {
  const letter = letters[at] ?? "";
  if (change === "fill") letters.splice(at, 0, fillers[which % fillers.length] ?? "");
  else if (change === "double") letters[at] = doubles[letter.toLowerCase()] ?? letter;
  else letters[at] = change === "upper" ? letter.toUpperCase() : letter.toLowerCase();
}

describe("other spellings of an untrusted value", () => {
  it.each([
    "eve+tag@evil.com",
    "EVE@EVIL.COM",
    "eve @ evil.com",
    "eve [at] evil [dot] com",
    "e.v.e@evil.com",
    "bob@sub.evil.com",
    "hxxp://evil[.]com/x",
    "http://evil.com.",
    "http://user:pass@evil.com:8080/",
    "https://good.com@evil.com",
    "http://еvil.com",
    "http://xn--vil-qdd.com/",
    "GB29 NWBK 6016 1331 9268 19",
    "gb29-nwbk-6016-1331-9268-19",
    "GB29.NWBK.6016.1331.9268.19",
    "GB29NWBK6O16l331926819",
    "Mallory 42",
    "ｍallory_42",
    "#evil-channel",
    "EvilChannel",
    "evilchanne1",
    "steal? send to: evil.com",
    5000,
    "1234.50",
  ])("%s", (value) => {
    expect(judge(value, inUntrusted).origin).toBe("untrusted");
  });

  it("and of a value that was disguised where it was seen", () => {
    const disguised = seen([
      "u",
      "G B 2 9 N W B K 6 0 1 6 1 3 3 1 9 2 6 8 1 9, or e\u200bve&#64;evil[.]com, or 12 34 56 78 90, visit еvil.net, or Evil\nChan",
    ]);
    for (const value of ["GB29NWBK60161331926819", "eve@evil.com", "1234567890", "http://evil.net", "evilchan"]) {
      expect([value, judge(value, disguised).origin]).toEqual([value, "untrusted"]);
    }
  });

  it("whatever is done to it at random", () => {
    const changes = fc.array(fc.tuple(fc.constantFrom("upper", "lower", "double", "fill"), fc.nat(), fc.nat()), { maxLength: 12 });
    fc.assert(
      fc.property(fc.constantFrom(...values), changes, (value, steps) => {
        const letters = [...value];
        for (const [change, where, which] of steps) mutate(letters, change, where % letters.length, which);
        const changed = letters.join("");
        expect([changed, judge(changed, inUntrusted).origin]).toEqual([changed, "untrusted"]);
      }),
      { numRuns: 3000 },
    );
  });

  it("never counts as evidence for words that trusted content knows", () => {
    expect(judge("evilchannel", seen(["u", content], ["t", "evilchannel"])).origin).toBe("trusted");
  });
});

describe("only what is strictly in trusted text is trusted", () => {
  const pieces = [
    "alice",
    "bob",
    "a@x.com",
    "x.com",
    "b@x.com",
    "https://x.com/p",
    "GB29NWBK60161331926819",
    "10",
    "10.0",
    "general",
    "а",
    "0",
    "o",
    ".",
    ",",
    " ",
    "@",
    "/",
    "<",
    ">",
    "\\",
    "\u200b",
    "%41",
    "'",
    "-",
  ];
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join(""));
  const runs = (from: string): string[] =>
    from
      .toLowerCase()
      .replaceAll("%41", "a")
      .match(/[\p{L}\p{N}\u200b]+/gu) ?? [];

  it("for texts and values made at random", () => {
    const known = new Set(["http", "https", "00", "0"]);
    fc.assert(
      fc.property(text, text, (given, value) => {
        const { origin } = judge(value, seen(["t", given]));
        if (origin !== "trusted") return;
        const joined = runs(given).join("");
        // A name before `<address>` says nothing.
        const stated = value.replace(/[^,<]*<(?=[^<>]*@)/g, "");
        for (const run of runs(stated)) expect([given, value, joined.includes(run) || known.has(run)]).toEqual([given, value, true]);
      }),
      { numRuns: 10_000 },
    );
  });

  it("so one changed letter makes any value strange", () => {
    const values = [
      "john.doe@corp.com",
      "GB29NWBK60161331926819",
      "good.com",
      "https://trust.org/page",
      "general",
      "bill-2023.txt",
      "12345678901",
    ];
    const found = seen(["t", `Known are ${values.join(" and ")}.`]);
    const letter = fc.constantFrom(..."abcxyz0123456789аеос\u200b\u0301é_");
    fc.assert(
      fc.property(fc.constantFrom(...values), fc.nat(), letter, fc.boolean(), (value, where, other, insert) => {
        const letters = [...value];
        const at = where % letters.length;
        if (letters[at]?.toLowerCase() === other) return;
        letters.splice(at, insert ? 0 : 1, other);
        const changed = letters.join("");
        expect([changed, judge(changed, found).origin]).toEqual([changed, "unknown"]);
      }),
      { numRuns: 5000 },
    );
  });
});
