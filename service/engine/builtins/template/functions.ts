import { queryEscape } from "../../go/net/url-query.ts";
import { isPrintable } from "../../go/unicode.ts";
import { bytesOf, textOf } from "../../value/bytes.ts";
import { compare, RegoNumber, RegoObject } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { printf, sprint, sprintln } from "./print.ts";
import { type GoValue, integerIn, isTrue, itemsIn, type Kind, kindOf, textIn } from "./values.ts";

/** A function of the template language. */
export interface TemplateFunction {
  /** Arguments that it must have, and whether it takes more. */
  readonly fixed: number;
  readonly variadic: boolean;
  /** Takes null for what is not there. */
  readonly boxed?: true;
  readonly call: (args: readonly GoValue[], context: BuiltinContext) => GoValue;
}

/** Bytes of text that are looked at for a unit. */
const bytesPerUnit = 16;
const comparedPerUnit = 6;
/** Units for a character that may be escaped. */
const escapeUnits = 10;
/** Entries of an object that are looked at for a unit. */
const entriesPerUnit = 4;

function bytesIn(value: GoValue, context: BuiltinContext): Buffer {
  const text = textIn(value);
  context.spend(1 + text.length / bytesPerUnit);
  return bytesOf(text);
}

function indexOf(value: GoValue, length: number): number {
  const kind = kindOf(value);
  if (kind !== "int" && kind !== "uint") throw new BuiltinError("an index in a template must be an integer");
  const index = integerIn(value);
  if (index < 0n || index > BigInt(length)) throw new BuiltinError("an index in a template is out of range");
  return Number(index);
}

function item(container: GoValue, index: GoValue, context: BuiltinContext): GoValue {
  if (container instanceof RegoObject) {
    if (typeof index !== "string") throw new BuiltinError("an index of an object in a template must be a string");
    context.spend(1 + container.size / entriesPerUnit);
    return container.get(index) ?? null;
  }
  const kind = kindOf(container);
  if (kind !== "slice" && kind !== "string")
    throw new BuiltinError("what is indexed in a template must be an object, an array or a string");
  const items = kind === "slice" ? itemsIn(container) : bytesIn(container, context);
  const found = items[indexOf(index, items.length)];
  if (found === undefined) throw new BuiltinError("an index in a template is out of range");
  return typeof found === "number" ? { byte: found } : found;
}

function index([container, ...indexes]: readonly GoValue[], context: BuiltinContext): GoValue {
  if (container === undefined || container === null) throw new BuiltinError("`index` of nil in a template");
  return indexes.reduce((found: GoValue, next) => item(found, next, context), container);
}

function slice([container, ...indexes]: readonly GoValue[], context: BuiltinContext): GoValue {
  const kind = kindOf(container);
  if ((kind !== "slice" && kind !== "string") || indexes.length > (kind === "string" ? 2 : 3))
    throw new BuiltinError("what is sliced in a template must be an array or a string");
  const items = kind === "slice" ? itemsIn(container) : bytesIn(container, context);
  const [from = 0, to = items.length, end = items.length] = indexes.map((value) => indexOf(value, items.length));
  if (from > to || to > end) throw new BuiltinError("an index in a template is out of range");
  context.spend((to - from) / bytesPerUnit);
  if (Array.isArray(items)) return items.slice(from, to);
  const text = textOf((items as Buffer).subarray(from, to));
  return container instanceof RegoNumber ? new RegoNumber(text) : text;
}

function length([value]: readonly GoValue[], context: BuiltinContext): bigint {
  if (value instanceof RegoObject) return BigInt(value.size);
  const kind = kindOf(value);
  if (kind === "slice") return BigInt(itemsIn(value).length);
  if (kind !== "string") throw new BuiltinError("`len` in a template must be of an object, an array or a string");
  return BigInt(bytesIn(value, context).length);
}

const basic: ReadonlySet<Kind> = new Set<Kind>(["bool", "int", "uint", "float", "string"]);

function comparedTexts(a: GoValue, b: GoValue, context: BuiltinContext): number {
  const [x, y] = [textIn(a), textIn(b)];
  context.spend(1 + Math.min(x.length, y.length) / comparedPerUnit);
  return compare(x, y);
}

/** The order of two values of kinds that compare; undefined when they do not. */
function order(a: GoValue, b: GoValue, context: BuiltinContext): number | undefined {
  const [kind, other] = [kindOf(a), kindOf(b)];
  if (isInteger(kind) && isInteger(other)) return Number(integerIn(a) - integerIn(b));
  if (kind !== other) return undefined;
  if (kind === "float") return Number(a) - Number(b);
  return kind === "string" ? comparedTexts(a, b, context) : undefined;
}

