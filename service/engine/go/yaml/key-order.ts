import { isDigit, isLetter } from "../unicode.ts";

/** The order of keys in which Go's yaml writes a mapping: numbers in them count as numbers, letters come last. */
export function compareKeys(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  let place = 0;
  while (place < x.length && place < y.length && x[place] === y[place]) place++;
  const [p, q] = [x[place], y[place]];
  if (p === undefined || q === undefined) return x.length - y.length;
  const [letterP, letterQ] = [isLetter(p), isLetter(q)];
  if (letterP && letterQ) return codeOf(p) - codeOf(q);
  if (letterP || letterQ) return letterP === isDigit(x[place - 1] ?? "") ? -1 : 1;
  return compareNumbers(x, y, place) || codeOf(p) - codeOf(q);
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}

/** By the numbers that begin there; a 0 behind other digits is no leading 0. */
function compareNumbers(x: readonly string[], y: readonly string[], place: number): number {
  const start = (x[place] === "0" || y[place] === "0") && digitsBefore(x, place) ? 1n : 0n;
  const [m, n] = [numberAt(x, place, start), numberAt(y, place, start)];
  if (m.value !== n.value) return m.value < n.value ? -1 : 1;
  return m.end - n.end;
}

function digitsBefore(characters: readonly string[], place: number): boolean {
  let at = place - 1;
  while (at >= 0 && characters[at] === "0") at--;
  return isDigit(characters[at] ?? "");
}

/** Ten to so many is 0 in 64 bits: only that many digits count. */
const digitsMax = 64;

/** 64 bits, as Go has them when they overflow. */
function numberAt(characters: readonly string[], place: number, start: bigint): { readonly value: bigint; readonly end: number } {
  let end = place;
  while (isDigit(characters[end] ?? "")) end++;
  const digits = characters.slice(Math.max(place, end - digitsMax), end);
  const value = digits.reduce((sum, digit) => sum * 10n + BigInt(codeOf(digit) - 0x30), start);
  return { value: BigInt.asIntN(64, value), end };
}
