import { BuiltinError } from "../../builtins/builtin.ts";
import { checkDepth } from "../../value/key.ts";
import { compare, RegoNumber, RegoObject, RegoSet, type Value } from "../../value/value.ts";

/**
 * What Go's `encoding/json` writes for OPA's value: sets are arrays, keys that are not strings are their JSON; keys in order of bytes.
 * Throws a {@link BuiltinError} for a number that JSON has not, and for what is nested too deep.
 */
export function marshalJson(value: Value): string {
  return marshal(value, 1);
}

function marshal(value: Value, depth: number): string {
  if (typeof value === "string") return marshalString(value);
  if (value instanceof RegoNumber) return marshalNumber(value.text);
  if (value === null || typeof value === "boolean") return String(value);
  checkDepth(depth);
  if (value instanceof RegoObject) return marshalObject(value, depth + 1);
  const items: readonly Value[] = value instanceof RegoSet ? value.items : value;
  return `[${items.map((item) => marshal(item, depth + 1)).join(",")}]`;
}

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function marshalNumber(text: string): string {
  if (!number.test(text)) throw new BuiltinError(`\`${text.slice(0, 64)}\` is not a number in JSON`);
  return text;
}

/** Of keys that are the same text the last one counts. */
function marshalObject(object: RegoObject, depth: number): string {
  const members = new Map(object.entries.map(([key, item]) => [typeof key === "string" ? key : marshal(key, depth), item] as const));
  const names = [...members.keys()].sort(compare);
  return `{${names.map((name) => `${marshalString(name)}:${marshal(members.get(name) ?? null, depth)}`).join(",")}}`;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** A string as Go writes it for HTML too; a byte that is not UTF-8 is the escape of U+FFFD. */
export function marshalString(text: string): string {
  return `"${text.replace(/[^ !#-%'-;=?-[\]-\u2027\u202a-\ud7ff\ue000-\u{10ffff}]/gu, escaped)}"`;
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return escapes.get(character) ?? `\\u${(code >= 0xd800 && code < 0xe000 ? 0xfffd : code).toString(16).padStart(4, "0")}`;
}
