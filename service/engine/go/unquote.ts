import { textOf } from "../value/bytes.ts";

const simpleEscapes: ReadonlyMap<string, number> = new Map([
  ["a", 7],
  ["b", 8],
  ["f", 12],
  ["n", 10],
  ["r", 13],
  ["t", 9],
  ["v", 11],
  ["\\", 92],
]);

const character = /\\(?:x([0-9A-Fa-f]{2})|([0-7]{3})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([abfnrtv\\'"]))|[^\\\n]/uy;

/** Go's `strconv.Unquote` of a string in `"` or in backquotes; undefined for what Go would not take. */
export function unquote(quoted: string): string | undefined {
  const inner = quoted.slice(1, -1);
  // Go takes carriage returns out of raw strings.
  if (quoted.startsWith("`")) return inner.replaceAll("\r", "");
  if (/^[^\\\n"]*$/.test(inner)) return inner.toWellFormed();
  const parts: Buffer[] = [];
  for (let at = 0; at < inner.length; at = character.lastIndex) {
    const part = partAt(inner, at, '"');
    if (part === undefined) return undefined;
    parts.push(part.bytes);
  }
  return textOf(Buffer.concat(parts));
}

/** The code point of a Go character constant such as `'a'`; undefined for what Go would not take. */
export function unquoteCharacter(quoted: string): number | undefined {
  const inner = quoted.slice(1, -1);
  const part = partAt(inner, 0, "'");
  return part === undefined || character.lastIndex !== inner.length ? undefined : part.code;
}

interface Part {
  readonly code: number;
  readonly bytes: Buffer;
}

/** The character or escape at a place; `character.lastIndex` is behind it then. */
function partAt(text: string, at: number, quote: string): Part | undefined {
  character.lastIndex = at;
  const [whole, hex, octal, short, long, simple] = character.exec(text) ?? [];
  if (whole === undefined || whole === quote) return undefined;
  if (hex !== undefined) return byteOf(Number.parseInt(hex, 16));
  if (octal !== undefined) return byteOf(Number.parseInt(octal, 8));
  const rune = short ?? long;
  if (rune !== undefined) return runeOf(Number.parseInt(rune, 16));
  if (simple === undefined) return plainOf(whole);
  if (simple === "'" || simple === '"') return simple === quote ? plainOf(simple) : undefined;
  return byteOf(simpleEscapes.get(simple) ?? 0);
}

function byteOf(code: number): Part | undefined {
  return code > 0xff ? undefined : { code, bytes: Buffer.of(code) };
}

function runeOf(code: number): Part | undefined {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return { code, bytes: Buffer.from(String.fromCodePoint(code)) };
}

/** A byte that is not UTF-8 becomes a replacement character. */
function plainOf(text: string): Part {
  const known = text.toWellFormed();
  return { code: known.codePointAt(0) ?? 0, bytes: Buffer.from(known) };
}
