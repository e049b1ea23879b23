import { stemmer } from "stemmer";
import { boundedStart, foldedForm } from "./folding.ts";

const apostrophe = /[\u2018\u2019]/g;
const word = /[^\s,;"()[\]{}<>|=`\u201c-\u201e\u00ab\u00bb]+/g;
const leading = /^[@#:!?*$€£¥']+/;
const onlySigns = /^[!-/:-@[-^`{-~]*$/;
const trailingSigns = ".:!?*…'";
const possessive = /(?<=.)'s$/;

/**
 * The words of a text in strict form. White space, commas, quotes, brackets and `=` divide words; signs around one and a possessive `'s` are
 * dropped (`@alice`, `#general`, `"Spotify",`, `Dora's`); signs inside a word count (`john.doe`, `a-1_b`).
 */
export function strictWords(text: string): string[] {
  return [...eachWord(text)];
}

/** The same one after the other. */
export function* eachWord(text: string): Generator<string> {
  for (const [found] of foldedForm(text).replace(apostrophe, "'").matchAll(word)) {
    const bare = trimEnd(found.replace(leading, ""), trailingSigns).replace(possessive, "");
    if (!onlySigns.test(bare)) yield bare;
  }
}

/** Without the characters of `signs` at its end. */
export function trimEnd(text: string, signs: string): string {
  let end = text.length;
  while (end > 0 && signs.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

const [taskWordsMax, taskLengthMax] = [512, 32_768];
const wordLengthMax = 64;

/** Stems of the words of a task, each once: `Sending the invoices` → send, the, invoic. */
export function taskWords(text: string): string[] {
  const stems = new Set<string>();
  for (const stem of stemsOf(boundedStart(text, taskLengthMax))) {
    if (stems.size >= taskWordsMax) break;
    stems.add(stem);
  }
  return [...stems];
}

/** Whether a task has one of these words; of an entry of several words it must have all. `has` is asked for stems. */
export function asksFor(words: readonly string[], has: (stem: string) => boolean): boolean {
  return stemsOfAll(words).some((stems) => stems.length > 0 && stems.every(has));
}

const stemmed = new WeakMap<readonly string[], readonly (readonly string[])[]>();

/** Lists of words live as long as their bundle, and each is stemmed once. */
function stemsOfAll(words: readonly string[]): readonly (readonly string[])[] {
  const known = stemmed.get(words);
  if (known !== undefined) return known;
  const stems = words.map(stemsOf);
  stemmed.set(words, stems);
  return stems;
}

const letters = /[\p{L}\p{N}]+/gu;

function stemsOf(text: string): string[] {
  return (foldedForm(text).match(letters) ?? []).map((found) => stemmer(found.slice(0, wordLengthMax)));
}
