import { Buffer } from "node:buffer";
import type { BuiltinContext } from "../../builtins/builtin.ts";
import { formatFloat } from "../float.ts";
import { GoMap, type GoValue } from "./decode.ts";
import { compareKeys } from "./key-order.ts";
import type { GoScalar } from "./resolve.ts";
import { doubleQuoted, isMultiline, literalHints, styleOf } from "./style.ts";

/** What was written, and where that leaves the writer in its line. */
interface Emitter {
  readonly context: BuiltinContext;
  readonly out: string[];
  column: number;
  /** The last thing was white space: a word needs no blank before it. */
  blank: boolean;
  /** The line holds nothing but indentation and indicators so far. */
  indenting: boolean;
}

/** Writes a value as Go's yaml v3 does with an indentation of 2: block style, keys in its order, one document. */
export function emit(value: GoValue, context: BuiltinContext): string {
  const emitter: Emitter = { context, out: [], column: 0, blank: true, indenting: true };
  writeValue(emitter, value, -2);
  indent(emitter, 0);
  return emitter.out.join("");
}

/** `at` is the indentation of what the value stands in; -2 for a document. */
function writeValue(emitter: Emitter, value: GoValue, at: number): void {
  if (value instanceof GoMap) writeMap(emitter, value, at + 2);
  else if (isList(value)) writeList(emitter, value, at + 2);
  else writeScalar(emitter, value, Math.max(at, 0) + 2, false);
}

function isList(value: GoValue): value is readonly GoValue[] {
  return Array.isArray(value);
}

function writeList(emitter: Emitter, items: readonly GoValue[], at: number): void {
  for (const item of items) {
    indent(emitter, at);
    indicator(emitter, "-", true, true);
    writeValue(emitter, item, at);
  }
  if (items.length === 0) word(emitter, "[]");
}

function writeMap(emitter: Emitter, map: GoMap, at: number): void {
  for (const [key, value] of ordered(emitter, map)) {
    indent(emitter, at);
    writeKey(emitter, key, at);
    writeValue(emitter, value, at);
  }
  if (map.entries.size === 0) word(emitter, "{}");
}

/** Bytes that a key before a `:` may have. */
const keyBytesMax = 128;

function writeKey(emitter: Emitter, key: string, at: number): void {
  const simple = !isMultiline(key) && Buffer.byteLength(key) <= keyBytesMax;
  if (!simple) indicator(emitter, "?", true, true);
  writeScalar(emitter, key, at + 2, simple);
  if (!simple) indent(emitter, at);
  indicator(emitter, ":", !simple, !simple);
}

function ordered(emitter: Emitter, map: GoMap): readonly (readonly [string, GoValue])[] {
  const entries = [...map.entries.values()].map(([key, value]) => [String(key), value] as const);
  const characters = entries.reduce((sum, [key]) => sum + key.length, entries.length);
  emitter.context.spend(characters * Math.ceil(Math.log2(entries.length + 1)));
  return entries.sort(([a], [b]) => compareKeys(a, b));
}

function put(emitter: Emitter, text: string): void {
  emitter.out.push(text);
  emitter.column += text.length;
}

function newLine(emitter: Emitter, text: string): void {
  emitter.out.push(text);
  emitter.column = 0;
  emitter.indenting = true;
}

/** Goes to a column, in a new line if need be. */
function indent(emitter: Emitter, column: number): void {
  const fits = emitter.indenting && (emitter.column < column || (emitter.column === column && emitter.blank));
  if (!fits) newLine(emitter, "\n");
  if (emitter.column < column) put(emitter, " ".repeat(column - emitter.column));
  emitter.blank = true;
}

function indicator(emitter: Emitter, text: string, spaced: boolean, keepsIndenting: boolean): void {
  put(emitter, spaced && !emitter.blank ? ` ${text}` : text);
  emitter.blank = false;
  emitter.indenting &&= keepsIndenting;
}

function writeScalar(emitter: Emitter, value: GoScalar, at: number, simpleKey: boolean): void {
  if (typeof value === "string") writeString(emitter, value, at, simpleKey);
  else word(emitter, wordOf(value));
}

function writeString(emitter: Emitter, text: string, at: number, simpleKey: boolean): void {
  emitter.context.spend(text.length);
  const style = styleOf(text, simpleKey);
  if (style === "plain") word(emitter, text);
  else if (style === "double") word(emitter, `"${doubleQuoted(text)}"`);
  else if (style === "single") writeSingle(emitter, text, at);
  else writeLiteral(emitter, text, at);
}

function word(emitter: Emitter, text: string): void {
  indicator(emitter, text, true, false);
}

function wordOf(value: Exclude<GoScalar, string>): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number")
    return (value < 0 || Object.is(value, -0) ? "-" : "") + formatFloat(Math.abs(value), "g", undefined, false);
  return "integer" in value ? String(value.integer) : value.time;
}

/** Only U+2028 and U+2029 can be line breaks here. */
function writeSingle(emitter: Emitter, text: string, at: number): void {
  indicator(emitter, "'", true, false);
  writeLines(emitter, text.replaceAll("'", "''"), at, false);
  indicator(emitter, "'", false, false);
}

function writeLiteral(emitter: Emitter, text: string, at: number): void {
  indicator(emitter, `|${literalHints(text)}`, true, false);
  newLine(emitter, "\n");
  emitter.blank = true;
  writeLines(emitter, text, at, true);
}

/** Lines with their indentation; the first one too when it is a line of its own. */
function writeLines(emitter: Emitter, text: string, at: number, first: boolean): void {
  let begins = first;
  for (const part of text.split(/([\n\r\x85\u2028\u2029])/)) {
    if (/^[\n\r\x85\u2028\u2029]$/.test(part)) {
      newLine(emitter, part);
      begins = true;
    } else if (part !== "") {
      if (begins) indent(emitter, at);
      put(emitter, part);
      emitter.indenting = false;
      begins = false;
    }
  }
}
