import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { Effort } from "../../../../service/decide/provenance/effort.ts";
import { embeddedLinks } from "../../../../service/decide/provenance/judge.ts";
import { createMarker } from "../../../../service/decide/provenance/mark.ts";
import { limits } from "../../../../service/decide/provenance/names.ts";
import { rememberedNames } from "../../../../service/decide/provenance/remember.ts";
import { asksFor, taskWords } from "../../../../service/decide/provenance/words.ts";
import { judge } from "./seen.ts";

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
      expect(embeddedLinks(text).links.length).toBeLessThanOrEqual(32);
    },
    60_000,
  );
});

describe("embeddedLinks", () => {
  it("finds URLs, host names and IBANs, each once", () => {
    const text = "Look at https://evil.com/x?y=1, evil.com/x?y=1 or www.bad.sh (or FR14 2004 1010 0505 0001 3M02 606).";
    expect(embeddedLinks(text)).toEqual({
      links: [
        { kind: "url", text: "evil.com/x?y=1" },
        { kind: "url", text: "www.bad.sh" },
        { kind: "account", text: "fr14 2004 1010 0505 0001 3m02 606" },
      ],
      partial: false,
    });
    for (const link of ["evil.Me/x", "www.evil.so", "evil.sh?x", "a.evil.md", "10.0.0.1/x"])
      expect(embeddedLinks(`see ${link} now`).links).toHaveLength(1);
    expect(embeddedLinks("go to ev\u00adil.com or bad[.]net").links.map((link) => link.text)).toEqual(
      expect.arrayContaining(["evil.com", "bad.net"]),
    );
  });

  it("leaves files, sentences, versions and e-mail addresses alone", () => {
    expect(
      embeddedLinks("Read report.md and a.txt, e.g. v1.2.3.Done.So write to bob@corp.com or call +44 20 7946 0018, on 2024-05-15 10:30."),
    ).toEqual({ links: [], partial: false });
  });

  it("puts all that is too many into the last one", () => {
    const text = Array.from({ length: 40 }, (_, i) => `https://h${i}.com/`).join(" ");
    const { links, partial } = embeddedLinks(text);
    expect(partial).toBe(false);
    expect(links).toHaveLength(32);
    expect(links.at(-1)?.text).toContain("https://h39.com/");
    expect(judge(links.at(-1)?.text ?? "", (name) => (name === "l:h39com" ? "u" : undefined)).origin).toBe("untrusted");
  });
});

