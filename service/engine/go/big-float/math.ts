import { BuiltinError } from "../../builtins/builtin.ts";
import { type BigFloat, bitLength, divide as divideSizes, fromDecimal, multiply as multiplySizes, round } from "./big-float.ts";

/** Go's `big.Float` with its sign; a result has so many bits as `precision` says, rounded half to even. There is no infinity. */
export interface SignedFloat extends BigFloat {
  readonly negative: boolean;
  readonly precision: number;
}

/** A decimal number taken apart: the digits times ten to the exponent. */
interface DecimalText {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

/** Powers of two that a number may have: OPA lets numbers in up to 100 000, and goes on until time or memory is gone. */
export const bitsMax = 1 << 20;
const bitsPerDigit = Math.log2(10);

const decimal = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function takeApart(text: string): DecimalText {
  const [matched, sign, whole = "", fraction = "", exponent = "0"] = decimal.exec(text) ?? [];
  if (matched === undefined) throw new BuiltinError("number cannot be read");
  const digits = (whole + fraction).replace(/^0+/, "") || "0";
  const power = digits === "0" ? 0 : Number(exponent) - fraction.length;
  if ((Math.abs(power) + (power === 0 ? 0 : digits.length)) * bitsPerDigit > bitsMax) throw outOfBounds();
  return { negative: sign === "-", digits, exponent: power };
}

/** About how many bits a number's text stands for: what work with it takes grows with them. Throws for exponents out of bounds. */
export function bitsOf(text: string): number {
  if (text.length < 20 && /^-?\d+$/.test(text)) return 64;
  const { digits, exponent } = takeApart(text);
  return (digits.length + Math.abs(exponent)) * bitsPerDigit;
}

/** The integer that a number's text stands for, however it is written and of any size; undefined when it has a fraction. */
export function wholeOf(text: string): bigint | undefined {
  if (/^-?\d+$/.test(text)) return BigInt(text);
  const { negative, digits, exponent } = takeApart(text);
  const end = digits.length + Math.min(exponent, 0);
  if (end < 0 || /[^0]/.test(digits.slice(end))) return digits === "0" ? 0n : undefined;
  const size = BigInt(digits.slice(0, end)) * 10n ** BigInt(Math.max(exponent, 0));
  return negative ? -size : size;
}

/** Reads a number with 64 bits. */
export function floatOf(text: string): SignedFloat {
  const { negative, digits, exponent } = takeApart(text);
  return { negative, precision: 64, ...fromDecimal(BigInt(digits), exponent, 64) };
}

/** An integer that a double holds. */
export function smallFloat(value: number, precision: number): SignedFloat {
  return { negative: value < 0, mantissa: BigInt(Math.abs(value)), exponent: 0, precision };
}

/** The number with the other sign; zero has one too. */
export function negated(x: SignedFloat): SignedFloat {
  return { ...x, negative: !x.negative };
}

/** The power of two that is just above the number. */
function topOf({ mantissa, exponent }: BigFloat): number {
  return bitLength(mantissa) + exponent;
}

function bounded(size: BigFloat, negative: boolean, precision: number): SignedFloat {
  if (size.mantissa !== 0n && Math.abs(topOf(size)) > bitsMax) throw outOfBounds();
  return { ...size, negative, precision };
}

function outOfBounds(): BuiltinError {
  return new BuiltinError("number is too large or too small");
}

/** The sum, with as many bits as the operand that has more. */
export function add(x: SignedFloat, y: SignedFloat): SignedFloat {
  const precision = Math.max(x.precision, y.precision);
  if (x.mantissa === 0n && y.mantissa === 0n) return { ...x, negative: x.negative && y.negative, precision };
  if (x.mantissa === 0n || y.mantissa === 0n) return { ...(x.mantissa === 0n ? y : x), precision };
  const large = topOf(x) >= topOf(y) ? x : y;
  const small = tipping(large === x ? y : x, large, precision);
  const exponent = Math.min(large.exponent, small.exponent);
  const sum = signedSize(large, exponent) + signedSize(small, exponent);
  const size = round({ mantissa: sum < 0n ? -sum : sum, exponent }, precision);
  return bounded(size, sum < 0n, precision);
}

/** What is so small that it only tips the rounding may as well be a bit that does. */
function tipping(small: SignedFloat, large: SignedFloat, precision: number): SignedFloat {
  const exponent = Math.min(topOf(large) - precision, large.exponent) - 64;
  return topOf(small) < exponent ? { ...small, mantissa: 1n, exponent } : small;
}

/** The mantissa with its sign, for a lower exponent. */
function signedSize(x: SignedFloat, exponent: number): bigint {
  const size = x.mantissa << BigInt(x.exponent - exponent);
  return x.negative ? -size : size;
}

/** The product. */
export function multiply(x: SignedFloat, y: SignedFloat, precision: number): SignedFloat {
  return bounded(multiplySizes(x, y, precision), x.negative !== y.negative, precision);
}

/** The quotient, with as many bits as the operand that has more; the divisor must not be zero. */
export function divide(x: SignedFloat, y: SignedFloat): SignedFloat {
  const precision = Math.max(x.precision, y.precision);
  return bounded(divideSizes(x, y, precision), x.negative !== y.negative, precision);
}

/** Whether nothing is behind the point. */
export function isInteger({ mantissa, exponent }: BigFloat): boolean {
  return exponent >= 0 || BigInt.asUintN(-exponent, mantissa) === 0n;
}

/** The integer part, with as many bits as it needs. */
function integerPart(x: SignedFloat): SignedFloat {
  const size = x.exponent >= 0 ? x : { mantissa: x.mantissa >> BigInt(-x.exponent), exponent: 0 };
  return { ...size, negative: x.negative && size.mantissa !== 0n, precision: Math.max(64, topOf(size)) };
}

const half: SignedFloat = { negative: false, mantissa: 1n, exponent: -1, precision: 53 };
const one = smallFloat(1, 53);

/** To the nearest integer, halves away from zero. */
export function rounded(x: SignedFloat): SignedFloat {
  return integerPart(add(x, x.negative ? negated(half) : half));
}

/** The least integer above, but 1 for what is between -1 and 0, as in OPA. */
export function ceiling(x: SignedFloat): SignedFloat {
  const whole = integerPart(x);
  return whole.negative || isInteger(x) ? whole : add(whole, one);
}

/** The greatest integer below, but 0 for what is between -1 and 0, as in OPA. */
export function floor(x: SignedFloat): SignedFloat {
  const whole = integerPart(x);
  return !whole.negative || isInteger(x) ? whole : add(whole, negated(one));
}
