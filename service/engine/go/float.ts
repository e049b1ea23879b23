/** Decimal digits of a number, without leading and trailing zeros, and where the point stands: `0.digits` times ten to `point`. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

/** Go's `%e`, `%f` and `%g` of a double that is not negative. Without precision `%g` takes the shortest digits that read back the same. */
export function formatFloat(value: number, verb: string, precision: number | undefined, sharp: boolean): string {
  const lower = verb.toLowerCase();
  const text =
    lower === "g" ? general(value, precision, sharp) : lower === "e" ? scientific(value, precision ?? 6) : fixed(value, precision ?? 6);
  const pointed = sharp && lower !== "g" && !text.includes(".") ? text.replace(/^\d+/, "$&.") : text;
  return verb === lower ? pointed : pointed.toUpperCase();
}

function fixed(value: number, precision: number): string {
  const exact = exactDecimal(value);
  return place(round(exact, exact.point + precision), precision);
}

function place({ digits, point }: Decimal, precision: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, "0") : "0";
  const fraction = ("0".repeat(Math.max(-point, 0)) + digits.slice(Math.max(point, 0))).padEnd(precision, "0").slice(0, precision);
  return precision === 0 ? whole : `${whole}.${fraction}`;
}

function scientific(value: number, precision: number): string {
  return exponential(round(exactDecimal(value), precision + 1), precision);
}

function exponential({ digits, point }: Decimal, precision: number): string {
  const exponent = digits === "" ? 0 : point - 1;
  const text = (digits || "0").padEnd(precision + 1, "0");
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return `${text[0]}${precision === 0 ? "" : `.${text.slice(1, precision + 1)}`}e${exponent < 0 ? "-" : "+"}${size}`;
}

function general(value: number, precision: number | undefined, sharp: boolean): string {
  const count = precision === 0 ? 1 : precision;
  const decimal = count === undefined ? shortest(value) : round(exactDecimal(value), count);
  const { digits, point } = decimal;
  const exponent = point - 1;
  const limit = count === undefined ? 6 : count > digits.length && digits.length >= point ? digits.length : count;
  const shown = sharp ? (count ?? 6) : digits.length;
  if (exponent < -4 || exponent >= limit) return exponential(decimal, Math.max(shown, digits.length || 1) - 1);
  const text = place(decimal, Math.max(Math.max(shown, digits.length) - (digits === "" ? 1 : point), 0));
  return sharp && !text.includes(".") ? `${text}.` : text;
}

/** The digits of JavaScript's own text, which is the shortest too. */
function shortest(value: number): Decimal {
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  return trim(digits.replace(".", ""), Number(exponent) + 1);
}

function trim(digits: string, point: number): Decimal {
  const start = /^0*/.exec(digits)?.[0].length ?? 0;
  const rest = digits.slice(start).replace(/0+$/, "");
  return { digits: rest, point: rest === "" ? 0 : point - start };
}

/** All decimal digits of a double: it is an integer times a power of two, so they end. */
function exactDecimal(value: number): Decimal {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const mantissa = (raw & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  const exponent = Math.max(biased, 1) - 1075;
  const digits = exponent >= 0 ? String(mantissa << BigInt(exponent)) : String(mantissa * 5n ** BigInt(-exponent));
  return trim(digits, digits.length + Math.min(exponent, 0));
}

/** Keeps `count` digits, rounding half to even. */
function round({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: "", point: 0 };
  const kept = digits.slice(0, count);
  const rest = digits.slice(count);
  const half = /^50*$/.test(rest);
  const up = half ? Number(kept.at(-1) ?? "0") % 2 === 1 : rest >= "5";
  if (!up) return trim(kept, point);
  const raised = String(BigInt(kept || "0") + 1n).padStart(count, "0");
  return trim(raised, point + raised.length - count);
}
