import { RegoNumber, RegoObject, RegoSet, type Value } from "./value.ts";

interface TextReader {
  readonly text: string;
  at: number;
}

/** Reads the value text that `opa_value_dump` writes; JSON is a part of it. Throws for anything else. */
export function readValue(text: string): Value {
  const reader = { text, at: 0 };
  const value = read(reader);
  take(reader, blank);
  if (reader.at < text.length) throw new Error("not a Rego value");
  return value;
}

const scalar = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}:"]+/y;
const blank = /\s*/y;

function read(reader: TextReader): Value {
  const first = peek(reader);
  if (first === "[") return list(reader, "]", read);
  if (first === "{") return readBraces(reader);
  if (reader.text.startsWith("set()", reader.at)) {
    reader.at += 5;
    return new RegoSet([]);
  }
  return scalarOf(take(reader, scalar));
}

function peek(reader: TextReader): string {
  if (reader.text.charCodeAt(reader.at) <= 0x20) take(reader, blank);
  return reader.text.charAt(reader.at);
}

function take(reader: TextReader, pattern: RegExp): string {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found === undefined) throw new Error("not a Rego value");
  reader.at += found.length;
  return found;
}

const number = /^-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/;

function scalarOf(text: string): Value {
  if (text.startsWith('"')) return text.includes("\\") ? (JSON.parse(text) as string) : text.slice(1, -1);
  if (text === "null") return null;
  if (text === "true" || text === "false") return text === "true";
  if (!number.test(text)) throw new Error("not a Rego value");
  return new RegoNumber(text);
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
function readBraces(reader: TextReader): Value {
  const items = list(reader, "}", (inner) => {
    const key = read(inner);
    if (peek(inner) !== ":") return [key, undefined] as const;
    inner.at++;
    return [key, read(inner)] as const;
  });
  const entries = items.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  if (entries.length === items.length) return new RegoObject(entries);
  return new RegoSet(items.map(([key]) => key));
}
