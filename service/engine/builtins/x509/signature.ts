import { constants, createPublicKey, type KeyObject, type VerifyKeyObjectInput, verify } from "node:crypto";
import * as asn1 from "../../go/asn1/asn1.ts";
import { tags } from "../../go/asn1/der.ts";
import { isSmallOrder } from "../../go/ed25519.ts";
import { unsignedBytes } from "../../go/unsigned.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { keyUnits } from "./curves.ts";
import type { Algorithm, PublicKey } from "./public-key.ts";

type Key = Exclude<PublicKey, { kind: "dsa" }>;

/** How a signature is made; `number` is Go's `SignatureAlgorithm`. */
export interface Scheme {
  readonly number: number;
  readonly key: PublicKey["kind"];
  /** OpenSSL's name of the digest; undefined for Ed25519, which has none. */
  readonly digest: string | undefined;
  readonly pss?: true;
}

const schemes: ReadonlyMap<string, Scheme> = new Map<string, Scheme>([
  ["1.2.840.113549.1.1.4", { number: 2, key: "rsa", digest: "md5" }],
  ["1.2.840.113549.1.1.5", { number: 3, key: "rsa", digest: "sha1" }],
  ["1.3.14.3.2.29", { number: 3, key: "rsa", digest: "sha1" }],
  ["1.2.840.113549.1.1.11", { number: 4, key: "rsa", digest: "sha256" }],
  ["1.2.840.113549.1.1.12", { number: 5, key: "rsa", digest: "sha384" }],
  ["1.2.840.113549.1.1.13", { number: 6, key: "rsa", digest: "sha512" }],
  ["1.2.840.10040.4.3", { number: 7, key: "dsa", digest: "sha1" }],
  ["2.16.840.1.101.3.4.3.2", { number: 8, key: "dsa", digest: "sha256" }],
  ["1.2.840.10045.4.1", { number: 9, key: "ec", digest: "sha1" }],
  ["1.2.840.10045.4.3.2", { number: 10, key: "ec", digest: "sha256" }],
  ["1.2.840.10045.4.3.3", { number: 11, key: "ec", digest: "sha384" }],
  ["1.2.840.10045.4.3.4", { number: 12, key: "ec", digest: "sha512" }],
]);
const ed25519: Scheme = { number: 16, key: "ed25519", digest: undefined };

/** The scheme of a signature's algorithm; undefined for what Go does not know either. */
export function schemeOf(algorithm: Algorithm): Scheme | undefined {
  const text = algorithm.oid.join(".");
  if (text === "1.3.101.112") return algorithm.parameters.length === 0 ? ed25519 : undefined;
  return text === "1.2.840.113549.1.1.10" ? pssScheme(algorithm.parameters) : schemes.get(text);
}

const algorithmShape = asn1.struct({ oid: asn1.oid, parameters: asn1.optional(asn1.raw) });
/** RSASSA-PSS-params (RFC 4055, 3.1); Go takes no defaults but the last. */
const pssShape = asn1.struct({
  hash: asn1.explicit(0, algorithmShape),
  mask: asn1.explicit(1, algorithmShape),
  salt: asn1.explicit(2, asn1.int64),
  trailer: asn1.optional(asn1.explicit(3, asn1.int64)),
});

const pssHashes: ReadonlyMap<string, Scheme & { readonly salt: bigint }> = new Map([
  ["2.16.840.1.101.3.4.2.1", { number: 13, key: "rsa", digest: "sha256", pss: true, salt: 32n } as const],
  ["2.16.840.1.101.3.4.2.2", { number: 14, key: "rsa", digest: "sha384", pss: true, salt: 48n } as const],
  ["2.16.840.1.101.3.4.2.3", { number: 15, key: "rsa", digest: "sha512", pss: true, salt: 64n } as const],
]);

