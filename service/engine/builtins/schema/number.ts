import { bitLength, divide } from "../../go/big-float/big-float.ts";
import { floatText } from "../../go/big-float/text.ts";
import { compareNumbers } from "../../value/number.ts";
import type { BuiltinContext } from "../builtin.ts";

/** A decimal number: the digits, which do not end with 0, times ten to the exponent. */
export interface Exact {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

/** Go's `big.Rat` takes no greater powers of ten. */
const powerMax = 1_000_000;

/** A number of JSON; undefined when its exponent is out of bounds. */
export function exact(text: string): Exact | undefined {
  const [, sign, whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const all = (whole + fraction).replace(/^0+/, "");
  const power = Number(exponent) - fraction.length;
  if (all === "") return { negative: false, digits: "", exponent: 0 };
  if (Math.abs(power) > powerMax) return undefined;
  let end = all.length;
  while (all.charCodeAt(end - 1) === 0x30) end--;
  return { negative: sign === "-", digits: all.slice(0, end), exponent: power + all.length - end };
}

/** Whether a number has no fraction, however it is written. */
export function isInteger({ digits, exponent }: Exact): boolean {
  return digits === "" || exponent >= 0;
}

/** Negative, 0 or positive, as the first number is less than, equal to or greater than the second. */
export function compareExact(a: Exact, b: Exact): number {
  return compareNumbers(plain(a), plain(b));
}

function plain({ negative, digits, exponent }: Exact): string {
  return `${negative ? "-" : ""}${digits || "0"}e${exponent}`;
}

/** Integers of so many digits are read, and one is divided by the other. */
function pay(digits: number, others: number, context: BuiltinContext): void {
  context.spend(100 + (digits + others) * 10 + (digits * others) / 150);
}

/** Whether a number is a multiple of another one that is not 0. */
export function isMultiple(value: Exact, of: Exact, context: BuiltinContext): boolean {
  if (value.digits === "") return true;
  pay(value.digits.length, of.digits.length, context);
  const places = value.exponent - of.exponent;
  const divisor = BigInt(of.digits);
  if (places >= 0) {
    pay(of.digits.length, of.digits.length * Math.log2(places + 2), context);
    return (BigInt(value.digits) * powerModulo(10n, places, divisor)) % divisor === 0n;
  }
  // What ten to so many divides has more digits than that.
  return -places < value.digits.length && BigInt(value.digits) % (divisor * 10n ** BigInt(-places)) === 0n;
}

function powerModulo(base: bigint, exponent: number, modulus: bigint): bigint {
  let [result, square] = [1n % modulus, base % modulus];
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

/** As Go prints a `big.Float` that was made of the number: with an exponent from a million on and below 0.0001. */
export function goText(number: Exact, context: BuiltinContext): string {
  const { negative, digits, exponent } = number;
  if (isInteger(number)) return (negative ? "-" : "") + integerText(digits, digits.length + exponent);
  pay(digits.length - exponent, digits.length - exponent, context);
  const { dividend, divisor } = reduced(BigInt(digits), -exponent);
  const precision = Math.max(64, bitLength(dividend), bitLength(divisor));
  const quotient = divide({ mantissa: dividend, exponent: 0 }, { mantissa: divisor, exponent: 0 }, precision);
  return floatText({ ...quotient, negative, precision });
}

function integerText(digits: string, places: number): string {
  if (digits === "") return "0";
  if (places <= 6) return digits.padEnd(places, "0");
  const rest = digits.slice(1);
  return `${digits.charAt(0)}${rest === "" ? "" : `.${rest}`}e+${String(places - 1).padStart(2, "0")}`;
}

/** The fraction of an integer and a power of ten in lowest terms. */
function reduced(integer: bigint, power: number): { readonly dividend: bigint; readonly divisor: bigint } {
  const [byTwo, twos] = withoutFactor(integer, 2n, power);
  const [dividend, fives] = withoutFactor(byTwo, 5n, power);
  return { dividend, divisor: 2n ** BigInt(power - twos) * 5n ** BigInt(power - fives) };
}

/** Takes a factor out, at most so many times; first in large steps, so that few divisions are needed. */
function withoutFactor(integer: bigint, factor: bigint, most: number): readonly [bigint, number] {
  let [left, count] = [integer, 0];
  for (let step = 2 ** Math.floor(Math.log2(most)); step >= 1; step /= 2) {
    const power = factor ** BigInt(step);
    if (count + step > most || left % power !== 0n) continue;
    left /= power;
    count += step;
  }
  return [left, count];
}
