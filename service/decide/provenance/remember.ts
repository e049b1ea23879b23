import { amountsAnywhere, amountsIn } from "./amounts.ts";
import { foldedForm, looseForms, wideText } from "./folding.ts";
import { limits, nameOf } from "./names.ts";
import { looseParties, loosePassengers, looseValues, scan, type Token } from "./tokens.ts";
import { strictWords, trimEnd } from "./words.ts";

/** What to remember of a text. */
export interface Remembered {
  readonly names: readonly string[];
  /** Some of it did not fit: from then on, what is not found may still have been in it. */
  readonly truncated: boolean;
}

/** Text that repeats itself makes few names with much work. */
const madeMax = 131_072;

/**
 * Names under which the values of a text are remembered. Of trusted text: what is there, in strict form. Of untrusted text: the same
 * addresses and numbers, and the skeletons of them, of their hosts and of every word. What tells most comes first, should there be too much.
 */
export function rememberedNames(text: string, origin: "task" | "trusted" | "untrusted"): Remembered {
  const names = new Set<string>();
  const part = text.slice(0, limits.charactersMax);
  const all = origin === "untrusted" ? untrustedNames(part) : trustedNames(part);
  let made = 0;
  for (const name of all) {
    names.add(name);
    made += 1;
    if (names.size > limits.namesMax || made > madeMax) return { names: [...names].slice(0, limits.namesMax), truncated: true };
  }
  return { names: [...names], truncated: part.length < text.length };
}

function* trustedNames(text: string): Generator<string> {
  // Whoever speaks of `report.md` means a file; its words are enough. A host of that name may be anybody's.
  for (const token of scan(text).tokens) if (token.sure) yield* strictNames(token);
  for (const amount of amountsIn(foldedForm(text))) yield nameOf.amount(amount);
  let before: string | null = null;
  for (const word of strictWords(text)) {
    yield nameOf.word(word);
    if (before !== null) yield nameOf.pair(before, word);
    before = word;
  }
}

function* strictNames(token: Token): Generator<string> {
  yield nameOf.value(token.strict);
  if (token.address?.party) yield nameOf.party(token.address.party);
}

function* untrustedNames(text: string): Generator<string> {
  const wide = wideText(text);
  for (const reading of wide === text ? [text] : [text, wide]) {
    for (const token of scan(reading).tokens) {
      yield* strictNames(token);
      yield* skeletons([...looseValues(token), ...looseParties(token), ...(loosePassengers(token) ?? [])]);
    }
  }
  if (text.length <= wholeMax) yield* skeletons(looseForms(text));
  for (const amount of amountsAnywhere(wide)) yield nameOf.untrustedAmount(amount);
  yield* wordSkeletons(wide);
}

/** Texts up to this length are remembered as a whole, too. */
const wholeMax = 200;
const piece = /[\p{L}\p{N}\p{M}]+/gu;
const nameLike = /[\p{Lu}\d]/u;

/** Every run without white space, its pieces, and each two neighbours that look like names (`Evil Chan`, `GB29 NWBK`), which may be joined later. */
function* wordSkeletons(text: string): Generator<string> {
  const chunks = text.match(/\S+/g) ?? [];
  for (const [i, chunk] of chunks.entries()) {
    yield* skeletons(looseForms(chunk));
    const pieces = chunk.match(piece) ?? [];
    if (pieces.length > 1) for (const each of pieces) yield* skeletons(looseForms(each));
    const next = chunks[i + 1];
    if (next !== undefined && nameLike.test(chunk) && nameLike.test(next)) yield* skeletons(looseForms(chunk + next));
  }
  yield* spacedOut(chunks);
}

const short = /^(?:.|[A-Z0-9@.-]{1,4})$/su;
const [runMax, joinedMin] = [40, 6];

/** Values that were written in small groups (`G B 2 9 …`, `12 34 56 78`): each run of short groups, joined. */
function* spacedOut(chunks: readonly string[]): Generator<string> {
  let run: string[] = [];
  for (const chunk of [...chunks, ""]) {
    const bare = trimEnd(chunk, ".,;:");
    if (short.test(bare) && run.length < runMax) run.push(bare);
    else {
      yield* joined(run);
      run = [];
    }
  }
}

/** The run from its start and from its end: a neighbour that happens to be short must not hide it. */
function* joined(run: readonly string[]): Generator<string> {
  if (run.length < 2) return;
  for (let i = 0; i < run.length; i += 1) {
    for (const text of [run.slice(i).join(""), run.slice(0, run.length - i).join("")]) {
      if (text.length >= joinedMin) yield* skeletons(looseForms(text));
    }
  }
}

function* skeletons(forms: readonly string[]): Generator<string> {
  for (const form of forms) if (form !== "") yield nameOf.untrusted(form);
}