/** One digest for everything, and a salt of its length. */
function pssScheme(parameters: Buffer): Scheme | undefined {
  try {
    const { hash, mask, salt, trailer = 1n } = asn1.unmarshal(parameters, pssShape).value;
    const inner = asn1.unmarshal(mask.parameters?.full ?? Buffer.alloc(0), algorithmShape).value;
    const scheme = pssHashes.get(hash.oid.join("."));
    if (![hash, inner].every(({ parameters: own }) => own === undefined || own.full.equals(Buffer.of(5, 0)))) return undefined;
    if (mask.oid.join(".") !== "1.2.840.113549.1.1.8" || inner.oid.join(".") !== hash.oid.join(".") || trailer !== 1n) return undefined;
    return scheme?.salt === salt ? scheme : undefined;
  } catch (error) {
    if (error instanceof BuiltinError) return undefined;
    throw error;
  }
}

/** What OpenSSL takes at most. */
const rsaBitsMax = 16_384;
const rsaBitsMin = 1024;

/** Whether a certificate's signature is good, as Go checks it: never one of MD5, SHA-1 or DSA, nor one of a weak RSA key. */
export function isSignedBy(
  scheme: Scheme | undefined,
  signed: Buffer,
  signature: Buffer,
  key: PublicKey,
  context: BuiltinContext,
): boolean {
  if (scheme === undefined || scheme.digest === "md5" || scheme.digest === "sha1") return false;
  if (key.kind === "dsa" || key.kind !== scheme.key || !isUsable(key)) return false;
  context.spend(unitsOf(key) + signed.length / 2);
  try {
    return verify(scheme.digest, signed, optionsOf(scheme, keyObjectOf(key)), signature);
  } catch {
    throw new BuiltinError("a signature cannot be checked");
  }
}

function isUsable(key: Key): boolean {
  if (key.kind === "ed25519") return !isSmallOrder(key.bytes);
  if (key.kind !== "rsa") return true;
  const bits = key.n.toString(2).length;
  if (bits > rsaBitsMax) throw new BuiltinError(`RSA keys of more than ${rsaBitsMax} bits are not supported`);
  return bits >= rsaBitsMin && key.n % 2n === 1n && key.e > 2n && key.e % 2n === 1n && key.e < 2n ** 31n;
}

/** What a check costs, with the key made for it. */
function unitsOf(key: Key): number {
  if (key.kind === "ec") return keyUnits + key.curve.verifyUnits;
  if (key.kind === "ed25519") return 20_000;
  const bits = key.n.toString(16).length * 4;
  return 12_000 + (bits * bits) / 1024;
}

function optionsOf(scheme: Scheme, key: KeyObject): VerifyKeyObjectInput {
  if (scheme.pss !== true) return { key };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

/** The key for node's crypto; written anew, so that OpenSSL reads exactly what was read here. */
/** The key for `node:crypto`; throws when OpenSSL does not take it. */
export function keyObjectOf(key: Key): KeyObject {
  const info = tlv(tags.sequence, tlv(tags.sequence, algorithmOf(key)), tlv(tags.bitString, Buffer.of(0), contentOf(key)));
  return createPublicKey({ key: info, format: "der", type: "spki" });
}

/** Object identifiers, and parameters where they are always the same. */
const algorithms = { rsa: "06092a864886f70d0101010500", ec: "06072a8648ce3d0201", ed25519: "06032b6570" } as const;

function algorithmOf(key: Key): Buffer {
  const algorithm = Buffer.from(algorithms[key.kind], "hex");
  return key.kind === "ec" ? Buffer.concat([algorithm, key.curve.der]) : algorithm;
}

function contentOf(key: Key): Buffer {
  if (key.kind === "ec") return key.point;
  return key.kind === "ed25519" ? key.bytes : tlv(tags.sequence, integerElement(key.n), integerElement(key.e));
}

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 128) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const length = unsignedBytes(BigInt(content.length));
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, content]);
}

/** A positive INTEGER. */
function integerElement(value: bigint): Buffer {
  const bytes = unsignedBytes(value);
  return (bytes[0] ?? 0) < 0x80 ? tlv(tags.integer, bytes) : tlv(tags.integer, Buffer.of(0), bytes);
}
