import { fromDecimal, multiply, truncate } from "../../go/big-float/big-float.ts";
import { toLower } from "../../go/case.ts";
import { RegoNumber } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";

/** An amount apart from its unit: the digits times ten to the exponent. */
interface Amount {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
  readonly unit: string;
}

const numeric = /^[\d.+-]*(?:[eE](?:[+-]|(?=\d))[\d.+-]*)*/;
const decimal = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d+))?$/;

/** OPA's way to tell where the unit begins: an `e` belongs to the number when a digit or a sign follows. */
function amountOf(text: string): Amount {
  if (text.includes(" ")) throw new BuiltinError("an amount must not have spaces");
  const number = numeric.exec(text)?.[0] ?? "";
  if (/[eE][+-]?\d{7}/.test(number)) throw new BuiltinError("the exponent is too large");
  const [matched, sign, whole = "", rest = "", bare = "", exponent = "0"] = decimal.exec(number) ?? [];
  if (matched === undefined) throw new BuiltinError("an amount must begin with a number");
  const fraction = rest + bare;
  const unit = text.slice(number.length);
  return { negative: sign === "-", digits: whole + fraction, exponent: Number(exponent) - fraction.length, unit };
}

function factorOf<T>(factors: ReadonlyMap<string, T>, unit: string): T {
  const factor = factors.get(unit);
  if (factor === undefined) throw new BuiltinError(`unit \`${unit.slice(0, 64)}\` is not recognized`);
  return factor;
}

const letters = ["k", "m", "g", "t", "p", "e"] as const;
const decimalFactors = letters.map((letter, index) => [letter, 1000n ** BigInt(index + 1)] as const);
const binaryFactors = letters.map((letter, index) => [`${letter}i`, 1024n ** BigInt(index + 1)] as const);
const byteFactors: ReadonlyMap<string, bigint> = new Map([
  ["", 1n],
  ...[...decimalFactors, ...binaryFactors].flatMap(([unit, factor]) => [[unit, factor] as const, [`${unit}b`, factor] as const]),
]);

/** Units for one amount, and for one digit of it. */
const cost = { amount: 500, digit: 2 } as const;

/** Units for turning so many digits into a number or back, which is more than linear work. */
function costOf(digits: number): number {
  return (digits * Math.sqrt(digits)) / 20;
}

const precision = 64;
const digitsPerBit = Math.log10(2);

/** `units.parse_bytes`: 64 bits of precision, cut to an integer; throws for what is no amount of bytes. */
export function parseBytes(text: string, context: BuiltinContext): RegoNumber {
  const { negative, digits, exponent, unit } = amountOf(toLower(text).replaceAll('"', ""));
  const factor = factorOf(byteFactors, unit);
  context.spend(cost.amount + costOf(digits.length));
  const amount = fromDecimal(BigInt(digits), exponent, precision);
  const bytes = multiply(amount, { mantissa: factor, exponent: 0 }, precision);
  context.spend(costOf(Math.max(bytes.exponent, 0) * digitsPerBit));
  const size = truncate(bytes);
  return new RegoNumber(`${negative && size > 0n ? "-" : ""}${size}`);
}

/** A factor as an integer times ten to the exponent. */
interface Factor {
  readonly integer: bigint;
  readonly exponent: number;
}

/** The double next to 0.001, which OPA multiplies with, in all of its digits. */
const milli: Factor = { integer: 1152921504606847n * 5n ** 60n, exponent: -60 };

const integerFactors: ReadonlyMap<string, Factor> = new Map(
  [["", 1n] as const, ...decimalFactors, ...binaryFactors].map(([unit, integer]) => [unit, { integer, exponent: 0 }] as const),
);

/** Only `m` and `M` are different units. */
function unitFactor(unit: string): Factor {
  if (unit === "m") return milli;
  return factorOf(integerFactors, unit.slice(0, 1).replace(/[A-Z]/, (letter) => letter.toLowerCase()) + toLower(unit.slice(1)));
}

/** Go's bound on powers of ten in a rational number. */
const exponentMax = 1_000_000;

/** `units.parse`: exact, with ten digits behind the point unless it is an integer; throws for what is no amount. */
export function parseUnits(text: string, context: BuiltinContext): RegoNumber {
  const { negative, digits, exponent, unit } = amountOf(text.replaceAll('"', ""));
  const factor = unitFactor(unit);
  if (/^0*$/.test(digits)) return new RegoNumber("0");
  if (Math.abs(exponent) > exponentMax) throw new BuiltinError("the exponent is too large");
  context.spend(cost.amount + digits.length * cost.digit + Math.abs(exponent) / 4);
  const value = place(times(digits, factor.integer), exponent + factor.exponent);
  return new RegoNumber(negative ? `-${value}` : value);
}

const chunk = 15;
const chunkBase = 10n ** BigInt(chunk);

/** The product in decimal digits without leading zeros, in linear time. */
function times(digits: string, factor: bigint): string {
  const parts: string[] = [];
  let carry = 0n;
  for (let end = digits.length; end > 0; end -= chunk) {
    const product = BigInt(digits.slice(Math.max(end - chunk, 0), end)) * factor + carry;
    parts.push(String(product % chunkBase).padStart(chunk, "0"));
    carry = product / chunkBase;
  }
  return `${carry}${parts.reverse().join("")}`.replace(/^0+/, "");
}

const places = 10;

/** Digits times ten to the exponent: an integer, or ten places, halves away from zero. */
function place(digits: string, exponent: number): string {
  if (exponent >= 0) return digits + "0".repeat(exponent);
  const padded = digits.padStart(1 - exponent, "0");
  const [whole, fraction] = [padded.slice(0, exponent), padded.slice(exponent)];
  if (/^0*$/.test(fraction)) return whole;
  const exact = whole + fraction.slice(0, places).padEnd(places, "0");
  const rounded = fraction.charAt(places) >= "5" ? increment(exact) : exact;
  return `${rounded.slice(0, -places)}.${rounded.slice(-places)}`;
}

function increment(digits: string): string {
  let at = digits.length - 1;
  while (digits.charAt(at) === "9") at--;
  const zeros = "0".repeat(digits.length - 1 - at);
  return at < 0 ? `1${zeros}` : `${digits.slice(0, at)}${Number(digits.charAt(at)) + 1}${zeros}`;
}
