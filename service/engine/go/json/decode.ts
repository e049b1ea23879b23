import { BuiltinError } from "../../builtins/builtin.ts";
import { RegoNumber, RegoObject } from "../../value/value.ts";

/** Decoded JSON; `O` is what an object becomes. */
export type Decoded<O> = null | boolean | string | RegoNumber | O | readonly Decoded<O>[];

/** The members of an object as they stand in the text, a key perhaps twice. */
export type Members<O> = readonly (readonly [string, Decoded<O>])[];

/** What objects and numbers become, and how deep arrays and objects may be nested; a number that cannot be read throws. */
export interface Making<O> {
  readonly depthMax: number;
  readonly object: (members: Members<O>) => O;
  readonly number: (text: string) => RegoNumber;
}

interface Reader<O> {
  readonly text: string;
  readonly making: Making<O>;
  readonly open: Frame<O>[];
  at: number;
}

/** An array or object that is not closed yet; only an object has keys. */
interface Frame<O> {
  readonly keys: string[] | undefined;
  readonly items: Decoded<O>[];
}

/** How deep Go lets JSON be nested. */
export const goDepthMax = 10_000;

/**
 * Reads the JSON value at the start of a text as Go's `encoding/json` does (RFC 8259; what is not UTF-8 becomes U+FFFD), without
 * recursion; returns it and where it ends. Throws a {@link BuiltinError} for anything else.
 */
export function decodeValue<O>(text: string, making: Making<O>): { readonly value: Decoded<O>; readonly end: number } {
  const reader: Reader<O> = { text, making, open: [], at: 0 };
  for (;;) {
    const value = closed(reader, begin(reader));
    if (value !== undefined) return { value, end: reader.at };
  }
}

/** The same for an object; throws for any other value. */
export function decodeObject<O>(text: string, making: Making<O>): { readonly value: O; readonly end: number } {
  const { value, end } = decodeValue(text, making);
  if (!isObject<O>(value)) throw new BuiltinError("JSON is not an object");
  return { value, end };
}

function isObject<O>(value: Decoded<O>): value is O {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof RegoNumber);
}

/**
 * Rego's objects, of which the last member with a key counts, and numbers in OPA's bounds. They are nested less deep than Go would have
 * it: what reads and writes values is recursive.
 */
export const regoMaking: Making<RegoObject> = {
  depthMax: 1000,
  object: (members) => new RegoObject([...new Map(members)]),
  number(text) {
    if (/[eE]/.test(text) && !isBounded(text)) throw new BuiltinError(`number \`${text.slice(0, 64)}\` is too big or too small`);
    return new RegoNumber(text);
  },
};

/** OPA takes no number from two to this power on, nor one that is smaller than its inverse. */
const exponentMax = 100_000;

