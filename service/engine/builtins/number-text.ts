import { bitLength, truncate } from "../go/big-float/big-float.ts";
import { bitsOf, floatOf } from "../go/big-float/math.ts";
import { numberOf, RegoNumber, type Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { paidText, payForBits } from "./numbers/big-operands.ts";
import { numberOperand, wrongType } from "./operands.ts";

const radixes: ReadonlyMap<string, number> = new Map([
  ["2", 2],
  ["8", 8],
  ["10", 10],
  ["16", 16],
]);

/** Integers exactly; others lose what is behind the point, and what does not fit into 64 bits. */
function formatInt(value: Value | undefined, base: Value | undefined, context: BuiltinContext): string {
  const text = paidText(value, context);
  const radix = radixes.get(numberOperand(base).text);
  if (radix === undefined) throw new BuiltinError("base must be one of 2, 8, 10 and 16");
  if (/^-?\d+$/.test(text)) return BigInt(text).toString(radix);
  const float = floatOf(text);
  const size = truncate(float);
  return (float.negative ? -size : size).toString(radix);
}

/** OPA takes no number whose power of two is less. */
const powerMin = -100_000;

/** Units for a character of a text that may be a number. */
const characterUnits = 5;

/** A number from text as Go's `strconv.ParseFloat` reads it, its digits kept. What JSON would not take is written as JSON would. */
function toNumber(text: string, context: BuiltinContext): RegoNumber {
  context.spend(text.length * characterUnits);
  const plain = json.test(text) ? text : plainText(text, context);
  if (plain === undefined) throw new BuiltinError("the text is not a number");
  if (!Number.isFinite(Number(plain))) throw new BuiltinError("the number is out of range");
  if (/e/i.test(plain)) checkPower(plain, context);
  return new RegoNumber(plain);
}

const json = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function checkPower(text: string, context: BuiltinContext): void {
  payForBits(bitsOf(text), context);
  const { mantissa, exponent } = floatOf(text);
  if (mantissa !== 0n && exponent + bitLength(mantissa) < powerMin) throw new BuiltinError("the number is too small");
}

const prefix = /^[+-]?0x/i;
const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(e[+-]?\d+)?$/i;
const hexadecimal = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?p([+-]?\d+)$/i;

/** The same number as JSON writes it, from all that Go takes: a plus, no digit before or behind the point, underscores, powers of two. */
function plainText(text: string, context: BuiltinContext): string | undefined {
  const misplaced = prefix.test(text) ? /[^\da-fx]_|_[^\da-f]|_$/i : /\D_|_\D|^_|_$/;
  if (misplaced.test(text)) return undefined;
  const plain = text.replaceAll("_", "");
  const [, sign = "", whole = "", fraction = "", exponent = ""] = decimal.exec(plain) ?? [];
  if (whole + fraction === "") return hexText(plain, context);
  return `${sign === "-" ? "-" : ""}${whole.replace(/^0+/, "") || "0"}${fraction === "" ? "" : `.${fraction}`}${exponent}`;
}

function hexText(text: string, context: BuiltinContext): string | undefined {
  const [, sign = "", whole = "", fraction = "", exponent = ""] = hexadecimal.exec(text) ?? [];
  if (whole + fraction === "") return undefined;
  const digits = BigInt(`0x${whole}${fraction}`);
  const power = digits === 0n ? 0 : Number(exponent) - 4 * fraction.length;
  if (Math.abs(power) > -powerMin) throw new BuiltinError("the number is out of range");
  payForBits(Math.abs(power) + 4 * text.length, context);
  const halvings = Math.min(bitLength(digits & -digits) - 1, Math.max(-power, 0));
  const [odd, left] = digits === 0n ? [0n, 0] : [digits >> BigInt(halvings), power + halvings];
  const size = left < 0 ? `${odd * 5n ** BigInt(-left)}e${left}` : String(odd << BigInt(left));
  return `${sign === "-" ? "-" : ""}${size}`;
}

function castNumber(value: Value | undefined, context: BuiltinContext): Value {
  if (value instanceof RegoNumber) return value;
  if (value === null || typeof value === "boolean") return numberOf(Number(value));
  if (typeof value !== "string") throw wrongType("null, boolean, number or string", value);
  return toNumber(value, context);
}

/** `format_int` and `to_number`. */
export const numberText: Family = {
  format_int: ([value, base], context) => formatInt(value, base, context),
  to_number: ([value], context) => castNumber(value, context),
};
