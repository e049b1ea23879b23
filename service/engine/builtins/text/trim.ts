import type { BuiltinContext } from "../builtin.ts";

/** Says of a character, U+FFFD for a byte that is not UTF-8, whether it is trimmed. */
export type Trimmed = (character: string) => boolean;

/** Units for a character of a cutset. */
const characterUnits = 5;

/** The characters of Go's cutset. */
export function cutset(text: string, context: BuiltinContext): Trimmed {
  context.spend(text.length * characterUnits);
  const characters = new Set(text.toWellFormed());
  return (character) => characters.has(character);
}

const spaces = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

/** Go's `unicode.IsSpace`. */
export const isSpace: Trimmed = (character) => spaces.test(character);

/** Where what is left begins when characters are trimmed in front. */
export function trimmedStart(text: string, trimmed: Trimmed): number {
  let start = 0;
  while (start < text.length) {
    const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
    if (!trimmed(character.toWellFormed())) break;
    start += character.length;
  }
  return start;
}

/** Where what is left ends when characters are trimmed behind. */
export function trimmedEnd(text: string, trimmed: Trimmed): number {
  let end = text.length;
  while (end > 0) {
    const character = lastOf(text, end);
    if (!trimmed(character.toWellFormed())) break;
    end -= character.length;
  }
  return end;
}

function lastOf(text: string, end: number): string {
  const pair = text.slice(Math.max(end - 2, 0), end);
  return (pair.codePointAt(0) ?? 0) > 0xffff ? pair : text.charAt(end - 1);
}
