import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { BuiltinContext } from "../builtin.ts";

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

/** A curve by its name in JWK, and OpenSSL's; what is done with it costs so many units of fuel. */
export interface Curve {
  readonly jwk: string;
  readonly name: string;
  /** Bytes of a coordinate. */
  readonly size: number;
  /** What comes before a point in a SubjectPublicKeyInfo (RFC 5480). */
  readonly prefix: Buffer;
  readonly verifyUnits: number;
  readonly signUnits: number;
}

/** The curves by their names in JWK, which has no P-224; certificates have. */
export const curves: ReadonlyMap<string, Curve> = new Map(
  (
    [
      ["P-224", "secp224r1", 28, "304e301006072a8648ce3d020106052b81040021033a00", 31_000, 38_000],
      ["P-256", "prime256v1", 32, "3059301306072a8648ce3d020106082a8648ce3d030107034200", 9_000, 5_000],
      ["P-384", "secp384r1", 48, "3076301006072a8648ce3d020106052b81040022036200", 72_000, 92_000],
      ["P-521", "secp521r1", 66, "30819b301006072a8648ce3d020106052b8104002303818600", 160_000, 210_000],
    ] as const
  ).map(([jwk, name, size, prefix, verifyUnits, signUnits]) => [
    jwk,
    { jwk, name, size, prefix: Buffer.from(prefix, "hex"), verifyUnits, signUnits },
  ]),
);

/** Reading a key takes about this much, checking that a point is on its curve included. */
const readUnits = { rsa: 4_000, ec: 20_000, ed: 4_000, edSecret: 20_000 } as const;
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
  return createPublicKey({ key: { kty: "RSA", n: n.toString("base64url"), e: numberBytes(e).toString("base64url") }, format: "jwk" });
}

/** The public key of an uncompressed point (without its 0x04); undefined when the point is not on the curve. */
export function ecKey({ prefix }: Curve, point: Buffer, context: BuiltinContext): KeyObject | undefined {
  context.spend(readUnits.ec);
  try {
    return createPublicKey({ key: Buffer.concat([prefix, Buffer.of(4), point]), format: "der", type: "spki" });
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

/** A number that is not negative as big-endian bytes. */
export function numberBytes(number: bigint): Buffer {
  const digits = number.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
}

/** The number of big-endian bytes. */
export function bytesNumber(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`);
}
