import { RegoObject } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { sprintf } from "../sprintf.ts";
import { checkLength, type GoValue, goTypeOf, integerIn, itemsIn, joinedText, type Kind, kindOf, textIn } from "./values.ts";

/** How Go's fmt is to write a value. */
interface Spec {
  readonly verb: string;
  readonly flags: ReadonlySet<string>;
  readonly width: number | undefined;
  readonly precision: number | undefined;
}

const plainSpec: Spec = { verb: "v", flags: new Set(), width: undefined, precision: undefined };

/** `%v` of a value. */
export function plainText(value: GoValue, context: BuiltinContext): string {
  if (typeof value === "string") return value;
  return format(plainSpec, value, context);
}

/** Go's `fmt.Sprint`: spaces between two that are not strings. */
export function sprint(values: readonly GoValue[], context: BuiltinContext): string {
  const parts = values.map((value, index) => {
    const spaced = index > 0 && kindOf(value) !== "string" && kindOf(values[index - 1]) !== "string";
    return (spaced ? " " : "") + plainText(value, context);
  });
  return joinedText(parts, "", context);
}

/** Go's `fmt.Sprintln`. */
export function sprintln(values: readonly GoValue[], context: BuiltinContext): string {
  return `${joinedText(
    values.map((value) => plainText(value, context)),
    " ",
    context,
  )}\n`;
}

/** The verbs that write a value; all others say what is wrong. */
const verbs: ReadonlyMap<Kind, string> = new Map<Kind, string>([
  ["bool", "tv"],
  ["int", "vdboOxXcqU"],
  ["uint", "vdboOxXcqU"],
  ["float", "vbgGxXfFeE"],
  ["string", "vsxXq"],
]);

/** Units for a value as it is, for one that is written as a directive says, and for reading the directive. */
const plainUnits = 5;
const formatUnits = 150;
const directiveUnits = 100;

/** Writes one value as a directive says; the items of arrays and objects are written one by one. */
function format(spec: Spec, value: GoValue, context: BuiltinContext): string {
  const kind = kindOf(value);
  const plain = spec === plainSpec ? plainOf(kind, value) : undefined;
  context.spend(plain === undefined ? formatUnits : plainUnits);
  if (plain !== undefined) return plain;
  if (spec.verb === "T") return padded({ ...spec, verb: "s" }, goTypeOf(value));
  if (kind === "slice" || kind === "map") return container(spec, value, context);
  const isNil = kind === "nothing" || kind === "nil";
  if (!(isNil ? "v" : (verbs.get(kind) ?? "")).includes(spec.verb)) return wrong(spec, value, context);
  if (isNil || kind === "bool") return padded({ ...spec, precision: undefined }, isNil ? "<nil>" : String(value));
  return scalar(spec, value);
}

/** `%v` of what needs no format. */
function plainOf(kind: Kind, value: GoValue): string | undefined {
  if (kind === "string" || kind === "bool") return textIn(value);
  return kind === "int" || kind === "uint" ? String(integerIn(value)) : undefined;
}

function scalar(spec: Spec, value: GoValue): string {
  const { verb, flags, width, precision } = spec;
  const sharpByte = kindOf(value) === "uint" && verb === "v" && flags.has("#");
  const text = [...flags].join("") + (width ?? "") + (precision === undefined ? "" : `.${precision}`) + (sharpByte ? "x" : verb);
  return sprintf(`%${text}`, [scalarOf(value)]);
}

function scalarOf(value: GoValue): bigint | number | string {
  if (typeof value === "number") return value;
  return kindOf(value) === "string" ? textIn(value) : integerIn(value);
}

function padded({ flags, width, precision }: Spec, text: string): string {
  const kept = new Set([...flags].filter((flag) => flag === "-" || flag === "0"));
  return scalar({ verb: "s", flags: kept, width, precision }, text);
}

/** What Go writes where a verb does not fit. */
function wrong(spec: Spec, value: GoValue, context: BuiltinContext): string {
  if (value === null || value === undefined) return `%!${spec.verb}(<nil>)`;
  return `%!${spec.verb}(${goTypeOf(value)}=${format({ ...spec, verb: "v" }, value, context)})`;
}

function container(spec: Spec, value: GoValue, context: BuiltinContext): string {
  if (spec.verb === "p") throw new BuiltinError("`%p` in a format is not supported");
  const [open, separator, close] = bracketsOf(spec, value);
  const item = (part: GoValue) => (part === null ? nilItem(spec) : format(spec, part, context));
  const parts =
    value instanceof RegoObject
      ? value.entries.map(([key, part]) => `${item(key)}:${item(part)}`)
      : itemsIn(value).map((part) => item(part));
  return open + joinedText(parts, separator, context) + close;
}

function bracketsOf(spec: Spec, value: GoValue): readonly [string, string, string] {
  if (isSyntax(spec)) return [`${goTypeOf(value)}{`, ", ", "}"];
  return [value instanceof RegoObject ? "map[" : "[", " ", "]"];
}

function nilItem(spec: Spec): string {
  return isSyntax(spec) ? "interface {}(nil)" : "<nil>";
}

/** `%#v` writes Go's own syntax. */
function isSyntax({ verb, flags }: Spec): boolean {
  return verb === "v" && flags.has("#");
}

