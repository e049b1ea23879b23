import { bytesOf, textOf } from "../../value/bytes.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { compiled } from "./cache.ts";
import { type Match, matches } from "./search.ts";

/** Text that stands for itself, or the groups that a reference may mean. */
type Part = string | readonly number[];

/** Characters of a result; a short text must not become a huge one. */
const resultMax = 1 << 24;
const charactersPerUnit = 16;
/** Units for a part, when it is read and whenever it is used. */
const partUnits = 5;

const reference = /\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))?/gu;

/** Replaces every match, with `$1`, `${1}`, `$name` and `${name}` for groups and `$$` for `$`, as Go's `ReplaceAllString` does. */
export function replaceAll(text: string, pattern: string, replacement: string, context: BuiltinContext): string {
  const program = compiled(pattern, context);
  const parts = partsOf(replacement, program.groups, context);
  const groups = parts.reduce((most, part) => Math.max(most, typeof part === "string" ? 0 : (part.at(-1) ?? 0)), 0);
  const pieces: string[] = [];
  let [end, length] = [0, text.length];
  for (const match of matches(program, text, Number.POSITIVE_INFINITY, groups, context)) {
    context.spend(partUnits * parts.length + replacement.length / charactersPerUnit);
    const expanded = parts.map((part) => (typeof part === "string" ? part : groupText(text, match, part))).join("");
    pieces.push(text.slice(end, match[0]), expanded);
    length += expanded.length;
    if (length > resultMax) throw new BuiltinError("the result is too long");
    end = match[1] ?? 0;
  }
  return pieces.length === 0 ? text : joined([...pieces, text.slice(end)]);
}

/** Bytes that are not UTF-8 may have met others with which they are. */
function joined(pieces: readonly string[]): string {
  const text = pieces.join("");
  return text.isWellFormed() ? text : textOf(bytesOf(text));
}

function partsOf(replacement: string, names: readonly string[], context: BuiltinContext): readonly Part[] {
  context.spend(partUnits * replacement.length);
  const parts: Part[] = [];
  let end = 0;
  for (const found of replacement.matchAll(reference)) {
    const [whole, dollar, braced, bare] = found;
    const name = braced ?? bare;
    parts.push(replacement.slice(end, found.index));
    if (dollar !== undefined || name === undefined) parts.push("$");
    else parts.push(groupsOf(name, names, context));
    end = found.index + whole.length;
  }
  return [...parts, replacement.slice(end)].filter((part) => part.length > 0);
}

/** The groups that a number or a name stands for; a name may come twice in a pattern. */
function groupsOf(name: string, names: readonly string[], context: BuiltinContext): readonly number[] {
  if (/^(?:0|[1-9]\d{0,8})$/.test(name)) return Number(name) <= names.length ? [Number(name)] : [];
  context.spend(names.length / charactersPerUnit);
  return names.flatMap((known, index) => (known === name ? [index + 1] : []));
}

/** The text of the first group that took part in a match. */
function groupText(text: string, match: Match, groups: readonly number[]): string {
  const group = groups.find((candidate) => (match[2 * candidate] ?? -1) >= 0);
  return group === undefined ? "" : text.slice(match[2 * group], match[2 * group + 1]);
}
