import { isNewer } from "./unicode.ts";

/** Letters of Unicode 15 that have got their other case since. */
const newPairs = /^[\u019b\u0264\ua7d3\ua7d5]$/;
/** Greek letters whose upper case is one letter in Unicode's simple mapping and two in the full one, and the way to the one. */
const greek = /^[\u1f80-\u1faf]$/;
const greekShort = /^[\u1fb3\u1fc3\u1ff3]$/;

/** Whether all characters are ASCII. */
export function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

/** Go's `strings.ToLower`: letter by letter, whatever is around; a byte that is not UTF-8 is U+FFFD, unless all is ASCII. */
export function toLower(text: string): string {
  return isAscii(text) ? text.toLowerCase() : mapLetters(text, (letter) => simple(letter, letter.toLowerCase()));
}

/** Go's `strings.ToUpper`, see {@link toLower}. */
export function toUpper(text: string): string {
  return isAscii(text) ? text.toUpperCase() : mapLetters(text, (letter) => simple(letter, letter.toUpperCase()));
}

function mapLetters(text: string, map: (letter: string) => string): string {
  return text.toWellFormed().replace(/./gsu, map);
}

/** The one letter that Unicode 15 maps a letter to without regard for others. */
function simple(letter: string, mapped: string): string {
  if (mapped === letter || newPairs.test(letter) || isNewer(letter)) return letter;
  if (mapped.length === letter.length) return mapped;
  const code = letter.charCodeAt(0);
  if (greek.test(letter)) return String.fromCharCode(code | 8);
  if (greekShort.test(letter)) return String.fromCharCode(code + 9);
  return letter === "\u0130" ? "i" : letter;
}