/** Whether a number with an exponent is one that OPA takes. */
function isBounded(text: string): boolean {
  const [, whole = "", fraction = "", exponent = ""] = /^-?(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const power = Number(exponent) - fraction.length + digits.length;
  // A zero may have any exponent that fits into 64 bits.
  if (digits === "") return isInt64(exponent);
  const log2 = Math.log2(Number(`0.${digits.slice(0, 17)}`)) + power * Math.log2(10);
  return log2 < exponentMax && log2 >= -exponentMax - 1;
}

function isInt64(digits: string): boolean {
  const size = digits.replace(/^[+-]?0*/, "");
  const value = size.length > 19 ? undefined : BigInt(`${digits.startsWith("-") ? "-" : ""}${size || "0"}`);
  return value !== undefined && value === BigInt.asIntN(64, value);
}

/** Whether a text is one JSON value, Go's `json.Valid`. */
export function isJson(text: string): boolean {
  try {
    const { end } = decodeValue(text, { depthMax: goDepthMax, object: () => ({}), number: (digits) => new RegoNumber(digits) });
    return /^[ \t\r\n]*$/.test(text.slice(end));
  } catch (error) {
    if (error instanceof BuiltinError) return false;
    throw error;
  }
}

/** Adds a complete value to what is open, and what is thereby complete to what is around it; undefined when more must be read. */
function closed<O>(reader: Reader<O>, value: Decoded<O> | undefined): Decoded<O> | undefined {
  let complete = value;
  while (complete !== undefined) {
    const frame = reader.open.at(-1);
    if (frame === undefined) return complete;
    frame.items.push(complete);
    complete = next(reader, frame);
  }
  return undefined;
}

/** Behind an item: the whole when it ends here. */
function next<O>(reader: Reader<O>, frame: Frame<O>): Decoded<O> | undefined {
  const character = takeCharacter(reader);
  if (character === (frame.keys === undefined ? "]" : "}")) return close(reader);
  if (character !== ",") throw invalid();
  if (frame.keys !== undefined) frame.keys.push(key(reader));
  return undefined;
}

function close<O>(reader: Reader<O>): Decoded<O> {
  const { keys, items } = reader.open.pop() as Frame<O>;
  return keys === undefined ? items : reader.making.object(keys.map((name, index) => [name, items[index] as Decoded<O>] as const));
}

/** Reads a value, or only the start of one that has items. */
function begin<O>(reader: Reader<O>): Decoded<O> | undefined {
  const first = peek(reader);
  if (first !== "[" && first !== "{") return scalar(reader, first);
  if (reader.open.length >= reader.making.depthMax) throw new BuiltinError("JSON is nested too deep");
  reader.at++;
  const frame: Frame<O> = { keys: first === "{" ? [] : undefined, items: [] };
  reader.open.push(frame);
  if (peek(reader) === (first === "{" ? "}" : "]")) {
    reader.at++;
    return close(reader);
  }
  frame.keys?.push(key(reader));
  return undefined;
}

function key<O>(reader: Reader<O>): string {
  if (peek(reader) !== '"') throw invalid();
  const name = string(reader);
  if (takeCharacter(reader) !== ":") throw invalid();
  return name;
}

const literals: ReadonlyMap<string, null | boolean> = new Map([
  ["null", null],
  ["true", true],
  ["false", false],
]);
const token = /null|true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function scalar<O>(reader: Reader<O>, first: string): null | boolean | string | RegoNumber {
  if (first === '"') return string(reader);
  token.lastIndex = reader.at;
  const text = token.exec(reader.text)?.[0];
  if (text === undefined) throw invalid();
  reader.at = token.lastIndex;
  const literal = literals.get(text);
  return literal === undefined ? reader.making.number(text) : literal;
}

const special = /["\\]/g;

function string<O>(reader: Reader<O>): string {
  const start = reader.at;
  special.lastIndex = start + 1;
  for (let found = special.exec(reader.text); found?.[0] === "\\"; found = special.exec(reader.text)) special.lastIndex++;
  // No match sets the index back to the start.
  if (special.lastIndex === 0) throw invalid();
  reader.at = special.lastIndex;
  return unquote(reader.text.slice(start, reader.at));
}

const plain = /^"[ !#-[\]-~]*"$/;

/** A lone surrogate that stands for a byte must not pair up with one that is escaped, so both kinds are replaced by themselves. */
function unquote(quoted: string): string {
  if (plain.test(quoted)) return quoted.slice(1, -1);
  try {
    return (JSON.parse(quoted.toWellFormed()) as string).toWellFormed();
  } catch {
    throw invalid();
  }
}

function peek<O>(reader: Reader<O>): string {
  for (let code = reader.text.charCodeAt(reader.at); code <= 0x20; code = reader.text.charCodeAt(++reader.at))
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
  return reader.text.charAt(reader.at);
}

function takeCharacter<O>(reader: Reader<O>): string {
  const character = peek(reader);
  reader.at++;
  return character;
}

function invalid(): BuiltinError {
  return new BuiltinError("invalid JSON");
}
