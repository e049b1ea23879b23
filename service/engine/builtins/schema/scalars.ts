import type { RegoNumber } from "../../value/value.ts";
import type { BuiltinContext } from "../builtin.ts";
import { isMatch } from "../regex/search.ts";
import { type Document, plainText } from "./document.ts";
import { hasFormat } from "./formats.ts";
import { numberOf } from "./limits.ts";
import { compareExact, type Exact, goText, isMultiple } from "./number.ts";
import { fail, type Place, type Result } from "./result.ts";
import type { Schema } from "./types.ts";

type Check<T> = (context: BuiltinContext, schema: Schema, document: T, place: Place, result: Result) => void;

/** What every kind of value may have. */
export const checkValue: Check<Document> = (context, schema, document, place, result) => {
  const { constant, values, format } = schema;
  const text = constant === undefined && values === undefined ? "" : plainText(document, context);
  if (constant !== undefined && text !== constant) fail(result, "const", place, (field) => `${field} does not match: ${constant}`);
  if (values !== undefined && !values.has(text))
    fail(result, "enum", place, (field) => `${field} must be one of the following: ${schema.allowed}`);
  if (format !== undefined && typeof document === "string" && !hasFormat(format, document, context))
    fail(result, "format", place, `Does not match format '${format}'`);
  result.score++;
};

/** Keywords about strings. */
export const checkString: Check<string> = (context, schema, text, place, result) => {
  const { minLength, maxLength, pattern } = schema;
  const length = minLength === undefined && maxLength === undefined ? 0 : characters(text, context);
  if (minLength !== undefined && length < minLength)
    fail(result, "string_gte", place, `String length must be greater than or equal to ${minLength}`);
  if (maxLength !== undefined && length > maxLength)
    fail(result, "string_lte", place, `String length must be less than or equal to ${maxLength}`);
  if (pattern !== undefined && !isMatch(pattern, text, context)) fail(result, "pattern", place, `Does not match pattern '${pattern}'`);
  result.score++;
};

function characters(text: string, context: BuiltinContext): number {
  context.spend(text.length);
  let count = 0;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) !== 0xdc00) count++;
  return count;
}

/** What a bound asks for, whether an order of number and bound breaks it, and the error then. */
const bounds = [
  ["maximum", (order: number) => order > 0, "number_lte", "Must be less than or equal to"],
  ["exclusiveMaximum", (order: number) => order >= 0, "number_lt", "Must be less than"],
  ["minimum", (order: number) => order < 0, "number_gte", "Must be greater than or equal to"],
  ["exclusiveMinimum", (order: number) => order <= 0, "number_gt", "Must be greater than"],
] as const;

/** Keywords about numbers. */
export const checkNumber: Check<RegoNumber> = (context, schema, document, place, result) => {
  const { multipleOf } = schema;
  if (multipleOf !== undefined && !isMultiple(numberOf(document), multipleOf, context))
    fail(result, "multiple_of", place, () => `Must be a multiple of ${goText(multipleOf, context)}`);
  for (const [name, breaks, type, text] of bounds) {
    const bound: Exact | undefined = schema[name];
    if (bound === undefined) continue;
    context.spend(document.text.length);
    if (breaks(compareExact(numberOf(document), bound))) fail(result, type, place, () => `${text} ${goText(bound, context)}`);
  }
  result.score++;
};
