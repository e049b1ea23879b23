import { looseForms } from "./folding.ts";
import { lately } from "./lately.ts";
import { scanShort, tokenMarks } from "./tokens.ts";
import { strictWords } from "./words.ts";

const charactersMax = 8192;

/**
 * One spelling for all texts that mean the same: addresses and account numbers in their canonical form, all else as its words. Look-alikes
 * stay different: `GB29 NWBK …` and `gb29nwbk…` are one, `paypal.com` and its Cyrillic double are two. A text longer than any name equals only itself.
 */
export const strictForm = lately(readStrictly);

function readStrictly(text: string): string {
  if (text.length > charactersMax) return text;
  const { tokens, rest } = scanShort(text);
  const sure = tokens.filter((token) => token.sure);
  const parts = rest.split(tokenMarks).flatMap((between, i) => [...strictWords(between), sure[i]?.strict ?? ""]);
  return parts.filter((part) => part !== "").join(" ");
}

/** Skeleton of a text: letters and digits only, look-alikes made one. */
export function looseForm(text: string): string {
  return looseForms(text)[0] ?? "";
}
