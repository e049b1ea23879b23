import type { Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { arrayOf, intOf, stringOf } from "./operands.ts";
import { compiled } from "./regex/cache.ts";
import { regexOf } from "./regex/glob-pattern.ts";
import { isMatch, matches } from "./regex/search.ts";

/** Every match with its groups, as Go's `FindAllStringSubmatch`: a group that took no part is an empty text. */
function submatches(pattern: string, text: string, count: bigint, context: BuiltinContext): readonly Value[] {
  const program = compiled(pattern, context);
  const limit = count < 0n ? Number.POSITIVE_INFINITY : Number(count);
  return Array.from(matches(program, text, limit, program.groups.length, context), (match) =>
    Array.from({ length: match.length / 2 }, (_, group) => textAt(text, match, group)),
  );
}

function textAt(text: string, match: readonly number[], group: number): string {
  const [from = -1, to = -1] = match.slice(2 * group, 2 * group + 2);
  return from < 0 ? "" : text.slice(from, to);
}

function isValid(pattern: Value | undefined, context: BuiltinContext): boolean {
  if (typeof pattern !== "string") return false;
  try {
    compiled(pattern, context);
    return true;
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

/** No delimiters where there is null, a dot where there is an empty list; each is one character. */
function delimitersOf(value: Value | undefined): readonly string[] {
  if (value === null) return [];
  const delimiters = arrayOf(value).map((item) => stringOf(item));
  if (delimiters.some((delimiter) => [...delimiter].length !== 1)) throw new BuiltinError("a delimiter must be one character");
  return delimiters.length === 0 ? ["."] : delimiters;
}

/**
 * `regex.match`, `glob.match` and their kind, which OPA compiles into the module: there every pattern is compiled anew in every
 * evaluation. Here compiled patterns are kept.
 */
export const patterns: Family = {
  "regex.match": ([pattern, text], context) => isMatch(stringOf(pattern), stringOf(text), context),
  "regex.is_valid": ([pattern], context) => isValid(pattern, context),
  "regex.find_all_string_submatch_n": ([pattern, text, count], context) =>
    submatches(stringOf(pattern), stringOf(text), intOf(count), context),
  "glob.match": ([glob, delimiters, text], context) =>
    isMatch(regexOf(stringOf(glob), delimitersOf(delimiters), context), stringOf(text), context),
};
