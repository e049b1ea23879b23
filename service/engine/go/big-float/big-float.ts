/** A number that is not negative: the mantissa times two to the exponent, as in Go's `big.Float`. */
export interface BigFloat {
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** How many bits an integer that is not negative has. */
export function bitLength(integer: bigint): number {
  const hex = integer.toString(16);
  return integer === 0n ? 0 : hex.length * 4 - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28;
}

/** Rounds to so many bits, halves to even; `inexact` says that the value is a little more than the mantissa. */
export function round({ mantissa, exponent }: BigFloat, precision: number, inexact = false): BigFloat {
  const excess = bitLength(mantissa) - precision;
  if (excess <= 0) return { mantissa, exponent };
  const kept = mantissa >> BigInt(excess);
  const rest = mantissa - (kept << BigInt(excess));
  const half = 1n << BigInt(excess - 1);
  const up = rest > half || (rest === half && (inexact || (kept & 1n) === 1n));
  return { mantissa: up ? kept + 1n : kept, exponent: exponent + excess };
}

/** The product, rounded. */
export function multiply(x: BigFloat, y: BigFloat, precision: number): BigFloat {
  return round({ mantissa: x.mantissa * y.mantissa, exponent: x.exponent + y.exponent }, precision);
}

/** The quotient, rounded. */
export function divide(x: BigFloat, y: BigFloat, precision: number): BigFloat {
  const shift = Math.max(precision + 2 + bitLength(y.mantissa) - bitLength(x.mantissa), 0);
  const dividend = x.mantissa << BigInt(shift);
  const mantissa = dividend / y.mantissa;
  const inexact = mantissa * y.mantissa !== dividend;
  return round({ mantissa, exponent: x.exponent - y.exponent - shift }, precision, inexact);
}

/** Powers of five that Go has in a table; larger ones are rounded on the way. */
const exactPower = 27;

function powerOfFive(exponent: number, precision: number): BigFloat {
  if (exponent <= exactPower) return { mantissa: 5n ** BigInt(exponent), exponent: 0 };
  let power: BigFloat = { mantissa: 5n ** BigInt(exactPower), exponent: 0 };
  let square: BigFloat = { mantissa: 5n, exponent: 0 };
  for (let left = exponent - exactPower; left > 0; left >>= 1) {
    if ((left & 1) === 1) power = multiply(power, square, precision);
    square = multiply(square, square, precision + 64);
  }
  return power;
}

/** The digits times ten to the exponent, as Go's `big.Float` reads it; the last bit is Go's too, even where another one is nearer. */
export function fromDecimal(digits: bigint, exponent: number, precision: number): BigFloat {
  const scaled = { mantissa: digits, exponent };
  if (exponent === 0) return round(scaled, precision);
  const power = powerOfFive(Math.abs(exponent), precision + 64);
  return exponent < 0 ? divide(scaled, power, precision) : multiply(scaled, power, precision);
}

/** The integer part. */
export function truncate({ mantissa, exponent }: BigFloat): bigint {
  return exponent < 0 ? mantissa >> BigInt(-exponent) : mantissa << BigInt(exponent);
}
