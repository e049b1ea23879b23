import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { unsignedBytes } from "../../go/unsigned.ts";
import type { BuiltinContext } from "../builtin.ts";
import { type Curve, keyUnits } from "../x509/curves.ts";
import { keyObjectOf } from "../x509/signature.ts";

/** A private RSA key as its JWK has it (RFC 7518, section 6.3.2); big-endian numbers. */
export interface RsaSecret {
  readonly d: Buffer;
  readonly p: Buffer;
  readonly q: Buffer;
  readonly dp: Buffer | undefined;
  readonly dq: Buffer | undefined;
  readonly qi: Buffer | undefined;
}

/** An RSA key; its modulus has no zeros in front. */
export interface RsaMaterial {
  readonly kind: "rsa";
  readonly n: Buffer;
  readonly e: bigint;
  /** Undefined when Go's `crypto/rsa` or OpenSSL refuses it: below 1024 or above 16384 bits, even, or an exponent out of bounds. */
  readonly key: KeyObject | undefined;
  readonly secret?: RsaSecret;
}

/** A key on a NIST curve; the secret is its private number. */
export interface EcMaterial {
  readonly kind: "ec";
  readonly curve: Curve;
  readonly key: KeyObject;
  readonly secret?: Buffer;
}

/** An Ed25519 key (RFC 8032); the secret is its seed. */
export interface EdMaterial {
  readonly kind: "ed";
  readonly point: Buffer;
  readonly key: KeyObject;
  readonly secret?: Buffer;
}

/** A key of any type; `none` is one that verifies nothing. */
export type KeyMaterial =
  | RsaMaterial
  | EcMaterial
  | EdMaterial
  | { readonly kind: "oct"; readonly secret: Buffer }
  | { readonly kind: "none" };

/** Reading a key takes about this much. */
const readUnits = { rsa: 4_000, ed: 4_000, edSecret: 20_000 } as const;
const rsaBitsMin = 1024;
/** OpenSSL refuses longer ones. */
const rsaBitsMax = 16_384;

/** An RSA key of a modulus and an exponent above 0; both may have zeros in front. */
export function rsaMaterial(modulus: Buffer, e: bigint, context: BuiltinContext, secret?: RsaSecret): RsaMaterial {
  const n = withoutZeros(modulus);
  const key = isUsable(n, e) ? rsaKey(n, e, context) : undefined;
  return secret === undefined ? { kind: "rsa", n, e, key } : { kind: "rsa", n, e, key, secret };
}

function isUsable(n: Buffer, e: bigint): boolean {
  const bits = bitLength(n);
  const odd = ((n.at(-1) ?? 0) & 1) === 1 && (e & 1n) === 1n;
  return odd && bits >= rsaBitsMin && bits <= rsaBitsMax && e >= 2n && e < 1n << 31n;
}

function rsaKey(n: Buffer, e: bigint, context: BuiltinContext): KeyObject {
  context.spend(readUnits.rsa);
  return createPublicKey({ key: { kty: "RSA", n: n.toString("base64url"), e: unsignedBytes(e).toString("base64url") }, format: "jwk" });
}

/** The public key of an uncompressed point; undefined when the point is not on the curve. */
export function ecKey(curve: Curve, point: Buffer, context: BuiltinContext): KeyObject | undefined {
  context.spend(keyUnits);
  try {
    return keyObjectOf({ kind: "ec", curve, point });
  } catch {
    return undefined;
  }
}

/** The public key of the 32 bytes of an Ed25519 point (RFC 8032); whether they are one shows when it verifies. */
export function edMaterial(point: Buffer, context: BuiltinContext): EdMaterial {
  context.spend(readUnits.ed);
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: point.toString("base64url") }, format: "jwk" });
  return { kind: "ed", point, key };
}

/** What a PKCS #8 key of an Ed25519 seed begins with (RFC 8410). */
const edPrefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** The private key of the 32 bytes of an Ed25519 seed. */
export function edSecretKey(seed: Buffer, context: BuiltinContext): KeyObject {
  context.spend(readUnits.edSecret);
  return createPrivateKey({ key: Buffer.concat([edPrefix, seed]), format: "der", type: "pkcs8" });
}

/** How many bits a big-endian number has. */
export function bitLength(number: Buffer): number {
  const digits = withoutZeros(number);
  return digits.length === 0 ? 0 : digits.length * 8 - Math.clz32(digits[0] ?? 0) + 24;
}

/** A big-endian number without zeros in front. */
export function withoutZeros(number: Buffer): Buffer {
  const first = number.findIndex((byte) => byte !== 0);
  return first < 0 ? number.subarray(number.length) : number.subarray(first);
}
