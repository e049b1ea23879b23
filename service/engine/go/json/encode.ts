import { BuiltinError } from "../../builtins/builtin.ts";
import { compare, RegoNumber, RegoObject, RegoSet, type Value } from "../../value/value.ts";

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Values are not nested deeper: what reads and writes them is recursive too. */
const depthMax = 1000;

/**
 * A value as Go's `json.Marshal` writes it: sets are arrays, keys that are not strings are their JSON text, keys are sorted by their
 * bytes, `<`, `>`, `&` and line separators are escaped, and so is what is not UTF-8, as U+FFFD. Throws for a number that JSON has not.
 */
export function encodeJson(value: Value): string {
  return encode(value, 0);
}

function encode(value: Value, depth: number): string {
  if (typeof value === "string") return encodeString(value);
  if (value instanceof RegoNumber) return encodeNumber(value.text);
  if (value === null || typeof value === "boolean") return String(value);
  if (depth >= depthMax) throw new BuiltinError("a value is nested too deep for JSON");
  if (value instanceof RegoObject) return encodeObject(value, depth + 1);
  const items = value instanceof RegoSet ? value.items : value;
  return `[${items.map((item: Value) => encode(item, depth + 1)).join(",")}]`;
}

function encodeNumber(text: string): string {
  if (!number.test(text)) throw new BuiltinError(`\`${text.slice(0, 64)}\` is not a number in JSON`);
  return text;
}

/** Two keys may have the same text: the one that is later in Rego's order counts. */
function encodeObject(object: RegoObject, depth: number): string {
  const members = new Map(
    object.entries.map(([key, item]) => [typeof key === "string" ? key : encode(key, depth), encode(item, depth)] as const),
  );
  const sorted = [...members].sort(([a], [b]) => compare(a, b));
  return `{${sorted.map(([key, item]) => `${encodeString(key)}:${item}`).join(",")}}`;
}

function encodeString(text: string): string {
  const quoted = text.isWellFormed() ? JSON.stringify(text) : encodeBytes(text);
  return quoted.replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function encodeBytes(text: string): string {
  const parts = text.split(/\p{Surrogate}/u).map((part) => JSON.stringify(part).slice(1, -1));
  return `"${parts.join("\\ufffd")}"`;
}
