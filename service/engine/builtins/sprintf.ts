import { formatFloat } from "../go/float.ts";
import { bytesOf } from "../value/bytes.ts";
import { RegoNumber, type Value } from "../value/value.ts";
import { quote, valueText } from "../value/write.ts";
import { BuiltinError, type Family } from "./builtin.ts";
import { arrayOf, stringOf } from "./operands.ts";

/** What OPA hands to Go's `fmt.Sprintf`: integers, doubles and text; everything else is text already. */
type GoValue = bigint | number | string;

function goValue(value: Value): GoValue {
  if (typeof value === "string") return value;
  if (!(value instanceof RegoNumber)) return valueText(value);
  if (!/[.eE]/.test(value.text)) return BigInt(value.text);
  const double = Number(value.text);
  return Number.isFinite(double) ? double : value.text;
}

/** One `%` directive taken apart. */
interface Directive {
  readonly flags: ReadonlySet<string>;
  readonly width: number | undefined;
  readonly precision: number | undefined;
  readonly verb: string;
}

interface Arguments {
  readonly values: readonly GoValue[];
  next: number;
  /** An index such as `%[2]d` was used: leftovers are not counted then. */
  reordered: boolean;
}

const directive = /%([ +\-#0]*)(?:\[(\d+)\])?(\d*)(?:(\.)(\d*))?(?:\[(\d+)\])?([\s\S]?)/gu;
/** Go's own bound. */
const sizeMax = 1_000_000;

/** Go's `fmt.Sprintf` for the values that Rego has, with its texts for mistakes (`%!d(string=x)`, `%!v(MISSING)` …). */
export function sprintf(format: string, values: readonly GoValue[]): string {
  const args: Arguments = { values, next: 0, reordered: false };
  const text = format.replace(directive, (...groups) => expand(groups as readonly string[], args));
  return text + extra(args);
}

function expand(groups: readonly string[], args: Arguments): string {
  const [, flags = "", before, width, dot, precision, behind, verb = ""] = groups as readonly (string | undefined)[];
  if (verb === "") return "%!(NOVERB)";
  if (verb === "%") return "%";
  if (verb === "*" || verb === "[") throw new BuiltinError(`\`${verb}\` in a format is not supported there`);
  if (!reorder(args, before ?? behind)) return `%!${verb}(BADINDEX)`;
  const value = args.values[args.next++];
  if (value === undefined) return `%!${verb}(MISSING)`;
  const precise = dot === undefined ? undefined : (sizeOf(precision) ?? 0);
  return one({ flags: new Set(flags), width: sizeOf(width), precision: precise, verb }, value);
}

/** Goes to the argument of an index such as `[2]`; false when there is no such argument. */
function reorder(args: Arguments, index: string | undefined): boolean {
  if (index === undefined) return true;
  args.reordered = true;
  args.next = Number(index) - 1;
  return args.next >= 0 && args.next < args.values.length;
}

function sizeOf(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (Number(text) > sizeMax) throw new BuiltinError("width or precision in a format is too large");
  return Number(text);
}

function extra(args: Arguments): string {
  if (args.reordered || args.next >= args.values.length) return "";
  const rest = args.values.slice(args.next).map((value) => `${typeName(value)}=${plain(value)}`);
  return `%!(EXTRA ${rest.join(", ")})`;
}

function typeName(value: GoValue): string {
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "float64";
  return BigInt.asIntN(64, value) === value ? "int64" : "*big.Int";
}

function plain(value: GoValue): string {
  return typeof value === "number"
    ? formatFloat(Math.abs(value), "g", undefined, false).replace(/^/, isNegative(value) ? "-" : "")
    : String(value);
}

function isNegative(value: number): boolean {
  return value < 0 || Object.is(value, -0);
}

const noFlags: ReadonlySet<string> = new Set();

function one(spec: Directive, value: GoValue): string {
  if (spec.verb === "T") return pad(spec, typeName(value), false);
  // Go prints an address there, and OPA a number that means nothing.
  if (spec.verb === "p" || spec.verb === "w") throw new BuiltinError(`\`%${spec.verb}\` in a format is not supported`);
  if (spec.verb !== "v") return formatAs(spec, value) ?? wrongVerb(spec, value);
  const flags = new Set([...spec.flags].filter((flag) => flag !== "+" && flag !== "#"));
  if (typeof value === "string" && spec.flags.has("#")) return pad({ ...spec, flags }, quote(value), false);
  return formatAs({ ...spec, flags }, value) ?? "";
}

function formatAs(spec: Directive, value: GoValue): string | undefined {
  return typeof value === "string" ? formatString(spec, value) : formatNumber(spec, value);
}

/** Go shows the value with all flags, as `%v` would. */
function wrongVerb(spec: Directive, value: GoValue): string {
  if (isBig(value)) return `%!${spec.verb}(big.Int=${value})`;
  return `%!${spec.verb}(${typeName(value)}=${formatAs({ ...spec, verb: "v" }, value) ?? ""})`;
}

function isBig(value: GoValue): value is bigint {
  return typeof value === "bigint" && BigInt.asIntN(64, value) !== value;
}

function formatString(spec: Directive, value: string): string | undefined {
  const { verb, flags, precision } = spec;
  const cut = precision === undefined ? value : [...value].slice(0, precision).join("");
  if (verb === "v" || verb === "s") return pad(spec, cut, false);
  if (verb === "q") return pad(spec, flags.has("#") && !/[`\p{Cc}]/u.test(cut) ? `\`${cut}\`` : quote(cut, flags.has("+")), false);
  if (verb !== "x" && verb !== "X") return undefined;
  const bytes = bytesOf(value).subarray(0, precision).toString("hex");
  const prefix = flags.has("#") && bytes !== "" ? "0x" : "";
  const text = prefix + (flags.has(" ") ? bytes.replace(/..(?=.)/g, `$& ${prefix}`) : bytes);
  return pad(spec, verb === "X" ? text.toUpperCase() : text, false);
}

const radixes: ReadonlyMap<string, number> = new Map([
  ["d", 10],
  ["v", 10],
  ["b", 2],
  ["o", 8],
  ["O", 8],
  ["x", 16],
  ["X", 16],
]);
const prefixes: ReadonlyMap<string, string> = new Map([
  ["b", "0b"],
  ["o", "0"],
  ["x", "0x"],
  ["X", "0X"],
]);

function formatNumber(spec: Directive, value: bigint | number): string | undefined {
  if (typeof value === "bigint") return formatInteger(spec, value);
  const verb = spec.verb === "v" ? "g" : spec.verb;
  if (/^[xXb]$/.test(verb)) throw new BuiltinError(`\`%${verb}\` of a number with a fraction is not supported`);
  if (!/^[eEfFgG]$/.test(verb)) return undefined;
  const text = formatFloat(Math.abs(value), verb === "F" ? "f" : verb, spec.precision, spec.flags.has("#"));
  return pad(spec, sign(spec, isNegative(value)) + text, true);
}

function formatInteger(spec: Directive, value: bigint): string | undefined {
  const { verb, flags, precision } = spec;
  if (!isBig(value) && /^[cqU]$/.test(verb)) return formatRune(spec, value);
  const radix = isBig(value) && verb === "s" ? 10 : radixes.get(verb);
  if (radix === undefined) return undefined;
  const spaced = { ...spec, flags: flags.has("-") ? flags : noFlags };
  if (precision === 0 && value === 0n) return pad(spaced, "", false);
  const head = sign(spec, value < 0n);
  const prefix = prefixOf(spec);
  // Go counts the prefix of a 64-bit integer on top of the zeros.
  const digitsMin = precision ?? zeroWidth(spec) - head.length - (isBig(value) ? prefix.length : 0);
  const digits = (value < 0n ? -value : value).toString(radix).padStart(digitsMin, "0");
  const text = (prefix === "0" && digits.startsWith("0") ? "" : prefix) + digits;
  return pad(spaced, head + (verb === "X" ? text.toUpperCase() : text), false);
}

function prefixOf({ verb, flags }: Directive): string {
  if (verb === "O") return "0o";
  return flags.has("#") ? (prefixes.get(verb) ?? "") : "";
}

/** How wide zeros make a number. */
function zeroWidth({ flags, width }: Directive): number {
  return flags.has("0") && !flags.has("-") ? (width ?? 0) : 0;
}

function formatRune(spec: Directive, value: bigint): string {
  const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  const character = valid ? String.fromCodePoint(Number(value)) : "\ufffd";
  if (spec.verb === "c") return pad(spec, character, false);
  if (spec.verb === "U") return pad(spec, `U+${BigInt.asUintN(64, value).toString(16).toUpperCase().padStart(4, "0")}`, false);
  const quoted = quote(character, spec.flags.has("+")).slice(1, -1).replace('\\"', '"').replace("'", "\\'");
  return pad(spec, `'${quoted}'`, false);
}

function sign({ flags }: Directive, negative: boolean): string {
  if (negative) return "-";
  if (flags.has("+")) return "+";
  return flags.has(" ") ? " " : "";
}

function pad({ flags, width = 0 }: Directive, text: string, numeric: boolean): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.has("-")) return text + " ".repeat(missing);
  if (!flags.has("0")) return " ".repeat(missing) + text;
  if (!numeric) return "0".repeat(missing) + text;
  const [, head = "", digits = ""] = /^([+\- ]?(?:0[xXb])?)(.*)$/.exec(text) ?? [];
  return head + "0".repeat(missing) + digits;
}

/** `sprintf`, as Go's fmt writes. */
export const text: Family = {
  sprintf: ([format, values]) => sprintf(stringOf(format), arrayOf(values).map(goValue)),
  // Tracing goes nowhere: a decision must not depend on who listens.
  trace: ([message]) => stringOf(message) !== undefined,
};
