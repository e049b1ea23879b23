import type { BuiltinContext } from "../builtin.ts";

/** Units for a character that is searched for a short text and for a long one. */
const searchUnits = { short: 0.5, long: 2 } as const;
/** Up to here JavaScript's own search, which may look at each character for each one that is wanted, is fast enough. */
const shortMax = 16;

/** Units for a piece that a text is cut into. */
export const pieceUnits = 20;

/** The pieces of a text between occurrences of another one that is not empty. */
export function* piecesOf(text: string, delimiter: string, context: BuiltinContext): Generator<string> {
  let end = 0;
  for (const offset of occurrences(text, delimiter, context)) {
    context.spend(pieceUnits);
    yield text.slice(end, offset);
    end = offset + delimiter.length;
  }
  yield text.slice(end);
}

/** Where a text that is not empty occurs, by offset, unless said so without overlaps; in linear time. */
export function* occurrences(text: string, wanted: string, context: BuiltinContext, overlapping = false): Generator<number> {
  const isLong = wanted.length > shortMax;
  context.spend(searchUnits[isLong ? "long" : "short"] * (text.length + wanted.length));
  if (isLong) {
    yield* longOccurrences(text, wanted, overlapping);
    return;
  }
  const step = overlapping ? 1 : wanted.length;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + step)) yield at;
}

/** Knuth, Morris and Pratt's search. */
function* longOccurrences(text: string, wanted: string, overlapping: boolean): Generator<number> {
  const borders = bordersOf(wanted);
  let matched = 0;
  for (let at = 0; at < text.length; at++) {
    matched = extend(wanted, borders, matched, text.charCodeAt(at));
    if (matched < wanted.length) continue;
    yield at + 1 - wanted.length;
    matched = overlapping ? (borders[matched - 1] ?? 0) : 0;
  }
}

/** For each start of a text, how long the longest shorter one is that it ends with. */
function bordersOf(text: string): Uint32Array {
  const borders = new Uint32Array(text.length);
  for (let at = 1; at < text.length; at++) borders[at] = extend(text, borders, borders[at - 1] ?? 0, text.charCodeAt(at));
  return borders;
}

/** How much of a text is matched after one character more. */
function extend(text: string, borders: Uint32Array, matched: number, unit: number): number {
  let length = matched;
  while (length > 0 && text.charCodeAt(length) !== unit) length = borders[length - 1] ?? 0;
  return text.charCodeAt(length) === unit ? length + 1 : length;
}
