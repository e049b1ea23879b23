import { BuiltinError } from "../../builtins/builtin.ts";
import { RegoObject, type Value } from "../../value/value.ts";
import { regoMaking } from "./decode.ts";

interface Reader {
  readonly text: string;
  at: number;
}

/** An array or an object that is being read; only an object has keys, the last one without its value yet. */
interface Open {
  readonly items: Value[];
  readonly keys: string[] | undefined;
}

/**
 * Reads the JSON value at the start of a text as Go's `encoding/json` does (RFC 8259; what is not UTF-8 becomes U+FFFD) and OPA takes it,
 * numbers by their text, without recursion; returns it and where it ends. Throws a BuiltinError for anything else.
 */
export function decodeValue(text: string): { readonly value: Value; readonly end: number } {
  const reader = { text, at: 0 };
  const open: Open[] = [];
  for (let value = begin(reader, open); ; value = begin(reader, open)) {
    let complete = value;
    while (complete !== undefined && open.length > 0) complete = proceed(reader, open, complete);
    if (complete !== undefined) return { value: complete, end: reader.at };
  }
}

/** A value, or undefined when it only opened. */
function begin(reader: Reader, open: Open[]): Value | undefined {
  const first = peek(reader);
  if (first !== "[" && first !== "{") return scalar(reader, first);
  if (open.length >= regoMaking.depthMax) throw new BuiltinError("JSON is nested too deep");
  reader.at++;
  const container: Open = { items: [], keys: first === "{" ? [] : undefined };
  if (peek(reader) === (first === "{" ? "}" : "]")) {
    reader.at++;
    return closed(container);
  }
  container.keys?.push(key(reader));
  open.push(container);
  return undefined;
}

/** Behind a member: the whole when nothing follows. */
function proceed(reader: Reader, open: Open[], member: Value): Value | undefined {
  const container = open.at(-1) as Open;
  container.items.push(member);
  const next = peek(reader);
  reader.at++;
  if (next === ",") {
    container.keys?.push(key(reader));
    return undefined;
  }
  if (next !== (container.keys === undefined ? "]" : "}")) throw invalid();
  open.pop();
  return closed(container);
}

/** The last member with a key counts. */
function closed({ items, keys }: Open): Value {
  if (keys === undefined) return items;
  return new RegoObject([...new Map(keys.map((name, index) => [name, items[index] as Value] as const))]);
}

function key(reader: Reader): string {
  if (peek(reader) !== '"') throw invalid();
  const name = string(reader);
  if (peek(reader) !== ":") throw invalid();
  reader.at++;
  return name;
}

const literals: ReadonlyMap<string, null | boolean> = new Map([
  ["null", null],
  ["true", true],
  ["false", false],
]);
const token = /null|true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function scalar(reader: Reader, first: string): Value {
  if (first === '"') return string(reader);
  token.lastIndex = reader.at;
  const text = token.exec(reader.text)?.[0];
  if (text === undefined) throw invalid();
  reader.at = token.lastIndex;
  const literal = literals.get(text);
  return literal === undefined ? regoMaking.number(text) : literal;
}

const special = /["\\]/g;

/** Behind the quote that ends a string. */
function endOfString({ text, at }: Reader): number {
  special.lastIndex = at + 1;
  for (let found = special.exec(text); found?.[0] === "\\"; found = special.exec(text)) special.lastIndex++;
  // No match sets the index back to the start.
  if (special.lastIndex === 0) throw invalid();
  return special.lastIndex;
}

const plain = /^"[ !#-[\]-~]*"$/;

/** Halves of a pair, escaped or bytes of their own, are replaced each by itself. */
function string(reader: Reader): string {
  const end = endOfString(reader);
  const quoted = reader.text.slice(reader.at, end);
  reader.at = end;
  if (plain.test(quoted)) return quoted.slice(1, -1);
  try {
    return (JSON.parse(quoted.toWellFormed()) as string).toWellFormed();
  } catch {
    throw invalid();
  }
}

function peek(reader: Reader): string {
  for (let code = reader.text.charCodeAt(reader.at); code <= 0x20; code = reader.text.charCodeAt(++reader.at))
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
  return reader.text.charAt(reader.at);
}

function invalid(): BuiltinError {
  return new BuiltinError("invalid JSON");
}
