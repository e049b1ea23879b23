import { LRUCache } from "lru-cache";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";

/** Where a glob is read, and how many `{` are open. */
interface Reader {
  readonly runes: readonly string[];
  at: number;
  open: number;
  /** What `?` stands for, as a regular expression: any character that is no delimiter. */
  readonly one: string;
}

const known = new LRUCache<string, string>({ max: 2000, maxSize: 1_000_000, sizeCalculation: (regex, key) => regex.length + key.length });
/** Units for a character of a glob that is not known yet. */
const readUnits = 20;

/**
 * The regular expression (RE2) for a glob as OPA has them: `*`, `**`, `?`, `[a-z]`, `[!abc]`, `{a,b}` and `\` before a character that
 * means itself. `*` and `?` stand for no delimiter. Fails for a glob that is not well-formed.
 */
export function regexOf(glob: string, delimiters: readonly string[], context: BuiltinContext): string {
  const key = `${delimiters.length} ${delimiters.join("")}${glob}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  if (!glob.isWellFormed()) throw new BuiltinError("glob is not UTF-8");
  context.spend(readUnits * (glob.length + delimiters.length));
  const regex = translate(glob, delimiters);
  known.set(key, regex);
  return regex;
}

function translate(glob: string, delimiters: readonly string[]): string {
  const one = delimiters.length === 0 ? "." : `[^${delimiters.map(literal).join("")}]`;
  const reader: Reader = { runes: [...glob], at: 0, open: 0, one };
  const parts: string[] = [];
  while (reader.at < reader.runes.length) parts.push(next(reader));
  if (reader.open > 0) throw malformed("`{` is not closed");
  return `(?s)\\A(?:${parts.join("")})\\z`;
}

function next(reader: Reader): string {
  const rune = reader.runes[reader.at++] ?? "";
  if (rune === "*") return `${reader.runes[reader.at] === "*" ? anything(reader) : reader.one}*`;
  if (rune === "?") return reader.one;
  if (rune === "[") return range(reader);
  if (rune === "{") return brace(reader, 1, "(?:");
  if (rune === "}" && reader.open > 0) return brace(reader, -1, ")");
  if (rune === "," && reader.open > 0) return "|";
  return literal(rune === "\\" ? escaped(reader) : rune);
}

function anything(reader: Reader): string {
  reader.at++;
  return ".";
}

function brace(reader: Reader, change: 1 | -1, text: string): string {
  reader.open += change;
  return text;
}

function escaped(reader: Reader): string {
  const rune = reader.runes[reader.at++];
  if (rune === undefined) throw malformed("there is nothing behind its last `\\`");
  return rune;
}

/** Behind `[`: either one range of characters, or a list of them, in which `-` and `!` mean themselves. */
function range(reader: Reader): string {
  const not = reader.runes[reader.at] === "!" ? "^" : "";
  if (not !== "") reader.at++;
  const [low = "", dash, high = ""] = reader.runes.slice(reader.at, reader.at + 3);
  const isRange = dash === "-" && low !== "";
  const inside = isRange ? span(low, high) : list(reader);
  if (isRange) reader.at += 3;
  if (reader.runes[reader.at++] !== "]") throw malformed("`[` is not closed");
  return `[${not}${inside}]`;
}

function span(low: string, high: string): string {
  if (high === "" || (high.codePointAt(0) ?? 0) < (low.codePointAt(0) ?? 0)) throw malformed(`\`${low}-${high}\` is no range`);
  return `${literal(low)}-${literal(high)}`;
}

function list(reader: Reader): string {
  const members: string[] = [];
  while (reader.at < reader.runes.length && reader.runes[reader.at] !== "]") {
    const rune = reader.runes[reader.at++] ?? "";
    members.push(literal(rune === "\\" ? escaped(reader) : rune));
  }
  if (members.length === 0) throw malformed("`[]` is empty");
  return members.join("");
}

/** A character as a regular expression has it, in a class or out of one. */
function literal(rune: string): string {
  return /^[A-Za-z0-9_]$/.test(rune) ? rune : `\\x{${(rune.codePointAt(0) ?? 0).toString(16)}}`;
}

function malformed(why: string): BuiltinError {
  return new BuiltinError(`glob is not well-formed: ${why}`);
}
