import { amountsAnywhere, amountsIn } from "./amounts.ts";
import { Effort } from "./effort.ts";
import { boundedStart, foldedForm, isAscii, looseForms, wideText } from "./folding.ts";
import { limits, nameOf } from "./names.ts";
import { looseParties, loosePassengers, looseValues, scan, type Token } from "./tokens.ts";
import { eachWord, trimEnd } from "./words.ts";

/** What to remember of a text. */
export interface Remembered {
  readonly names: readonly string[];
  /** Some of it did not fit: from then on, what is not found may still have been in it. */
  readonly truncated: boolean;
}

/**
 * Names under which the values of a text are remembered. Of trusted text: what is there, in strict form. Of untrusted text: the same
 * addresses and numbers, and the skeletons of them, of their hosts and of every word. What tells most comes first, should there be too much.
 * Who reads several texts hands on what is left of the room and of one `effort`; when either is used up, no more is done.
 */
export function rememberedNames(
  text: string,
  origin: "task" | "trusted" | "untrusted",
  namesMax: number = limits.namesMax,
  effort = new Effort(limits.workMax),
): Remembered {
  if (effort.isSpent) return { names: [], truncated: true };
  const names = new Set<string>();
  const most = Math.min(namesMax, limits.namesMax);
  const part = boundedStart(text, limits.scannedMax);
  effort.spend(costOf(part));
  let complete = part.length === text.length;
  for (const name of origin === "untrusted" ? untrustedNames(part, effort) : trustedNames(part, effort)) {
    if (name === null) complete = false;
    else if (names.size < most || names.has(name)) names.add(name);
    else return { names: [...names], truncated: true };
  }
  return { names: [...names], truncated: !complete || effort.isSpent };
}

/** Names one after the other; null: something was left out. */
type Names = Generator<string | null>;

const [textUnits, nameUnits] = [10, 3];

/** Units of reading a text, or of making its skeleton. */
function costOf(text: string): number {
  return isAscii(text) ? textUnits + text.length : 2 * textUnits + 2 * text.length;
}

function* trustedNames(text: string, effort: Effort): Names {
  const { tokens, partial } = scan(text, effort);
  // Whoever speaks of `report.md` means a file; its words are enough. A host of that name may be anybody's.
  for (const token of tokens) if (token.sure) yield nameOf.value(token.strict);
  if (partial) yield null;
  for (const amount of amountsIn(foldedForm(text))) {
    if (!effort.spend(nameUnits)) return;
    yield nameOf.amount(amount);
  }
  let before: string | null = null;
  for (const word of eachWord(text)) {
    if (!effort.spend(2 * nameUnits)) return;
    yield nameOf.word(word);
    if (before !== null) yield nameOf.pair(before, word);
    before = word;
  }
}

function* untrustedNames(text: string, effort: Effort): Names {
  const wide = wideText(text);
  for (const reading of wide === text ? [text] : [text, wide]) {
    const { tokens, partial } = scan(reading, effort);
    for (const token of tokens) yield* tokenNames(token, effort);
    if (partial) yield null;
  }
  if (text.length <= wholeMax) yield* skeletons(text, effort);
  for (const amount of amountsAnywhere(wide)) {
    if (!effort.spend(nameUnits)) return;
    yield nameOf.untrustedAmount(amount);
  }
  yield* wordSkeletons(wide, effort);
}

function* tokenNames(token: Token, effort: Effort): Names {
  yield nameOf.value(token.strict);
  if (!effort.spend(costOf(token.text))) return;
  const passengers = loosePassengers(token);
  for (const form of [...looseValues(token), ...looseParties(token), ...(passengers ?? [])]) {
    if (!effort.spend(isAscii(form) ? textUnits : costOf(form))) return;
    if (form !== "") yield nameOf.untrusted(form);
  }
  if (passengers === null) yield null;
}

/** Texts up to this length are remembered as a whole, too. */
const wholeMax = 200;
const piece = /[\p{L}\p{N}\p{M}]+/gu;
const nameLike = /[\p{Lu}\d]/u;

/** Every run without white space, its pieces, and each two neighbours that look like names (`Evil Chan`, `GB29 NWBK`), which may be joined later. */
function* wordSkeletons(text: string, effort: Effort): Generator<string> {
  const chunks = text.match(/\S+/g) ?? [];
  for (const [i, chunk] of chunks.entries()) {
    if (effort.isSpent) return;
    yield* skeletons(chunk, effort);
    const pieces = chunk.match(piece) ?? [];
    if (pieces.length > 1) for (const each of pieces) yield* skeletons(each, effort);
    const next = chunks[i + 1];
    if (next !== undefined && nameLike.test(chunk) && nameLike.test(next)) yield* skeletons(chunk + next, effort);
  }
  yield* spacedOut(chunks, effort);
}

const short = /^(?:.|[A-Z0-9@.-]{1,4})$/su;
const [runMax, joinedMin] = [40, 6];

/** Values that were written in small groups (`G B 2 9 …`, `12 34 56 78`): each run of short groups, joined. */
function* spacedOut(chunks: readonly string[], effort: Effort): Generator<string> {
  let run: string[] = [];
  for (const chunk of [...chunks, ""]) {
    if (!effort.spend(nameUnits)) return;
    const bare = trimEnd(chunk, ".,;:");
    if (short.test(bare) && run.length < runMax) run.push(bare);
    else {
      yield* joined(run, effort);
      run = [];
    }
  }
}

/** The run from its start and from its end: a neighbour that happens to be short must not hide it. */
function* joined(run: readonly string[], effort: Effort): Generator<string> {
  if (run.length < 2) return;
  for (let i = 0; i < run.length; i += 1) {
    for (const text of [run.slice(i).join(""), run.slice(0, run.length - i).join("")]) {
      if (text.length >= joinedMin) yield* skeletons(text, effort);
    }
  }
}

function* skeletons(text: string, effort: Effort): Generator<string> {
  if (!effort.spend(costOf(text))) return;
  for (const form of looseForms(text)) if (form !== "") yield nameOf.untrusted(form);
}