describe("work", () => {
  const hosts = (count: number, ending: string): string => Array.from({ length: count }, (_, i) => `h${i}.${ending}`).join(" ");

  /** How many URLs are read meanwhile. */
  function urlsRead(work: () => void): number {
    let count = 0;
    class CountedUrl extends URL {
      constructor(text: string) {
        super(text);
        count += 1;
      }
    }
    vi.stubGlobal("URL", CountedUrl);
    work();
    vi.unstubAllGlobals();
    return count;
  }

  it("remembers no more names than there is room for", () => {
    const text = "a1 b2 c3 d4";
    const { names } = rememberedNames(text, "trusted");
    expect(rememberedNames(text, "trusted", names.length)).toEqual({ names, truncated: false });
    expect(rememberedNames(text, "trusted", names.length - 1)).toEqual({ names: names.slice(0, -1), truncated: true });
    expect(rememberedNames(text, "untrusted", 0)).toEqual({ names: [], truncated: true });
    expect(rememberedNames("a b a", "trusted", 4)).toMatchObject({ truncated: false });
    expect(rememberedNames("a b a b a b", "trusted", 4)).toMatchObject({ truncated: false });
    expect(rememberedNames("", "untrusted", 0)).toEqual({ names: [], truncated: false });
    expect(rememberedNames(hosts(4000, "com"), "task", 1_000_000).names).toHaveLength(limits.namesMax);
  });

  it.each(["com", "ж"])("of one text with many hosts is bounded (%s)", (ending) => {
    const text = hosts(20_000, ending);
    const read = urlsRead(() => expect(rememberedNames(text, "untrusted").truncated).toBe(true));
    expect(read).toBe(2048);
  });

  it("says so when a URL holds more hosts than are looked at", () => {
    const inside = (count: number): string => `https://x.org/?${Array.from({ length: count }, (_, i) => `h${i}.com`).join(",")}`;
    expect(rememberedNames(inside(64), "untrusted").truncated).toBe(false);
    expect(rememberedNames(inside(65), "untrusted").truncated).toBe(true);
  });

  it("of many texts is bounded together", () => {
    const effort = new Effort(limits.workMax);
    let truncated = 0;
    const urls = urlsRead(() => {
      for (let i = 0; i < 20_000; i += 1) truncated += rememberedNames(`row${i}.com`, "untrusted", 4096, effort).truncated ? 1 : 0;
    });
    expect(urls).toBeGreaterThan(500);
    expect(urls).toBeLessThan(8000);
    expect(20_000 - truncated).toBe(urls - 1);
    // The same values again and again make no new names, but work.
    const again = new Effort(limits.workMax);
    expect(
      urlsRead(() => Array.from({ length: 20_000 }, () => rememberedNames("a.b.example.com x@y.org", "untrusted", 4096, again))),
    ).toBeLessThan(8000);
    expect(again.isSpent).toBe(true);
    const blank = new Effort(limits.workMax);
    const read = Array.from({ length: 20 }, () => rememberedNames(" ".repeat(limits.scannedMax), "untrusted", 4096, blank)).filter(
      (each) => !each.truncated,
    );
    expect(read).toHaveLength(4);
  });

  it("is not begun when the effort is spent, and what is left out is said", () => {
    const effort = new Effort(1);
    expect(rememberedNames("eve@evil.com", "untrusted", 10, effort)).toEqual({ names: [], truncated: true });
    expect(effort.spend(0)).toBe(false);
    expect(rememberedNames("", "untrusted", 10, effort).truncated).toBe(true);
  });

  it("ends with the text that can be looked at, however long it is when normalised", () => {
    const far = (filler: string, count: number) => rememberedNames(`${filler.repeat(count)} eve@evil.com`, "untrusted");
    expect(far(" ", limits.scannedMax - 20)).toMatchObject({ truncated: false, names: expect.arrayContaining(["v:eve@evil.com"]) });
    for (const { names, truncated } of [far(" ", limits.scannedMax), far("\ufdfa", limits.scannedMax / 16)]) {
      expect(truncated).toBe(true);
      expect(names).not.toContain("v:eve@evil.com");
    }
  });

  it("leaves nothing out of what is a link in some disguise", () => {
    const pieces = [
      "evil",
      "com",
      "a",
      "GB29",
      "NWBK 6016 1331 9268 19",
      "29",
      " ",
      " . ",
      ".",
      ":",
      "//",
      "@",
      "[",
      "]",
      "(",
      ")",
      " dot ",
      "_AT_",
    ];
    const text = fc.array(fc.constantFrom(...pieces, " at ", "hxxp", "http", "javascript", "data", "&#46;", "Dot", "-", "/"), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(text, (parts) => {
        // A sign outside ASCII makes sure that it is looked at closely.
        const plain = parts.join("").replace(/ +/g, " ").trim();
        expect(embeddedLinks(plain).links).toEqual(embeddedLinks(`\u00e9,${plain}`).links);
      }),
      { numRuns: 2000, examples: [[["hxxp", ":", " at ", "29"]]] },
    );
  });

  it("of links in a long text is bounded, and says that there may be more", () => {
    const text = `${"1 ".repeat(16_384)}https://evil.com/x`;
    expect(embeddedLinks(text)).toEqual({ links: [], partial: true });
    expect(embeddedLinks(text.slice(100))).toEqual({ links: [{ kind: "url", text: "https://evil.com/x" }], partial: false });
    expect(embeddedLinks("\ufdfa".repeat(2000)).partial).toBe(true);
    const same = (count: number) => embeddedLinks("a.ж ".repeat(count));
    expect(same(2047)).toEqual({ links: [{ kind: "url", text: "a.ж" }], partial: false });
    expect(same(2049)).toEqual({ links: [{ kind: "url", text: "a.ж" }], partial: true });
    expect(urlsRead(() => same(100_000))).toBe(2048);
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
    expect(taskWords(`pay ${" ".repeat(32_768)}late`)).toEqual(["pai"]);
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

  it("is HMAC-SHA256 cut short, whatever key and name", () => {
    const right = (key: Uint8Array, name: string) => createHmac("sha256", key).update(name).digest("base64url").slice(0, 16);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.string({ unit: "binary" }), (key, name) => {
        expect(createMarker(Buffer.from(key))(name)).toBe(right(key, name));
      }),
    );
    const [key, ...names] = [Buffer.alloc(32, 1), "\ud800x", "", "\u20ac".repeat(1024), "\u20ac".repeat(1025), "x".repeat(5000)];
    for (const name of names) expect(mark(name)).toBe(right(key, name));
    for (const bytes of [64, 65, 200]) expect(createMarker(Buffer.alloc(bytes, 3))("x")).toBe(right(Buffer.alloc(bytes, 3), "x"));
  });

  it("gives the same for long names and after many others", () => {
    const [long, before] = [mark("l:".padEnd(5000, "x")), mark("w:first")];
    for (let i = 0; i < 3000; i += 1) mark(`w:${i}`);
    expect([mark("l:".padEnd(5000, "x")), mark("w:first")]).toEqual([long, before]);
  });
});
