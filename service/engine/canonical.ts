/**
 * The text that OPA hashes for a structured file: members in byte order of their keys, no white space, strings in Go's JSON encoding
 * without HTML escaping, numbers as they were written. The text must be valid JSON already.
 */
export function canonicalText(text: string): string {
  const reader = { text, at: 0 };
  return value(reader);
}

interface TextReader {
  readonly text: string;
  at: number;
}

const space = /[ \t\r\n]*/y;
const scalar = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}]+/y;

function take(reader: TextReader, pattern: RegExp): string {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0] ?? "";
  reader.at += found.length;
  return found;
}

function next(reader: TextReader): string {
  take(reader, space);
  return reader.text.charAt(reader.at);
}

function value(reader: TextReader): string {
  const first = next(reader);
  if (first === "{") return `{${members(reader).join(",")}}`;
  if (first === "[") return `[${list(reader, "]", value).join(",")}]`;
  return scalarText(take(reader, scalar));
}

function members(reader: TextReader): string[] {
  const pairs = list(reader, "}", (inner) => {
    next(inner);
    const key = JSON.parse(take(inner, scalar)) as string;
    next(inner);
    inner.at++;
    return [key, value(inner)] as const;
  });
  return pairs.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))).map(([key, text]) => `${goString(key)}:${text}`);
}

function list<T>(reader: TextReader, close: string, item: (reader: TextReader) => T): T[] {
  const items: T[] = [];
  reader.at++;
  while (next(reader) !== close) {
    items.push(item(reader));
    if (next(reader) === ",") reader.at++;
  }
  reader.at++;
  return items;
}

function scalarText(text: string): string {
  return text.startsWith('"') ? goString(JSON.parse(text) as string) : text;
}

/** Go's encoder without HTML escaping: short escapes for newline, return and tab only (and, since Go 1.22, `\b` and `\f`); U+2028 and U+2029 escaped. */
function goString(text: string): string {
  return JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
}
