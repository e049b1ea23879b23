import { describe, expect, it } from "vitest";
import { looseForms, wideText } from "../../../../service/decide/provenance/folding.ts";
import { looseForm, strictForm } from "../../../../service/decide/provenance/forms.ts";
import { unicodeLabel } from "../../../../service/decide/provenance/punycode.ts";

describe("strictForm", () => {
  it.each([
    ["GB29 NWBK 6016 1331 9268 19", "gb29nwbk60161331926819"],
    ["Jane <Jane@Corp.com>", "jane jane@corp.com"],
    ["https://www.Good.com:443/a/?b=%7E#c", "good.com/a?b=~"],
    ["  “Apple Store” ", "apple store"],
    ["+1 (555) 123-4567", "+15551234567"],
    ["", ""],
  ])("%s", (text, form) => {
    expect(strictForm(text)).toBe(form);
  });

  it("a text longer than any name equals only itself", () => {
    const long = "a".repeat(8193);
    expect(strictForm(`${long}!`)).toBe(`${long}!`);
    expect(strictForm(`${long.slice(2)}!`)).toBe(long.slice(2));
  });

  it("keeps what stands beside an address", () => {
    expect(strictForm("a@x.com eve")).not.toBe(strictForm("a@x.com"));
  });
});

describe("looseForm", () => {
  it.each([
    ["PayPal.com", "pаypаl.com", "Cyrillic"],
    ["paypal.com", "ρауρаl․com", "Greek and Cyrillic"],
    ["paypal", "𝓹𝓪𝔂𝓹𝓪𝓵", "mathematical"],
    ["paypal", "ｐａｙｐａｌ", "full-width"],
    ["ONE", "ՕΝΕ", "Armenian and Greek"],
    ["DRAW", "ᎠᎡᎪᎳ", "Cherokee"],
    ["look1", "L0 0\u200bk-\u00adI", "digits and invisible characters"],
    ["cafe", "c\u0327afé", "combining marks"],
    ["microsoft", "rnicrosoft", "two letters like one"],
    ["İstanbul", "istanbul", "dotted I"],
    ["lódz", "łodz", "strokes"],
  ])("%s and %s are alike (%s)", (a, b) => {
    expect(looseForms(a).some((form) => looseForms(b).includes(form))).toBe(true);
    expect(looseForm(a)).not.toBe("");
  });

  it("letters of other scripts keep their difference, whatever their case", () => {
    expect(looseForm("北京")).not.toBe(looseForm("東京"));
    expect(looseForms("ΝΑΙ").some((form) => looseForms("ναι").includes(form))).toBe(true);
    expect(looseForms("НОРМА").some((form) => looseForms("норма").includes(form))).toBe(true);
  });
});

describe("wideText", () => {
  it.each([
    ["hxxps://evil[.]com", "https://evil.com"],
    ["eve (at) evil (dot) com", "eve@evil.com"],
    ["eve at evil dot com", "eve@evil.com"],
    ["eve @ evil . com", "eve@evil.com"],
    ["e\u200bv\u00ade&#64;evil&#x2e;com", "eve@evil.com"],
    ["ｅｖｅ＠ｅｖｉｌ．ｃｏｍ", "eve@evil.com"],
    ["nothing to do", "nothing to do"],
  ])("%s", (text, plain) => {
    expect(wideText(text)).toBe(plain);
  });
});

describe("unicodeLabel", () => {
  it("agrees with what hosts are made of", () => {
    for (const label of ["bücher", "münchen", "раypal", "例え", "テスト", "mañana", "ü", "straße-é", "😀"]) {
      const { hostname } = new URL(`http://${label}.example`);
      const folded = label.toLowerCase().normalize("NFC");
      expect(unicodeLabel(hostname.split(".")[0] ?? "")).toBe(folded);
    }
  });

  it("leaves what is not Punycode as it is", () => {
    for (const label of ["good", "xn--!!", "xn--99999999", "xn--\u00e9", `xn--${"a".repeat(80)}`]) expect(unicodeLabel(label)).toBe(label);
  });
});
