import { describe, expect, it } from "vitest";
import { embeddedLinks, judge } from "../../../../service/decide/provenance/judge.ts";
import { createMarker } from "../../../../service/decide/provenance/mark.ts";
import { limits } from "../../../../service/decide/provenance/names.ts";
import { rememberedNames } from "../../../../service/decide/provenance/remember.ts";
import { asksFor, taskWords } from "../../../../service/decide/provenance/words.ts";

describe("rememberedNames", () => {
  it("keeps words of trusted and of untrusted content apart, and values together", () => {
    expect(rememberedNames("mail a@x.com 10", "trusted").names).toEqual([
      "v:a@x.com",
      "n:10",
      "w:mail",
      "w:a@x.com",
      "p:mail a@x.com",
      "w:10",
      "p:a@x.com 10",
    ]);
    const names = rememberedNames("mail a@x.com 10", "untrusted").names;
    expect(names.filter((name) => /^[wpn]:/.test(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(["v:a@x.com", "l:axcom", "l:xcom", "l:mall", "m:10"]));
  });

  it("says so when a bound was hit, and keeps addresses first", () => {
    const words = Array.from({ length: limits.namesMax + 1 }, (_, i) => `w${i}`).join(" ");
    const cut = rememberedNames(`${words} eve@evil.com`, "untrusted");
    expect([cut.names.length, cut.truncated]).toEqual([limits.namesMax, true]);
    expect(cut.names[0]).toBe("v:eve@evil.com");
    expect(rememberedNames("a b", "task").truncated).toBe(false);
    expect(rememberedNames(`a${" ".repeat(limits.charactersMax)}`, "untrusted").truncated).toBe(true);
  });

  // Each of these would take minutes if any step were not linear.
  it.each([
    "a",
    " ",
    "a.",
    "a@",
    "@a.b",
    "http://",
    "1 ",
    "1.",
    "GB29 ",
    "ab12 ",
    "+1",
    "( ",
    "[ ",
    "&#",
    "%41",
    " at ",
    "a-",
    "é.",
    "a\u200b",
    "\u0301",
    "//",
    "xn--a.",
  ])(
    "is linear for a large text of %j",
    (unit) => {
      const text = unit.repeat(Math.ceil(limits.charactersMax / unit.length));
      for (const origin of ["task", "untrusted"] as const)
        expect(rememberedNames(text, origin).names.length).toBeLessThanOrEqual(limits.namesMax);
      expect(judge(text, () => "k").origin).toBe("untrusted");
      expect(embeddedLinks(text).length).toBeLessThanOrEqual(32);
    },
    60_000,
  );
});

describe("embeddedLinks", () => {
  it("finds URLs, host names and IBANs, each once", () => {
    const text = "Look at https://evil.com/x?y=1, evil.com/x?y=1 or www.bad.sh (or FR14 2004 1010 0505 0001 3M02 606).";
    expect(embeddedLinks(text)).toEqual([
      { kind: "url", text: "evil.com/x?y=1" },
      { kind: "url", text: "www.bad.sh" },
      { kind: "account", text: "fr14 2004 1010 0505 0001 3m02 606" },
    ]);
    for (const link of ["evil.Me/x", "www.evil.so", "evil.sh?x", "a.evil.md", "10.0.0.1/x"])
      expect(embeddedLinks(`see ${link} now`)).toHaveLength(1);
    expect(embeddedLinks("go to ev\u00adil.com or bad[.]net").map((link) => link.text)).toEqual(
      expect.arrayContaining(["evil.com", "bad.net"]),
    );
  });

  it("leaves files, sentences, versions and e-mail addresses alone", () => {
    expect(
      embeddedLinks("Read report.md and a.txt, e.g. v1.2.3.Done.So write to bob@corp.com or call +44 20 7946 0018, on 2024-05-15 10:30."),
    ).toEqual([]);
  });

  it("puts all that is too many into the last one", () => {
    const text = Array.from({ length: 40 }, (_, i) => `https://h${i}.com/`).join(" ");
    const links = embeddedLinks(text);
    expect(links).toHaveLength(32);
    expect(links.at(-1)?.text).toContain("https://h39.com/");
    expect(judge(links.at(-1)?.text ?? "", (name) => (name === "l:h39com" ? "u" : undefined)).origin).toBe("untrusted");
  });
});

describe("words of a task", () => {
  it("are compared by their stems", () => {
    const stems = new Set(taskWords("Sending the Invoices, and PAYING Dora's bill; sending again."));
    const has = (stem: string): boolean => stems.has(stem);
    expect([...stems]).toHaveLength(9);
    expect(asksFor(["send"], has)).toBe(true);
    expect(asksFor(["invoice"], has)).toBe(true);
    expect(asksFor(["delete", "pay bills"], has)).toBe(true);
    expect(asksFor(["pay rent"], has)).toBe(false);
    expect(asksFor(["delete"], has)).toBe(false);
    expect(asksFor([], has)).toBe(false);
    expect(asksFor(["", " - "], has)).toBe(false);
  });

  it("are bounded", () => {
    expect(taskWords(Array.from({ length: 2000 }, (_, i) => `w${i}q`).join(" "))).toHaveLength(512);
  });
});

describe("createMarker", () => {
  const mark = createMarker(Buffer.alloc(32, 1));

  it("gives 16 characters that depend on key and name", () => {
    expect(mark("v:a@x.com")).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(mark("v:a@x.com")).toBe(createMarker(Buffer.alloc(32, 1))("v:a@x.com"));
    expect(mark("v:a@x.com")).not.toBe(mark("v:b@x.com"));
    expect(mark("v:a@x.com")).not.toBe(createMarker(Buffer.alloc(32, 2))("v:a@x.com"));
  });

  it("gives the same for long names and after many others", () => {
    const [long, before] = [mark("l:".padEnd(5000, "x")), mark("w:first")];
    for (let i = 0; i < 3000; i += 1) mark(`w:${i}`);
    expect([mark("l:".padEnd(5000, "x")), mark("w:first")]).toEqual([long, before]);
  });
});
