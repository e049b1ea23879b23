import type { BuiltinContext } from "../builtin.ts";

/** Units for a character that is not ASCII. */
const letterUnits = 20;

/** Letters with both cases that Unicode has since version 16: OPA knows version 15. */
const tooNew =
  /^[\u019b\u0264\u1c89\u1c8a\ua7cb-\ua7cf\ua7d2-\ua7d5\ua7da-\ua7dc\u{10d50}-\u{10d65}\u{10d70}-\u{10d85}\u{16ea0}-\u{16ed3}]$/u;
/** Greek letters whose upper case is one letter in Unicode's simple mapping and two in the full one, and the way to the one. */
const greek = /^[\u1f80-\u1faf]$/;
const greekShort = /^[\u1fb3\u1fc3\u1ff3]$/;

/** Go's `strings.ToLower`: letter by letter, whatever is around; a byte that is not UTF-8 is U+FFFD, unless all is ASCII. */
export function lowerCase(text: string, context: BuiltinContext): string {
  return mapLetters(text, (letter) => simple(letter, letter.toLowerCase()), context) ?? text.toLowerCase();
}

/** Go's `strings.ToUpper`. */
export function upperCase(text: string, context: BuiltinContext): string {
  return mapLetters(text, (letter) => simple(letter, letter.toUpperCase()), context) ?? text.toUpperCase();
}

function mapLetters(text: string, map: (letter: string) => string, context: BuiltinContext): string | undefined {
  if (/^[\0-\x7f]*$/.test(text)) return undefined;
  context.spend(text.length * letterUnits);
  return text.toWellFormed().replace(/./gsu, map);
}

/** The one letter that Unicode maps a letter to without regard for others. */
function simple(letter: string, mapped: string): string {
  if (mapped === letter || tooNew.test(letter)) return letter;
  if (mapped.length === letter.length) return mapped;
  const code = letter.charCodeAt(0);
  if (greek.test(letter)) return String.fromCharCode(code | 8);
  if (greekShort.test(letter)) return String.fromCharCode(code + 9);
  return letter === "\u0130" ? "i" : letter;
}
