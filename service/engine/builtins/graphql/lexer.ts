import { InvalidDocument } from "./ast.ts";

/** A token; a punctuator is its own kind and has no value. */
export interface Token {
  readonly kind: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

type Reader = (text: string, at: number) => Token;

const blank = /[\t\n\r ,\ufeff]*/y;
const name = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a comment ends at any control character but the tab
const comment = /#[^\x00-\x08\x0a-\x1f]*/y;

/** The token at a place, as gqlparser reads it, which is not quite what the specification says; throws {@link InvalidDocument}. */
export function tokenAt(text: string, start: number): Token {
  const at = skip(blank, text, start);
  if (at >= text.length) return { kind: "EOF", value: "", start: at, end: at };
  const reader = readers.get(text.charAt(at));
  if (reader === undefined) throw unexpected(text, at, `the character \`${String.fromCodePoint(text.codePointAt(at) ?? 0)}\``);
  return reader(text, at);
}

/** The error at a place of a document, which it tells as line and column. */
export function unexpected(text: string, at: number, what: string): InvalidDocument {
  const lines = text.slice(0, at).split(/\r\n|\n|\r/);
  return new InvalidDocument(`${what} is not expected in line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}`);
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

const punctuator: Reader = (text, at) => ({ kind: text.charAt(at), value: "", start: at, end: at + 1 });

const spread: Reader = (text, at) => {
  if (!text.startsWith("...", at)) throw unexpected(text, at, "`.`");
  return { kind: "...", value: "", start: at, end: at + 3 };
};

function matched(kind: string, pattern: RegExp): Reader {
  return (text, at) => {
    const end = skip(pattern, text, at);
    return { kind, value: text.slice(at, end), start: at, end };
  };
}

/** A number may run into a name (`1a` is `1` and `a`), unless that looks like more of the number. */
const numeral: Reader = (text, at) => {
  number.lastIndex = at;
  const [value, fraction = "", exponent = ""] = number.exec(text) ?? [];
  if (value === undefined) throw unexpected(text, at, "such a number");
  const end = at + value.length;
  const wanting = exponent === "" ? (fraction === "" ? ".eE" : "eE") : "";
  const next = text.charAt(end);
  if (next !== "" && (wanting.includes(next) || (/^-?0$/.test(value) && /\d/.test(next)))) throw unexpected(text, end, `\`${next}\``);
  return { kind: fraction + exponent === "" ? "Int" : "Float", value, start: at, end };
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: of the control characters, a string may hold only the tab
const plain = /[^"\\\x00-\x08\x0a-\x1f]*/y;
const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["/", "/"],
  ["\\", "\\"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

const string: Reader = (text, start) => {
  let at = skip(plain, text, start + 1);
  const parts = [text.slice(start + 1, at)];
  while (text[at] === "\\") {
    const [character, length] = escapeAt(text, at);
    const next = skip(plain, text, at + length);
    // Bytes that are not UTF-8 are kept before the first escape only.
    parts.push(character, text.slice(at + length, next).toWellFormed());
    at = next;
  }
  if (text[at] !== '"') throw unexpected(text, at, at < text.length ? "a control character in a string" : "the end of a string");
  return { kind: "String", value: parts.join(""), start, end: at + 1 };
};

/** The character of an escape and the length of its text. A surrogate is no character, not even half of a pair. */
function escapeAt(text: string, at: number): readonly [string, number] {
  const short = escapes.get(text.charAt(at + 1));
  if (short !== undefined) return [short, 2];
  const digits = /^\\u([0-9a-fA-F]{4})$/.exec(text.slice(at, at + 6))?.[1];
  if (digits === undefined) throw unexpected(text, at, "such an escape");
  return [String.fromCharCode(Number.parseInt(digits, 16)).toWellFormed(), 6];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a block string may hold tabs and line ends only
const blockPlain = /[^"\\\x00-\x08\x0b\x0c\x0e-\x1f]*/y;
const quotes = /"+/y;

const blockString: Reader = (text, start) => {
  const parts: string[] = [];
  let at = start + 3;
  while (at < text.length) {
    const next = skip(blockPlain, text, at);
    parts.push(text.slice(at, next));
    at = skip(quotes, text, next);
    // Of a run of quotes the last three close the string.
    if (at - next >= 3) return { kind: "BlockString", value: blockValue(parts.join("") + '"'.repeat(at - next - 3)), start, end: at };
    if (at === next) at = escapedQuotes(text, at);
    parts.push(at - next === 4 ? '"""' : text.slice(next, at));
  }
  throw unexpected(text, at, "the end of a string");
};

/** Behind a backslash, or behind `\"""`. */
function escapedQuotes(text: string, at: number): number {
  if (at < text.length && text[at] !== "\\") throw unexpected(text, at, "a control character in a string");
  return at + (text.startsWith('\\"""', at) ? 4 : 1);
}

/** The text without the indentation that all lines share (the first one, too) and without blank lines around it. */
function blockValue(raw: string): string {
  const lines = raw.toWellFormed().split(/\r\n|\n|\r/);
  const indents = lines.filter(isText).map((line) => line.search(/[^ \t]/));
  const indent = indents.reduce((least, one) => Math.min(least, one), Number.POSITIVE_INFINITY);
  const cut = indents.length === 0 ? lines : lines.map((line, index) => (index === 0 ? line : line.slice(indent)));
  return cut.slice(Math.max(cut.findIndex(isText), 0), cut.findLastIndex(isText) + 1).join("\n");
}

function isText(line: string): boolean {
  return /[^ \t]/.test(line);
}

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ...[..."!$&():=@[]{}|"].map((character) => [character, punctuator] as const),
  ...[..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"].map((letter) => [letter, matched("Name", name)] as const),
  ...[..."-0123456789"].map((digit) => [digit, numeral] as const),
  ["#", matched("Comment", comment)],
  [".", spread],
  ['"', (text, at) => (text.startsWith('"""', at) ? blockString : string)(text, at)],
]);
