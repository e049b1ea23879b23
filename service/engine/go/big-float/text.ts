import { bitLength } from "./big-float.ts";
import { isInteger, type SignedFloat } from "./math.ts";

/** Decimal digits without zeros around them, and where the point stands: `0.digits` times ten to `point`. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** All digits of an integer times a power of two. */
function exactDecimal(mantissa: bigint, exponent: number): Decimal {
  const shift = Math.max(exponent, 0);
  const fives = Math.max(-exponent, 0);
  const text = String((mantissa << BigInt(shift)) * powerOfFive(fives));
  return { digits: withoutZeros(text), point: text.length - fives };
}

const smallPowers = Array.from({ length: 128 }, (_, exponent) => 5n ** BigInt(exponent));

function powerOfFive(exponent: number): bigint {
  return smallPowers[exponent] ?? 5n ** BigInt(exponent);
}

function withoutZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}

/**
 * The digits that Go writes for a number without asking for a precision: just enough to tell it from the numbers half a bit below and
 * above. Go looks for them digit by digit, and so they are not always the nearest of that length.
 */
function shortest({ mantissa, exponent, precision }: SignedFloat): Decimal {
  if (mantissa === 0n) return { digits: "", point: 0 };
  const shift = precision + 1 - bitLength(mantissa);
  const size = mantissa << BigInt(shift);
  const bounds = [size - 1n, size + 1n].map((bound) => exactDecimal(bound, exponent - shift).digits);
  return cut(exactDecimal(mantissa, exponent), bounds as [string, string], (size & 2n) === 0n);
}

function cut(exact: Decimal, [lower, upper]: readonly [string, string], inclusive: boolean): Decimal {
  for (let index = 0; index < exact.digits.length; index++) {
    const digit = exact.digits.charCodeAt(index);
    const below = digitAt(lower, index);
    const above = digitAt(upper, index);
    const down = below !== digit || (inclusive && index + 1 === lower.length);
    const up = digit !== above && (inclusive || digit + 1 < above || index + 1 < upper.length);
    if (down || up) return down && !(up && isUpNearer(exact.digits, index + 1)) ? roundDown(exact, index + 1) : roundUp(exact, index + 1);
  }
  return exact;
}

function digitAt(digits: string, index: number): number {
  return index < digits.length ? digits.charCodeAt(index) : 0x30;
}

/** Halves go to the even digit. */
function isUpNearer(digits: string, count: number): boolean {
  if (count >= digits.length) return false;
  if (digits.charAt(count) !== "5" || count + 1 < digits.length) return digits.charAt(count) >= "5";
  return digits.charCodeAt(count - 1) % 2 === 1;
}

function roundDown({ digits, point }: Decimal, count: number): Decimal {
  return { digits: withoutZeros(digits.slice(0, count)), point };
}

function roundUp({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  const raised = String(BigInt(digits.slice(0, count)) + 1n);
  return { digits: withoutZeros(raised), point: point + raised.length - count };
}

/** The number as OPA writes it: integers with all their places, others with an exponent below 0.0001 and from a million on. */
export function floatText(x: SignedFloat): string {
  const { digits, point } = shortest(x);
  const sign = x.negative ? "-" : "";
  if (isInteger(x)) return sign + (digits.padEnd(point, "0") || "0");
  return sign + (point < -3 || point > 6 ? scientific(digits, point - 1) : positional(digits, point));
}

function positional(digits: string, point: number): string {
  const whole = digits.slice(0, Math.max(point, 0)).padEnd(point, "0") || "0";
  const fraction = "0".repeat(Math.max(-point, 0)) + digits.slice(Math.max(point, 0));
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

function scientific(digits: string, exponent: number): string {
  const rest = digits.slice(1);
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${digits.charAt(0)}${rest === "" ? "" : `.${rest}`}e${exponent < 0 ? "-" : "+"}${power}`;
}
