import { createECDH, createPrivateKey, createPublicKey } from "node:crypto";
import * as asn1 from "../../go/asn1/asn1.ts";
import { malformed } from "../../go/asn1/der.ts";
import { decodePem, type PemBlock } from "../../go/asn1/pem.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import type { Curve } from "./curves.ts";
import { curveOf, type PublicKey } from "./public-key.ts";
import { checkedRsaKey, type RsaKey } from "./rsa.ts";

/** A private key of a kind that Go takes apart; `seed` and `secret` are the raw private keys of 32 bytes. */
export type PrivateKey =
  | { readonly kind: "rsa"; readonly key: RsaKey }
  | { readonly kind: "ec"; readonly curve: Curve; readonly point: Buffer; readonly scalar: Buffer }
  | { readonly kind: "ed25519"; readonly seed: Buffer; readonly bytes: Buffer }
  | { readonly kind: "x25519"; readonly secret: Buffer; readonly bytes: Buffer };

/** RSAPrivateKey (RFC 8017, A.1.2). */
const rsaShape = asn1.struct({
  version: asn1.int64,
  n: asn1.integer,
  e: asn1.int64,
  d: asn1.integer,
  p: asn1.integer,
  q: asn1.integer,
  dp: asn1.optional(asn1.integer),
  dq: asn1.optional(asn1.integer),
  qInv: asn1.optional(asn1.integer),
  more: asn1.optional(asn1.listOf(asn1.struct({ prime: asn1.integer, exponent: asn1.integer, coefficient: asn1.integer }))),
});

/** PrivateKeyInfo (RFC 5208, 5). */
const pkcs8Shape = asn1.struct({
  version: asn1.int64,
  algorithm: asn1.struct({ oid: asn1.oid, parameters: asn1.optional(asn1.raw) }),
  key: asn1.octets,
});

/** ECPrivateKey (RFC 5915, 3). */
const ecShape = asn1.struct({
  version: asn1.int64,
  key: asn1.octets,
  curve: asn1.optional(asn1.explicit(0, asn1.oid)),
  point: asn1.optional(asn1.explicit(1, asn1.bits)),
});

function parsePkcs1(der: Buffer, context: BuiltinContext): PrivateKey {
  const { version, n, e, d, p, q, dp, dq, qInv, more = [] } = asn1.unmarshalAll(der, rsaShape);
  if (version > 1n) throw new BuiltinError("unsupported version of an RSA private key");
  const primes = [p, q, ...more.map(({ prime }) => prime)];
  if ([n, d, ...primes, dp, dq, qInv].some((value) => value !== undefined && value <= 0n)) throw malformed("RSA private key");
  const crt = dp === undefined || dq === undefined || qInv === undefined ? undefined : { dp, dq, qInv };
  return { kind: "rsa", key: checkedRsaKey({ n, e, d, primes, crt }, context) };
}

function parsePkcs8(der: Buffer, context: BuiltinContext): PrivateKey {
  const { algorithm, key } = asn1.unmarshal(der, pkcs8Shape).value;
  const parameters = algorithm.parameters?.full ?? Buffer.alloc(0);
  const oid = algorithm.oid.join(".");
  if (oid === "1.2.840.113549.1.1.1") return parsePkcs1(key, context);
  if (oid === "1.2.840.10045.2.1") return parseSec1(key, context, curveIn(parameters));
  if (oid !== "1.3.101.112" && oid !== "1.3.101.110") throw new BuiltinError(`unknown algorithm \`${oid.slice(0, 64)}\` of a private key`);
  const secret = asn1.unmarshal(key, asn1.octets).value;
  if (parameters.length !== 0 || secret.length !== 32) throw malformed("private key");
  const prefix = oid === "1.3.101.112" ? "302e020100300506032b657004220420" : "302e020100300506032b656e04220420";
  const bytes = publicBytes(Buffer.concat([Buffer.from(prefix, "hex"), secret]), context);
  return oid === "1.3.101.112" ? { kind: "ed25519", seed: secret, bytes } : { kind: "x25519", secret, bytes };
}

/** The curve that the parameters name; undefined when they do not name one. */
function curveIn(parameters: Buffer): readonly number[] | undefined {
  try {
    return asn1.unmarshal(parameters, asn1.oid).value;
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}

function publicBytes(pkcs8: Buffer, context: BuiltinContext): Buffer {
  context.spend(20_000);
  const { x = "" } = createPublicKey(createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })).export({ format: "jwk" });
  return Buffer.from(x, "base64url");
}

/** A curve from outside counts more than the one inside. */
function parseSec1(der: Buffer, context: BuiltinContext, outer?: readonly number[]): PrivateKey {
  const { version, key, curve: inner } = asn1.unmarshal(der, ecShape).value;
  if (version !== 1n) throw new BuiltinError("unknown version of an EC private key");
  const curve = curveOf(outer ?? inner);
  const extra = Math.max(key.length - curve.size, 0);
  if (key.subarray(0, extra).some((byte) => byte !== 0)) throw malformed("length of an EC private key");
  const bytes = key.subarray(extra);
  const scalar = Buffer.concat([Buffer.alloc(curve.size - bytes.length), bytes]);
  context.spend(curve.signUnits);
  const ecdh = createECDH(curve.name);
  try {
    ecdh.setPrivateKey(scalar);
  } catch {
    throw malformed("EC private key that is out of range");
  }
  return { kind: "ec", curve, scalar, point: ecdh.getPublicKey() };
}

/** The public half. */
export function publicKeyOf(key: PrivateKey): PublicKey | undefined {
  if (key.kind === "rsa") return { kind: "rsa", n: key.key.n, e: key.key.e };
  if (key.kind === "ec") return { kind: "ec", curve: key.curve, point: key.point };
  return key.kind === "ed25519" ? { kind: "ed25519", bytes: key.bytes } : undefined;
}

const parsers: ReadonlyMap<string, (der: Buffer, context: BuiltinContext) => PrivateKey> = new Map([
  ["RSA PRIVATE KEY", parsePkcs1],
  ["PRIVATE KEY", parsePkcs8],
  ["EC PRIVATE KEY", (der, context) => parseSec1(der, context)],
]);

/** The private keys of PEM blocks; blocks of other types are passed over. Throws a BuiltinError for a key that is not valid. */
export function parsePrivateKeys(text: string, context: BuiltinContext): readonly PrivateKey[] {
  return pemBlocks(text).flatMap(({ type, bytes }) => {
    const key = parsers.get(type)?.(bytes, context);
    return key === undefined ? [] : [key];
  });
}

/** The blocks of a text with a character for each byte. */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  for (let found = decodePem(text); found !== undefined; found = decodePem(found.rest)) blocks.push(found.block);
  return blocks;
}

/** The one key of TLS's key file, in any of the forms; throws a BuiltinError, too for keys that TLS does not take. */
export function parseTlsKey(der: Buffer, context: BuiltinContext): PrivateKey {
  const key = attempt(() => parsePkcs1(der, context)) ?? attempt(() => parsePkcs8(der, context)) ?? parseSec1(der, context);
  if (key.kind === "x25519") throw new BuiltinError("X25519 keys are not for TLS");
  return key;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}
