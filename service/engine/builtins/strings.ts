import { bytesOf, textOf } from "../value/bytes.ts";
import { numberOf, type Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { intOf, stringOf, stringsOf } from "./operands.ts";
import { occurrences, piecesOf } from "./text/search.ts";

/** Units for a character that is sorted, each time it is looked at, and one that is a result. */
const sortUnits = 0.1;
const resultUnits = 15;

/** Text in which a character is a byte, so that pieces of one meet as OPA's do; itself if it is UTF-8 throughout. */
function comparable(texts: readonly string[]): readonly string[] {
  return texts.every((text) => text.isWellFormed()) ? texts : texts.map((text) => bytesOf(text).toString("latin1"));
}

/** Places by character, overlapping ones too. Bytes that are not UTF-8 are all the same here, as they are to Go's runes. */
function indexOfAll(base: string, search: string, context: BuiltinContext): readonly Value[] {
  if (search === "") throw new BuiltinError("empty search character");
  const text = base.toWellFormed();
  const places: Value[] = [];
  let [at, index] = [0, 0];
  for (const offset of occurrences(text, search.toWellFormed(), context, true)) {
    context.spend(resultUnits);
    for (; at < offset; index++) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
    places.push(numberOf(index));
  }
  return places;
}

function count(base: string, search: string, context: BuiltinContext): number {
  if (search === "") return charactersOf(base, context).length + 1;
  const [text = "", wanted = ""] = comparable([base, search]);
  return [...occurrences(text, wanted, context)].length;
}

function charactersOf(text: string, context: BuiltinContext): readonly string[] {
  context.spend(2 * text.length);
  return [...text];
}

/** The first `count` pieces, or the last ones for a negative count. */
function splitN(base: string, delimiter: string, count: bigint, context: BuiltinContext): readonly Value[] {
  const pieces = delimiter === "" ? charactersOf(base, context) : split(base, delimiter, context);
  return count < 0n ? pieces.slice(Number(count)) : pieces.slice(0, Number(count));
}

function split(base: string, delimiter: string, context: BuiltinContext): readonly string[] {
  const [text = "", wanted = ""] = comparable([base, delimiter]);
  const pieces = [...piecesOf(text, wanted, context)];
  return text === base ? pieces : pieces.map((piece) => textOf(Buffer.from(piece, "latin1")));
}

/** A string, or the strings of an array or a set. */
function someOf(operand: Value | undefined): readonly string[] {
  return typeof operand === "string" ? [operand] : stringsOf(operand);
}

function anyPrefix(texts: readonly string[], prefixes: readonly string[], context: BuiltinContext): boolean {
  const steps = Math.log2(texts.length + 2);
  context.spend((texts.length + prefixes.length) * steps);
  context.spend(sortUnits * steps * lengthOf([...texts, ...prefixes]));
  const ordered = [...texts].sort();
  return prefixes.some((prefix) => ordered[placeOf(ordered, prefix)]?.startsWith(prefix) === true);
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

/** The place of the first text that is not less; those with a prefix stand together, right behind it. */
function placeOf(ordered: readonly string[], text: string): number {
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ordered[middle] ?? "") < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

function reversed(text: string): string {
  return text.split("").reverse().join("");
}

/** Texts and what they are to start or end with, in the same kind of characters. */
function operandsOf(search: Value | undefined, base: Value | undefined): readonly [readonly string[], readonly string[]] {
  const [texts, affixes] = [someOf(search), someOf(base)];
  const all = comparable([...texts, ...affixes]);
  return [all.slice(0, texts.length), all.slice(texts.length)];
}

/** Strings: places, pieces, starts and ends. */
export const strings: Family = {
  indexof_n: ([base, search], context) => indexOfAll(stringOf(base), stringOf(search), context),
  "strings.count": ([base, search], context) => numberOf(count(stringOf(base), stringOf(search), context)),
  "strings.split_n": ([base, delimiter, count], context) => splitN(stringOf(base), stringOf(delimiter), intOf(count), context),
  "strings.any_prefix_match": ([search, base], context) => anyPrefix(...operandsOf(search, base), context),
  "strings.any_suffix_match"([search, base], context) {
    const [texts, suffixes] = operandsOf(search, base);
    context.spend(2 * lengthOf([...texts, ...suffixes]));
    return anyPrefix(texts.map(reversed), suffixes.map(reversed), context);
  },
};
