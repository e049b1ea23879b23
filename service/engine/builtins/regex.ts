import { bytesOf, textOf } from "../value/bytes.ts";
import type { Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { intOf, stringOf } from "./operands.ts";
import { compiled } from "./regex/cache.ts";
import { globsMatch } from "./regex/globs.ts";
import { replaceAll } from "./regex/replace.ts";
import { isMatch, matches } from "./regex/search.ts";

function find(pattern: string, text: string, count: bigint, context: BuiltinContext): readonly Value[] {
  const limit = count < 0n ? Number.POSITIVE_INFINITY : Number(count);
  const found = matches(compiled(pattern, context), text, limit, 0, context);
  return Array.from(found, ([from, to]) => text.slice(from, to));
}

/** What stands between the matches; an empty match at the very start cuts nothing off. */
function split(pattern: string, text: string, context: BuiltinContext): readonly Value[] {
  const program = compiled(pattern, context);
  if (pattern !== "" && text === "") return [""];
  const parts: string[] = [];
  let [begin, end] = [0, 0];
  for (const [from = 0, to = 0] of matches(program, text, Number.POSITIVE_INFINITY, 0, context)) {
    if (to !== 0) parts.push(text.slice(begin, from));
    [begin, end] = [to, from];
  }
  return end === text.length ? parts : [...parts, text.slice(begin)];
}

/** Units for a character of a template, and for one that may be quoted. */
const templateUnits = 10;
const quoteUnits = 5;

/** Whether a text is as a template says, whose patterns stand between delimiters of one byte each. */
function matchTemplate(template: string, text: string, start: string, end: string, context: BuiltinContext): boolean {
  context.spend(templateUnits * template.length);
  const delimiters = [start, end].map((delimiter) => bytesOf(delimiter).toString("latin1"));
  if (delimiters.some(({ length }) => length !== 1)) throw new BuiltinError("a delimiter must be exactly one byte long");
  const parts = partsOf(bytesOf(template).toString("latin1"), delimiters[0] ?? "", delimiters[1] ?? "");
  const patterns = parts.map((part) => textOf(Buffer.from(part, "latin1")));
  // Each pattern must be one of its own, so that none closes the group of another.
  for (const [index, pattern] of patterns.entries()) if (index % 2 === 1) compiled(`^${pattern}$`, context);
  return isMatch(`^${patterns.map((part, index) => (index % 2 === 0 ? quoteMeta(part) : `(${part})`)).join("")}$`, text, context);
}

/** Text and patterns of a template by turns. Delimiters nest; when both are the same, none ever closes. */
function partsOf(template: string, start: string, end: string): readonly string[] {
  const parts: string[] = [];
  let [level, from] = [0, 0];
  for (let at = 0; at < template.length; at++) {
    const byte = template[at];
    const change = byte === start ? 1 : byte === end ? -1 : 0;
    level += change;
    if (level < 0) break;
    if (change === 0 || level !== (change === 1 ? 1 : 0)) continue;
    parts.push(template.slice(from, at));
    from = at + 1;
  }
  if (level !== 0) throw new BuiltinError(`unbalanced delimiters in \`${template.slice(0, 64)}\``);
  return [...parts, template.slice(from)];
}

/** Go's `regexp.QuoteMeta`. */
function quoteMeta(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

function quoteGlob(text: string, context: BuiltinContext): string {
  context.spend(quoteUnits * text.length);
  return text.replace(/[*?\\[\]{}]/g, "\\$&");
}

/** `regex.*` in RE2's syntax as Go has it, and globs. A pattern that is not valid fails. */
export const regex: Family = {
  "regex.find_n": ([pattern, text, count], context) => find(stringOf(pattern), stringOf(text), intOf(count), context),
  "regex.replace": ([text, pattern, value], context) => replaceAll(stringOf(text), stringOf(pattern), stringOf(value), context),
  "regex.split": ([pattern, text], context) => split(stringOf(pattern), stringOf(text), context),
  "regex.template_match": ([template, text, start, end], context) =>
    matchTemplate(stringOf(template), stringOf(text), stringOf(start), stringOf(end), context),
  "regex.globs_match": ([first, second], context) => globsMatch(stringOf(first), stringOf(second), context),
  "glob.quote_meta": ([pattern], context) => quoteGlob(stringOf(pattern), context),
};
