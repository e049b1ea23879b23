import { type Argument, BuiltinError, RawJson } from "./builtin.ts";

/** The string that an argument must be. */
export function stringOf(argument: Argument | undefined): string {
  if (typeof argument?.value !== "string") throw new BuiltinError("operand must be a string");
  return argument.value;
}

const decimal = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** The integer that a number's text stands for, however it is written (`1500`, `1.5e3`); undefined when it is not one. */
export function exactInteger(text: string): bigint | undefined {
  const [matched, sign, whole = "", fraction = "", exponent = "0"] = decimal.exec(text) ?? [];
  if (matched === undefined) return undefined;
  const digits = whole + fraction;
  const zeros = Number(exponent) - fraction.length;
  if (zeros > 400) return undefined;
  const scaled = zeros >= 0 ? digits.padEnd(digits.length + zeros, "0") : cutZeros(digits, -zeros);
  if (scaled === undefined) return undefined;
  return sign === "-" ? -BigInt(scaled) : BigInt(scaled);
}

function cutZeros(digits: string, count: number): string | undefined {
  const cut = digits.padStart(count, "0");
  return /^0*$/.test(cut.slice(cut.length - count)) ? cut.slice(0, cut.length - count) || "0" : undefined;
}

/** The 64-bit integer that an argument must be, written without fraction or exponent. */
export function integerOf(argument: Argument | undefined): bigint {
  const text = argument?.text.trim() ?? "";
  const integer = /^-?\d+$/.test(text) ? BigInt(text) : undefined;
  if (integer === undefined || integer !== BigInt.asIntN(64, integer)) throw new BuiltinError("operand must be a 64-bit integer");
  return integer;
}

/** A 64-bit integer as result, every digit kept. */
export function int64(value: bigint, outside: string): RawJson {
  if (value !== BigInt.asIntN(64, value)) throw new BuiltinError(outside);
  return new RawJson(String(value));
}
