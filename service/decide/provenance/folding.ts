import { plainLook } from "./confusables.ts";

const beyondAscii = /[\u0080-\uffff]/;
const ignorable = /\p{Default_Ignorable_Code_Point}/gu;
const marks = /[\p{M}\p{Default_Ignorable_Code_Point}]/gu;
const notAlphanumeric = /[^\p{L}\p{N}]+/gu;
const notAsciiAlphanumeric = /[^a-z0-9]+/g;

/** Whether the text has only ASCII, for which most Unicode work can be left out. */
export function isAscii(text: string): boolean {
  return !beyondAscii.test(text);
}

const block = 1024;

/** The start of a text: at most `max` characters, and no more when normalised (one character can become eighteen). */
export function boundedStart(text: string, max: number): string {
  const start = text.slice(0, max);
  if (isAscii(start)) return start;
  let room = max;
  for (let from = 0; from < start.length; from += block) {
    room -= start.slice(from, from + block).normalize("NFKC").length;
    if (room < 0) return start.slice(0, from);
  }
  return start;
}

// Characters whose compatibility form holds one of `/ ? # @ : \ .`-like signs: normalising them would move the borders of an address.
const breaksAddresses =
  /[^\u2024-\u2026\u2100\u2101\u2105\u2106\u2a74\ufe13\ufe16\ufe19\ufe30\ufe52\ufe55\ufe56\ufe5f\ufe68\ufe6b\uff03\uff0e\uff0f\uff1a\uff1f\uff20\uff3c]+/g;

/** Case and Unicode compatibility forms made one (NFKC); look-alikes stay different. */
export function foldedForm(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  return text.replace(breaksAddresses, (part) => part.normalize("NFKC")).toLowerCase();
}

/**
 * The skeletons of a text: letters and digits only, look-alikes (UTS #39) made one, accents and invisible characters gone. There is more
 * than one when upper and lower case of a letter look like different letters (Greek `Ν` like N, `ν` like v). Texts are alike when they share one.
 */
export function looseForms(text: string): readonly string[] {
  if (isAscii(text)) return [collapse(text.toLowerCase().replace(notAsciiAlphanumeric, ""))];
  const plain = text.normalize("NFKD").replace(marks, "");
  const [asWritten, asLower] = [skeleton(plain), skeleton(plain.toLowerCase())];
  return asWritten === asLower ? [asWritten] : [asWritten, asLower];
}

const notAscii = /[\u0080-\u{10ffff}]/gu;

function skeleton(text: string): string {
  const looks = text.replace(notAscii, plainLook).toLowerCase();
  // Lower case can bring a mark of its own (İ).
  return collapse(looks.replace(notAlphanumeric, ""));
}

const alike = /[01i]|rn|vv/g;
const alikeLooks: Readonly<Record<string, string>> = { "0": "o", "1": "l", i: "l", rn: "m", vv: "w" };

function collapse(text: string): string {
  return text.replace(alike, (part) => alikeLooks[part] ?? part);
}

const disguise = /[^ -~]|&#|\[|\(|\{|<|hxx|[ _-](?:at|dot)[ _-]| @|@ | \. /i;
const bracketed = / ?[[({<] ?(dot|at|\.|@|:|\/|:\/\/) ?[\])}>] ?/gi;
const spelled = /[ _-](dot|at)[ _-]/gi;
const entity = /&#(x[0-9a-f]{1,6}|\d{1,7});/gi;

/**
 * The text as somebody reads it who wants to understand it: without invisible characters, compatibility forms and HTML character references
 * resolved, and "defanged" addresses whole again (`hxxp://evil[.]com`, `eve at evil dot com`). Only for finding what is not to be trusted.
 */
export function wideText(text: string): string {
  if (!disguise.test(text)) return text;
  const visible = isAscii(text) ? text : text.replace(ignorable, "").normalize("NFKC");
  return visible
    .replace(entity, (whole, point: string) => characterOf(point) ?? whole)
    .replace(/\s+/g, " ")
    .replace(/hxxp/gi, "http")
    .replace(bracketed, (_, sign: string) => signOf(sign))
    .replace(spelled, (_, sign: string) => signOf(sign))
    .replace(/ ?@ ?/g, "@")
    .replace(/ \. /g, ".");
}

function signOf(sign: string): string {
  const word = sign.toLowerCase();
  if (word === "dot") return ".";
  return word === "at" ? "@" : sign;
}

function characterOf(reference: string): string | undefined {
  const point = /^x/i.test(reference) ? Number.parseInt(reference.slice(1), 16) : Number.parseInt(reference, 10);
  return point <= 0x10ffff ? String.fromCodePoint(point) : undefined;
}
