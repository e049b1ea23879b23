import { createPrivateKey, type KeyObject } from "node:crypto";
import { unsigned, unsignedBytes } from "../../go/unsigned.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import type { RsaMaterial, RsaSecret } from "./material.ts";

/** The numbers of a private key. */
interface Numbers {
  readonly n: bigint;
  readonly e: bigint;
  readonly d: bigint;
  readonly p: bigint;
  readonly q: bigint;
}

/** The numbers that speed it up: Chinese remainders. */
interface Remainders {
  readonly dp: bigint;
  readonly dq: bigint;
  readonly qi: bigint;
}

/**
 * The private key of an RSA JWK, checked as Go's `crypto/rsa` checks it before use: primes that make the modulus, exponents and
 * remainders that belong together, primes that are far enough apart, and an exponent that is not small. Throws a {@link BuiltinError}.
 */
export function rsaSecretKey({ n: modulus, e, key, secret }: RsaMaterial, context: BuiltinContext): KeyObject {
  if (secret === undefined) throw new BuiltinError("the key to sign with is a public one");
  if (key === undefined) throw unsound("is too short, or its exponent is out of bounds");
  // A division of such numbers takes about a hundredth of the square of their bytes, and there are a few dozens.
  context.spend(modulus.length ** 2 / 2);
  const [n, d, p, q] = [modulus, secret.d, secret.p, secret.q].map(unsigned) as [bigint, bigint, bigint, bigint];
  const numbers = { n, e, d, p, q };
  checkPrimes(numbers);
  const remainders = remaindersOf(numbers, secret);
  checkRemainders(numbers, remainders);
  return privateKey(numbers, remainders);
}

function unsound(why: string): BuiltinError {
  return new BuiltinError(`an RSA key ${why}`);
}

function checkPrimes({ n, d, p, q }: Numbers): void {
  if (p <= 2n || q <= 2n || p >= n || q >= n || (p * q) % n !== 0n) throw unsound("has primes that do not make its modulus");
  const bits = bitCount(n);
  if (p === q || bitCount(p > q ? p - q : q - p) <= Math.floor(bits / 2) - 100) throw unsound("has primes that are too close");
  if (d >= n || bitCount(d) <= Math.floor(bits / 2)) throw unsound("has a private exponent that is too small or too big");
}

function bitCount(number: bigint): number {
  return number === 0n ? 0 : number.toString(2).length;
}

/** Those of the JWK count only when all three are there. */
function remaindersOf({ d, p, q }: Numbers, { dp, dq, qi }: RsaSecret): Remainders {
  if (dp !== undefined && dq !== undefined && qi !== undefined) return { dp: unsigned(dp), dq: unsigned(dq), qi: unsigned(qi) };
  return { dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q % p, p) };
}

/** The inverse modulo a number, 0 when there is none; extended Euclid. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b] = [modulus, value];
  let [x, y] = [0n, 1n];
  while (b > 0n) {
    const quotient = a / b;
    [a, b] = [b, a - quotient * b];
    [x, y] = [y, x - quotient * y];
  }
  return a === 1n ? ((x % modulus) + modulus) % modulus : 0n;
}

function checkRemainders({ e, d, p, q }: Numbers, { dp, dq, qi }: Remainders): void {
  if (!belongs(dp, e, d, p) || !belongs(dq, e, d, q)) throw unsound("has exponents that do not belong together");
  if (qi >= p || (qi * q) % p !== 1n) throw unsound("has a wrong coefficient");
}

function belongs(remainder: bigint, e: bigint, d: bigint, prime: bigint): boolean {
  const modulus = prime - 1n;
  return remainder < modulus && (e * remainder) % modulus === 1n && d % modulus === remainder;
}

function privateKey(numbers: Numbers, remainders: Remainders): KeyObject {
  const members = Object.entries({ ...numbers, ...remainders }).map(([name, value]) => [name, unsignedBytes(value).toString("base64url")]);
  try {
    return createPrivateKey({ key: { kty: "RSA", ...Object.fromEntries(members) }, format: "jwk" });
  } catch (cause) {
    throw new BuiltinError("an RSA key cannot be used", { cause });
  }
}
