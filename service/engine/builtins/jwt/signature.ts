import { Buffer } from "node:buffer";
import { constants, createHmac, type SignKeyObjectInput, timingSafeEqual, type VerifyKeyObjectInput, verify } from "node:crypto";
import { isSmallOrder } from "../../go/ed25519.ts";
import { unsignedBytes } from "../../go/unsigned.ts";
import type { BuiltinContext } from "../builtin.ts";
import type { Curve } from "../x509/curves.ts";
import { bitLength, type KeyMaterial, type RsaMaterial, withoutZeros } from "./material.ts";

/** How a JWS is signed (RFC 7518, section 3; RFC 8037): a kind of key, and a hash for all but Ed25519. */
export interface Algorithm {
  readonly family: "hmac" | "pkcs1" | "pss" | "ecdsa" | "eddsa";
  readonly hash: "sha256" | "sha384" | "sha512";
}

const hashes = ["sha256", "sha384", "sha512"] as const;
const families = [
  ["HS", "HMAC_WITH_SHA", "hmac"],
  ["RS", "RSA_PKCS1v15_WITH_SHA", "pkcs1"],
  ["PS", "RSA_PSS_WITH_SHA", "pss"],
  ["ES", undefined, "ecdsa"],
] as const;
const eddsa: Algorithm = { family: "eddsa", hash: "sha512" };
/** The prefix of the hash's name names the curve too, but nothing checks it. */
const ecdsaNames = ["ECDSA_WITH_P256_AND_SHA256", "ECDSA_WITH_P384_AND_SHA384", "ECDSA_WITH_P521_AND_SHA512"] as const;

/** The algorithms that OPA signs with, and verifies with when a key names one. */
export const jwsAlgorithms: ReadonlyMap<string, Algorithm> = new Map([
  ...families.flatMap(([name, , family]) => hashes.map((hash) => [name + hash.slice(3), { family, hash }] as const)),
  ["EdDSA", eddsa] as const,
]);

/** All names that `io.jwt.decode_verify` takes in a header: OPA's library below takes its own names too. */
export const verifyAlgorithms: ReadonlyMap<string, Algorithm> = new Map([
  ...jwsAlgorithms,
  ["Ed25519", eddsa] as const,
  ...families.flatMap(([, name, family]) =>
    name === undefined ? [] : hashes.map((hash) => [name + hash.slice(3), { family, hash }] as const),
  ),
  ...ecdsaNames.map((name, index) => [name, { family: "ecdsa", hash: hashes[index] ?? "sha256" }] as const),
]);

/** What is signed, and with what result. */
export interface Signed {
  readonly input: Buffer;
  readonly signature: Buffer;
  readonly context: BuiltinContext;
}

/** Bytes of input that cost one unit to hash. */
const hashedPerUnit = 8;

/** Whether a signature is a key's as the `io.jwt.verify_*` builtins see it: only public keys, any salt, and ECDSA numbers of any length. */
export function verifiesPublic(key: KeyMaterial, algorithm: Algorithm, signed: Signed): boolean {
  if ("secret" in key) return false;
  const halves = key.kind === "ec" ? fitHalves(signed.signature, key.curve) : signed.signature;
  return halves !== undefined && verifiesKey(key, algorithm, { ...signed, signature: halves }, constants.RSA_PSS_SALTLEN_AUTO);
}

/** The same as `io.jwt.decode_verify` sees it: private keys stand for their public ones, and all lengths must be as RFC 7518 has them. */
export function verifiesStrictly(key: KeyMaterial, algorithm: Algorithm, signed: Signed): boolean {
  if (key.kind === "oct") return algorithm.family === "hmac" && macEquals(key.secret, algorithm, signed);
  return verifiesKey(key, algorithm, signed, constants.RSA_PSS_SALTLEN_DIGEST);
}

function verifiesKey(key: KeyMaterial, algorithm: Algorithm, signed: Signed, saltLength: number): boolean {
  if (key.kind === "rsa") return verifiesRsa(key, algorithm, signed, saltLength);
  if (key.kind === "ec" && algorithm.family === "ecdsa" && signed.signature.length === 2 * key.curve.size)
    return check(algorithm.hash, { key: key.key, dsaEncoding: "ieee-p1363" }, signed, key.curve.verifyUnits);
  if (key.kind === "ed" && algorithm.family === "eddsa")
    return !isSmallOrder(key.point) && check(null, { key: key.key }, signed, edUnits.verify);
  return false;
}

/** What Ed25519 costs, in units of fuel. */
export const edUnits = { verify: 12_500, sign: 5_000 } as const;

function verifiesRsa({ key, n, e }: RsaMaterial, { family, hash }: Algorithm, signed: Signed, saltLength: number): boolean {
  if (key === undefined || (family !== "pkcs1" && family !== "pss")) return false;
  return check(hash, rsaInput(key, family, saltLength), signed, rsaVerifyUnits(bitLength(n), e));
}

/** Node's options of an RSA signature. */
export function rsaInput(key: SignKeyObjectInput["key"], family: "pkcs1" | "pss", saltLength: number): SignKeyObjectInput {
  return family === "pkcs1" ? { key, padding: constants.RSA_PKCS1_PADDING } : { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
}

/** Grows with the square of the modulus, and with the bits of the exponent, of which 65537 has 17. */
function rsaVerifyUnits(bits: number, e: bigint): number {
  return 3_000 + (((bits * bits) / 2_000) * Math.max(bitLength(unsignedBytes(e)), 17) * 2) / 17;
}

function check(hash: string | null, key: VerifyKeyObjectInput, { input, signature, context }: Signed, units: number): boolean {
  context.spend(units + input.length / hashedPerUnit);
  try {
    return verify(hash, input, key, signature);
  } catch {
    // What OpenSSL refuses to look at is no signature.
    return false;
  }
}

const macUnits = 1_500;

/** The HMAC of an input (RFC 2104); it takes a secret of any length. */
export function macOf(secret: Buffer, hash: Algorithm["hash"], input: Buffer, context: BuiltinContext): Buffer {
  context.spend(macUnits + (input.length + secret.length) / hashedPerUnit);
  return createHmac(hash, secret).update(input).digest();
}

/** Whether a signature is the HMAC of the input; takes the same time wherever they differ. */
export function macEquals(secret: Buffer, { hash }: Algorithm, { input, signature, context }: Signed): boolean {
  const mac = macOf(secret, hash, input, context);
  return mac.length === signature.length && timingSafeEqual(mac, signature);
}

/** The two numbers of an ECDSA signature, each as long as the curve's; undefined when one is longer. */
function fitHalves(signature: Buffer, { size }: Curve): Buffer | undefined {
  const middle = Math.floor(signature.length / 2);
  const halves = [signature.subarray(0, middle), signature.subarray(middle)].map(withoutZeros);
  if (halves.some((half) => half.length > size)) return undefined;
  return Buffer.concat(halves.flatMap((half) => [Buffer.alloc(size - half.length), half]));
}