/** A format that is being read. */
interface Format {
  readonly text: string;
  readonly values: readonly GoValue[];
  /** Where the last `]` stands. */
  readonly lastClose: number;
  at: number;
  next: number;
  /** Some index was used, so that leftovers are not counted; the last one was one. */
  reordered: boolean;
  valid: boolean;
}

/** Go's own bound of widths and precisions. */
const sizeMax = 1_000_000;

/** Go's `fmt.Sprintf`. */
export function printf(text: string, values: readonly GoValue[], context: BuiltinContext): string {
  const reading: Format = { text, values, lastClose: text.lastIndexOf("]"), at: 0, next: 0, reordered: false, valid: true };
  const parts: string[] = [];
  let length = 0;
  const write = (part: string): void => {
    length += part.length;
    checkLength(length);
    parts.push(part);
  };
  while (reading.at < text.length) {
    const found = text.indexOf("%", reading.at);
    write(text.slice(reading.at, found === -1 ? text.length : found));
    reading.at = found === -1 ? text.length : found + 1;
    if (found !== -1) write(directive(reading, context));
  }
  const rest = reading.reordered ? [] : values.slice(reading.next);
  if (rest.length > 0) write(`%!(EXTRA ${rest.map((value) => extra(value, context)).join(", ")})`);
  return joinedText(parts, "", context);
}

function extra(value: GoValue, context: BuiltinContext): string {
  return value === null || value === undefined ? "<nil>" : `${goTypeOf(value)}=${plainText(value, context)}`;
}

function directive(reading: Format, context: BuiltinContext): string {
  context.spend(directiveUnits);
  reading.valid = true;
  const flags = new Set(take(reading, /[ +\-#0]*/y));
  let indexed = readIndex(reading);
  const width = readSize(reading, indexed, flags);
  if (width.counted) indexed = false;
  const precision = readPrecision(reading, indexed);
  if (!precision.indexed) readIndex(reading);
  const verb = take(reading, /[\s\S]?/uy).toWellFormed();
  const problems = width.problem + precision.problem;
  if (verb === "") return `${problems}%!(NOVERB)`;
  if (verb === "%") return `${problems}%`;
  if (!reading.valid) return `${problems}%!${verb}(BADINDEX)`;
  if (reading.next >= reading.values.length) return `${problems}%!${verb}(MISSING)`;
  const value = reading.values[reading.next++];
  return problems + format({ verb, flags, width: width.size, precision: precision.size }, value, context);
}

function take(reading: Format, pattern: RegExp): string {
  pattern.lastIndex = reading.at;
  const found = pattern.exec(reading.text)?.[0] ?? "";
  reading.at += found.length;
  return found;
}

/** `[3]`: goes to that value; true if it is written as an index. */
function readIndex(reading: Format): boolean {
  if (reading.text[reading.at] !== "[") return false;
  reading.reordered = true;
  const inner = reading.at < reading.lastClose ? take(reading, /\[[^\]]*\]/y) : take(reading, /\[/y);
  const written = /^\[\d+\]$/.test(inner);
  const index = written ? Number(inner.slice(1, -1)) - 1 : -1;
  if (index >= 0 && index < reading.values.length) reading.next = index;
  else reading.valid = false;
  return written;
}

interface Size {
  readonly size: number | undefined;
  /** It was taken from the values. */
  readonly counted: boolean;
  readonly problem: string;
}

const noSize: Size = { size: undefined, counted: false, problem: "" };

function readSize(reading: Format, indexed: boolean, flags: Set<string>): Size {
  if (reading.text[reading.at] !== "*") {
    const size = readNumber(reading);
    if (indexed && size !== undefined) reading.valid = false;
    return { ...noSize, size };
  }
  const size = countedSize(reading);
  if (size === undefined) return { ...noSize, counted: true, problem: "%!(BADWIDTH)" };
  if (size >= 0) return { ...noSize, size, counted: true };
  // A negative width is one with the flag `-`.
  flags.add("-");
  flags.delete("0");
  return { ...noSize, size: -size, counted: true };
}

function readPrecision(reading: Format, indexed: boolean): Size & { readonly indexed: boolean } {
  if (reading.text[reading.at] !== ".") return { ...noSize, indexed };
  reading.at++;
  if (indexed) reading.valid = false;
  const again = readIndex(reading);
  if (reading.text[reading.at] !== "*") return { ...noSize, size: readNumber(reading) ?? 0, indexed: again };
  const size = countedSize(reading);
  return size === undefined || size < 0 ? { ...noSize, problem: "%!(BADPREC)", indexed: false } : { ...noSize, size, indexed: false };
}

/** Digits; what is too large ends the format, as it does in Go. */
function readNumber(reading: Format): number | undefined {
  const digits = take(reading, /\d*/y);
  if (digits === "") return undefined;
  // Go looks before it takes the last digit.
  if (Number(digits) < 10 * (sizeMax + 1)) return Number(digits);
  reading.at = reading.text.length;
  return undefined;
}

function countedSize(reading: Format): number | undefined {
  reading.at++;
  if (reading.next >= reading.values.length) return undefined;
  const value = reading.values[reading.next++];
  const size = /^u?int$/.test(kindOf(value)) ? Number(integerIn(value)) : Number.NaN;
  return Math.abs(size) <= sizeMax ? size : undefined;
}
