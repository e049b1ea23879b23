import { isPrintable } from "../go/unicode.ts";
import { RegoNumber, RegoObject, RegoSet, type Value } from "./value.ts";

/** The text that `opa_value_parse` reads: JSON with `{1, 2}` and `set()` for sets, and any value as a key. */
export function wireText(value: Value): string {
  return write(value, jsonString);
}

/** The value as OPA shows it: `{"a": 1}`, `{1, 2}`, `set()`, strings in Go's quotes. */
export function valueText(value: Value): string {
  return write(value, quote);
}

/** The value as JSON: sets are arrays, keys that are not strings are their JSON text. */
export function jsonText(value: Value): string {
  if (value instanceof RegoObject) return `{${value.entries.map(([key, item]) => `${jsonKey(key)}:${jsonText(item)}`).join(",")}}`;
  if (value instanceof RegoSet) return `[${value.items.map(jsonText).join(",")}]`;
  return Array.isArray(value) ? `[${value.map(jsonText).join(",")}]` : write(value, jsonString);
}

function jsonKey(key: Value): string {
  return jsonString(typeof key === "string" ? key : jsonText(key));
}

function write(value: Value, string: (text: string) => string): string {
  if (typeof value === "string") return string(value);
  if (value instanceof RegoNumber) return value.text;
  if (value instanceof RegoSet) return value.size === 0 ? "set()" : `{${value.items.map((item) => write(item, string)).join(", ")}}`;
  if (value instanceof RegoObject)
    return `{${value.entries.map(([key, item]) => `${write(key, string)}: ${write(item, string)}`).join(", ")}}`;
  return Array.isArray(value) ? `[${value.map((item) => write(item, string)).join(", ")}]` : String(value);
}

/** A JSON string; lone surrogates, which stand for bytes that are not UTF-8, stay as they are. */
function jsonString(text: string): string {
  if (text.isWellFormed()) return JSON.stringify(text);
  const parts = text.split(/(\p{Surrogate})/u).map((part, index) => (index % 2 === 0 ? JSON.stringify(part).slice(1, -1) : part));
  return `"${parts.join("")}"`;
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
  if (/^[ !#-[\]-~]*$/.test(text)) return `"${text}"`;
  return `"${[...text].map((character) => quoteCharacter(character, ascii)).join("")}"`;
}

function quoteCharacter(character: string, ascii: boolean): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (!(ascii && character > "~") && isPrintable(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  // A byte that is not UTF-8.
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, "0");
}
