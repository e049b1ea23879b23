const integer = /^[+-]?(?:0[xX](?:_?[0-9A-Fa-f])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?\d)*)$/;
const decimal = /^[+-]?(?=\.?\d)(?:\d(?:_?\d)*)?(?:\.(?:\d(?:_?\d)*)?)?(?:[eE][+-]?\d(?:_?\d)*)?$/;
const hexadecimal = /^([+-]?)0[xX](?=[0-9A-Fa-f.])([0-9A-Fa-f]*)(?:\.([0-9A-Fa-f]*))?[pP]([+-]?\d{1,6})$/;

/** An integer with more characters has more than 64 bits, or zeros that nobody writes. */
const integerMax = 100;

/** A Go number: an integer, or a double where the text has a point or an exponent; undefined for what is neither. */
export function parseNumber(text: string): bigint | number | undefined {
  if (integer.test(text)) return text.length > integerMax ? undefined : integerOf(text.replaceAll("_", ""));
  if (!/[.eEpP]/.test(text)) return undefined;
  const double = decimal.test(text) ? Number(text.replaceAll("_", "")) : hexadecimalOf(text.replaceAll("_", ""));
  return Number.isFinite(double) ? double : undefined;
}

function integerOf(text: string): bigint {
  const [, sign, digits = ""] = /^([+-]?)(.*)$/.exec(text) ?? [];
  // A leading zero alone is octal too.
  const size = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  return sign === "-" ? -size : size;
}

function hexadecimalOf(text: string): number {
  const [, sign, whole = "", fraction = "", exponent] = hexadecimal.exec(text) ?? [];
  if (exponent === undefined) return Number.NaN;
  const size = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === "-" ? -size : size;
}
