import { BuiltinError } from "../../builtins/builtin.ts";

const hourNs = 3_600_000_000_000;
const unitNs: ReadonlyMap<string, number> = new Map([
  ["ns", 1],
  ["us", 1e3],
  ["\u00b5s", 1e3],
  ["\u03bcs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
  ["m", 60e9],
  ["h", hourNs],
]);
/** OPA's additions to Go's units, in hours. */
const longUnits: ReadonlyMap<string, number> = new Map([
  ["d", 24],
  ["w", 168],
  ["y", 8760],
]);
const whole = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h|d|w|y))+$/;
const segments = /(\d*)\.?(\d*)(ns|us|\u00b5s|\u03bcs|ms|s|m|h|d|w|y)/g;

/** Go's `time.ParseDuration` with OPA's days, weeks and years; nanoseconds. */
export function parseDuration(text: string): bigint {
  if (/^[+-]?0$/.test(text)) return 0n;
  if (!whole.test(text)) throw new BuiltinError(`invalid duration \`${text.slice(0, 64)}\``);
  let sum = 0n;
  for (const [, digits = "", fraction = "", unit = ""] of text.matchAll(segments)) sum += segment(digits, fraction, unit);
  return text.startsWith("-") ? -sum : sum;
}

function segment(digits: string, fraction: string, unit: string): bigint {
  const hours = longUnits.get(unit);
  if (hours !== undefined) return longSegment(Number(`${digits || 0}.${fraction || 0}`) * hours);
  const scale = unitNs.get(unit) ?? 0;
  return BigInt(digits || "0") * BigInt(scale) + fractionNs(fraction, scale);
}

/** OPA rewrites a long unit to hours in decimals, and Go reads those. */
function longSegment(hours: number): bigint {
  const [digits = "0", fraction = ""] = decimals(hours).split(".");
  return segment(digits, fraction, "h");
}

function decimals(value: number): string {
  const text = String(value);
  return text.includes("e") ? value.toFixed(20).replace(/\.?0+$/, "") : text;
}

/** Go computes the fraction with doubles, and stops reading digits when a 64-bit integer is full. */
function fractionNs(fraction: string, unit: number): bigint {
  let digits = 0n;
  let scale = 1;
  for (const digit of fraction) {
    if (digits > (2n ** 63n - 1n) / 10n) break;
    const next = digits * 10n + BigInt(digit);
    if (next > 2n ** 63n) break;
    digits = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(digits) * (unit / scale)));
}