function isInteger(kind: Kind): boolean {
  return kind === "int" || kind === "uint";
}

function isEqual(a: GoValue, b: GoValue, context: BuiltinContext): boolean {
  const [kind, other] = [kindOf(a), kindOf(b)];
  const [none, noOther] = [kind === "nothing" || kind === "nil", other === "nothing" || other === "nil"];
  if (none || noOther) return none && noOther;
  if (kind === "bool" && other === "bool") return a === b;
  const result = basic.has(kind) ? order(a, b, context) : undefined;
  if (result === undefined) throw new BuiltinError("values in a template cannot be compared");
  return result === 0;
}

function equal([first, ...others]: readonly GoValue[], context: BuiltinContext): boolean {
  if (others.length === 0) throw new BuiltinError("`eq` in a template has nothing to compare with");
  return others.some((other) => isEqual(first, other, context));
}

function ordered(holds: (order: number) => boolean): TemplateFunction {
  const call = ([a, b]: readonly GoValue[], context: BuiltinContext): boolean => {
    const result = order(a, b, context);
    if (result === undefined) throw new BuiltinError("values in a template cannot be ordered");
    return holds(result);
  };
  return { fixed: 2, variadic: false, call };
}

/** What an escaping function escapes. */
function shown(args: readonly GoValue[], context: BuiltinContext): string {
  const [only] = args;
  if (args.length === 1 && typeof only === "string") return only;
  return sprint(
    args.map((value) => value ?? "<no value>"),
    context,
  );
}

const htmlEscapes: ReadonlyMap<string, string> = new Map([
  ["\0", "\ufffd"],
  ['"', "&#34;"],
  ["'", "&#39;"],
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
]);

function javascriptEscape(character: string): string {
  if (/^[\\'"]$/.test(character)) return `\\${character}`;
  // A byte that is not UTF-8 is a replacement character to Go, which can be seen.
  if (character === "\x7f" || (character > "~" && (isPrintable(character) || !character.isWellFormed()))) return character;
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** A function that escapes a text. */
function escaping(escapeText: (text: string) => string): TemplateFunction {
  const call = (args: readonly GoValue[], context: BuiltinContext): string => {
    const text = shown(args, context);
    context.spend(escapeUnits * text.length);
    return escapeText(text);
  };
  return { fixed: 0, variadic: true, boxed: true, call };
}

function notCalled(): never {
  throw new BuiltinError("there is nothing to call in a template");
}

/** The functions of `text/template`; `and` and `or` are for the one who evaluates, who may leave arguments out. */
export const templateFunctions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["and", { fixed: 1, variadic: true, call: notCalled }],
  ["or", { fixed: 1, variadic: true, call: notCalled }],
  ["call", { fixed: 1, variadic: true, call: notCalled }],
  ["not", { fixed: 1, variadic: false, call: ([value]) => !isTrue(value) }],
  ["len", { fixed: 1, variadic: false, call: length }],
  ["index", { fixed: 1, variadic: true, call: index }],
  ["slice", { fixed: 1, variadic: true, call: slice }],
  ["print", { fixed: 0, variadic: true, boxed: true, call: sprint }],
  ["println", { fixed: 0, variadic: true, boxed: true, call: sprintln }],
  ["printf", { fixed: 1, variadic: true, boxed: true, call: formatted }],
  ["html", escaping((text) => text.replace(/[\0"'&<>]/g, (character) => htmlEscapes.get(character) ?? ""))],
  ["js", escaping((text) => text.replace(/[^ -~]|[\\'"<>&=]/gu, javascriptEscape))],
  ["urlquery", escaping((text) => queryEscape(bytesOf(text).toString("latin1")))],
  ["eq", { fixed: 1, variadic: true, call: equal }],
  ["ne", { fixed: 2, variadic: false, call: ([a, b], context) => !isEqual(a, b, context) }],
  ["lt", ordered((result) => result < 0)],
  ["le", ordered((result) => result <= 0)],
  ["gt", ordered((result) => result > 0)],
  ["ge", ordered((result) => result >= 0)],
]);

function formatted([format, ...values]: readonly GoValue[], context: BuiltinContext): string {
  if (typeof format !== "string") throw new BuiltinError("the format of `printf` in a template must be a string");
  return printf(format, values, context);
}
