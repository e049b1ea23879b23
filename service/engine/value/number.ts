/** A decimal taken apart: `digits` (without leading zeros) times ten to the `exponent`. */
interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

const decimal = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
/** Whole numbers that a double holds. */
const small = /^-?\d{1,15}$/;
/** Zeros that are written out at most: a short text must not become a long number. */
const zerosMax = 400;

function parse(text: string): Decimal | undefined {
  const [matched, sign, whole = "", fraction = "", exponent = "0"] = decimal.exec(text) ?? [];
  if (matched === undefined) return undefined;
  return { negative: sign === "-", digits: (whole + fraction).replace(/^0+/, ""), exponent: Number(exponent) - fraction.length };
}

/** The integer that a number's text stands for, however it is written (`1500`, `1.5e3`); undefined when it is not one. */
export function exactInteger(text: string): bigint | undefined {
  if (small.test(text)) return BigInt(text);
  const parsed = parse(text);
  if (parsed === undefined) return undefined;
  const { negative, digits, exponent } = parsed;
  if (digits === "") return 0n;
  if (exponent > zerosMax) return undefined;
  const scaled = exponent >= 0 ? digits + "0".repeat(exponent) : cutZeros(digits, -exponent);
  if (scaled === undefined) return undefined;
  return negative ? -BigInt(scaled) : BigInt(scaled);
}

function cutZeros(digits: string, count: number): string | undefined {
  if (count >= digits.length) return undefined;
  return /^0*$/.test(digits.slice(-count)) ? digits.slice(0, -count) : undefined;
}

/** The order of two numbers, exact whatever their size; a text that is no number is the least. */
export function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  if (small.test(a) && small.test(b)) return Number(a) - Number(b) || 0;
  const [x, y] = [parse(a), parse(b)];
  if (x === undefined || y === undefined) return Number(x !== undefined) - Number(y !== undefined);
  const [signX, signY] = [signOf(x), signOf(y)];
  return signX === signY ? signX * compareSizes(x, y) : signX - signY;
}

function signOf({ negative, digits }: Decimal): number {
  if (digits === "") return 0;
  return negative ? -1 : 1;
}

/** By the place of the first digit, then digit by digit. */
function compareSizes(x: Decimal, y: Decimal): number {
  const magnitude = x.digits.length + x.exponent - (y.digits.length + y.exponent);
  // Two exponents beyond all doubles differ by nothing that is a number.
  if (magnitude !== 0 && !Number.isNaN(magnitude)) return magnitude;
  const length = Math.max(x.digits.length, y.digits.length);
  const [p, q] = [x.digits.padEnd(length, "0"), y.digits.padEnd(length, "0")];
  return p < q ? -1 : Number(p > q);
}
