import { type BuiltinContext, BuiltinError } from "../builtin.ts";

/** What an RSA private key holds (RFC 8017, A.1.2); `primes` has two or more. */
export interface RsaKey {
  readonly n: bigint;
  readonly e: bigint;
  readonly d: bigint;
  readonly primes: readonly bigint[];
  readonly crt: Crt;
  /** For the third prime and those behind it. */
  readonly more: readonly { readonly exponent: bigint; readonly coefficient: bigint; readonly product: bigint }[];
}

interface Crt {
  readonly dp: bigint;
  readonly dq: bigint;
  readonly qInv: bigint;
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** About as many bits as a number has. */
function sizeOf(value: bigint): number {
  return value.toString(16).length * 4;
}

function fault(what: string): BuiltinError {
  return new BuiltinError(`invalid RSA key: ${what}`);
}

/** A multiplication modulo a number of so many bits, in units. */
function unitsOf(bits: number): number {
  return 50 + (bits / 64) ** 2 / 4;
}

/** Checks a key as Go's `crypto/rsa` does, which leaves out whether primes are primes, and fills in what was not written down. */
export function checkedRsaKey(
  { n, e, d, primes, crt }: Omit<RsaKey, "crt" | "more"> & { readonly crt: Crt | undefined },
  context: BuiltinContext,
): RsaKey {
  for (const value of [n, d, ...primes]) context.spend(unitsOf(sizeOf(value)) * 5);
  if (n <= 1n || n % 2n === 0n || d >= n) throw fault("modulus or private exponent");
  if (e < 2n || e % 2n === 0n || e >= 2n ** 31n) throw fault("public exponent");
  const [p, q] = primes;
  if (p === undefined || q === undefined) throw fault("primes are missing");
  if (primes.length > 2) return withManyPrimes(n, e, d, primes, context);
  if (p < 3n || q < 3n) throw fault("primes");
  checkPrimes(n, p, q);
  const known = crt ?? computedCrt(d, p, q, context);
  checkExponents(e, d, p, q, known);
  if (bitLength(d) <= bitLength(n) >> 1) throw fault("private exponent is too small");
  return { n, e, d, primes, crt: known, more: [] };
}

function computedCrt(d: bigint, p: bigint, q: bigint, context: BuiltinContext): Crt {
  if (p % 2n === 0n) throw fault("primes");
  return { dp: d % (p - 1n), dq: d % (q - 1n), qInv: power(q % p, p - 2n, p, context) };
}

function power(base: bigint, exponent: bigint, modulus: bigint, context: BuiltinContext): bigint {
  const bits = exponent.toString(2);
  context.spend(bits.length * 2 * unitsOf(bits.length));
  let result = 1n;
  for (const bit of bits) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * base) % modulus;
  }
  return result;
}

function checkPrimes(n: bigint, p: bigint, q: bigint): void {
  if (p >= n || q >= n || (p * q) % n !== 0n || p === q) throw fault("the product of the primes is not the modulus");
  if (bitLength(p > q ? p - q : q - p) <= (bitLength(n) >> 1) - 100) throw fault("primes are too close to each other");
}

function checkExponents(e: bigint, d: bigint, p: bigint, q: bigint, { dp, dq, qInv }: Crt): void {
  if (dp >= p - 1n || dq >= q - 1n || (e * dp) % (p - 1n) !== 1n || (e * dq) % (q - 1n) !== 1n) throw fault("exponents");
  if (qInv >= p || (qInv * q) % p !== 1n) throw fault("coefficient");
  if (d % (p - 1n) !== dp || d % (q - 1n) !== dq) throw fault("private exponent does not fit the primes");
}

/** Go checks next to nothing of these. */
function withManyPrimes(n: bigint, e: bigint, d: bigint, primes: readonly bigint[], context: BuiltinContext): RsaKey {
  if (primes.some((prime) => prime <= 1n)) throw fault("primes");
  const [p = 0n, q = 0n, ...others] = primes;
  const crt = { dp: d % (p - 1n), dq: d % (q - 1n), qInv: inverse(q, p, context) };
  let product = p * q;
  const more = others.map((prime) => {
    const values = { exponent: d % (prime - 1n), coefficient: inverse(product, prime, context), product };
    product *= prime;
    return values;
  });
  return { n, e, d, primes, crt, more };
}

/** Extended Euclid. */
function inverse(value: bigint, modulus: bigint, context: BuiltinContext): bigint {
  const bits = sizeOf(modulus);
  context.spend(unitsOf(sizeOf(value) + bits) + bits * (40 + bits / 64));
  let [left, right] = [modulus, value % modulus];
  let [x, y] = [0n, 1n];
  while (right !== 0n) {
    const quotient = left / right;
    [left, right] = [right, left - quotient * right];
    [x, y] = [y, x - quotient * y];
  }
  if (left !== 1n) throw fault("primes are not relatively prime");
  return ((x % modulus) + modulus) % modulus;
}
