import { Buffer } from "node:buffer";
import { exactInteger } from "./exact.ts";

/** A Rego value with what JSON loses: sets, and numbers as they were written. */
export type RegoValue =
  | { readonly kind: "null" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "array" | "set"; readonly items: readonly RegoValue[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [RegoValue, RegoValue])[] };

interface TextReader {
  readonly text: string;
  at: number;
}

/** Reads the value text that `opa_value_dump` writes; JSON is a part of it. Members of sets and objects are put into OPA's order. */
export function readValue(text: string): RegoValue {
  return read({ text, at: 0 });
}

const scalar = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}:]+/y;
const blank = /\s*/y;

function read(reader: TextReader): RegoValue {
  const first = peek(reader);
  if (first === "[") return { kind: "array", items: list(reader, "]", read) };
  if (first === "{") return readBraces(reader);
  if (reader.text.startsWith("set()", reader.at)) {
    reader.at += 5;
    return { kind: "set", items: [] };
  }
  return scalarOf(take(reader, scalar));
}

function peek(reader: TextReader): string {
  take(reader, blank);
  return reader.text.charAt(reader.at);
}

function take(reader: TextReader, pattern: RegExp): string {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found === undefined) throw new Error("not a Rego value");
  reader.at += found.length;
  return found;
}

function scalarOf(text: string): RegoValue {
  if (text.startsWith('"')) return { kind: "string", value: JSON.parse(text) as string };
  if (text === "null") return { kind: "null" };
  if (text === "true" || text === "false") return { kind: "boolean", value: text === "true" };
  return { kind: "number", text };
}

function list<T>(reader: TextReader, close: string, item: (reader: TextReader) => T): T[] {
  const items: T[] = [];
  reader.at++;
  while (peek(reader) !== close) {
    items.push(item(reader));
    if (peek(reader) === ",") reader.at++;
    else if (peek(reader) !== close) throw new Error("not a Rego value");
  }
  reader.at++;
  return items;
}

/** `{}` is an object; otherwise the first colon tells objects from sets. */
function readBraces(reader: TextReader): RegoValue {
  const items = list(reader, "}", (inner) => {
    const key = read(inner);
    if (peek(inner) !== ":") return [key, undefined] as const;
    inner.at++;
    return [key, read(inner)] as const;
  });
  const entries = items.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  if (entries.length === items.length) return { kind: "object", entries: entries.sort(([a], [b]) => compare(a, b)) };
  return { kind: "set", items: items.map(([key]) => key).sort(compare) };
}

const kinds = ["null", "boolean", "number", "string", "array", "object", "set"];

/** OPA's order of values. */
export function compare(a: RegoValue, b: RegoValue): number {
  if (a.kind === "number" && b.kind === "number") return compareNumbers(a.text, b.text);
  if (a.kind === "string" && b.kind === "string") return Buffer.compare(Buffer.from(a.value), Buffer.from(b.value));
  if (a.kind === "boolean" && b.kind === "boolean") return Number(a.value) - Number(b.value);
  if (a.kind === b.kind) return compareLists(partsOf(a), partsOf(b));
  return kinds.indexOf(a.kind) - kinds.indexOf(b.kind);
}

function partsOf(value: RegoValue): readonly RegoValue[] {
  if (value.kind === "object") return value.entries.flat();
  return value.kind === "array" || value.kind === "set" ? value.items : [];
}

function compareLists(a: readonly RegoValue[], b: readonly RegoValue[]): number {
  for (const [index, item] of a.entries()) {
    const other = b[index];
    const order = other === undefined ? 1 : compare(item, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareNumbers(a: string, b: string): number {
  const [x, y] = [exactInteger(a), exactInteger(b)];
  if (x !== undefined && y !== undefined) return x < y ? -1 : Number(x > y);
  return Number(a) - Number(b);
}

/** The value as OPA writes it: `{"a": 1}`, `{1, 2}`, `set()`. */
export function valueText(value: RegoValue): string {
  switch (value.kind) {
    case "null":
      return "null";
    case "boolean":
      return String(value.value);
    case "number":
      return value.text;
    case "string":
      return quote(value.value);
    case "array":
      return `[${value.items.map(valueText).join(", ")}]`;
    case "set":
      return value.items.length === 0 ? "set()" : `{${value.items.map(valueText).join(", ")}}`;
    case "object":
      return `{${value.entries.map(([key, item]) => `${valueText(key)}: ${valueText(item)}`).join(", ")}}`;
    default:
      return value satisfies never;
  }
}

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
  ['"', '\\"'],
]);

/** Go's `strconv.Quote`, or `strconv.QuoteToASCII`. */
export function quote(text: string, ascii = false): string {
  return `"${[...text].map((character) => quoteCharacter(character, ascii)).join("")}"`;
}

function quoteCharacter(character: string, ascii: boolean): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (!(ascii && character > "~") && /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, "0");
}
