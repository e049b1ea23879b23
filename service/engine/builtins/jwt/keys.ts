import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { bits, oid, optional, raw, struct, unmarshalAll } from "../../go/asn1/asn1.ts";
import { type BitString, malformed, rightAligned } from "../../go/asn1/der.ts";
import { decodePem, type PemBlock } from "../../go/asn1/pem.ts";
import { unsignedBytes } from "../../go/unsigned.ts";
import { bytesOf } from "../../value/bytes.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { parseOnlyCertificate } from "../x509/certificate.ts";
import { type Algorithm, type PublicKey, parsePublicKey } from "../x509/public-key.ts";
import { type Jwk, parseJwks } from "./jwk.ts";
import { ecKey, edMaterial, type KeyMaterial, rsaMaterial } from "./material.ts";
import { jwsAlgorithms } from "./signature.ts";

/** A key to verify with; `alg` and `kid` are empty when it says nothing. */
export interface VerificationKey {
  readonly alg: string;
  readonly kid: string;
  readonly material: KeyMaterial;
}

/** Bytes that the keys of all texts may take, and what one key takes beside its text. */
const keptMax = 16_000_000;
const keyBytes = 4_000;
const hashedPerUnit = 8;
/** PEM is read line by line. */
const pemUnitsPerByte = 4;

const kept = new LRUCache<string, readonly Jwk[]>({ max: 200, maxSize: keptMax });

/** The keys of a text, which is parsed and paid for unless its SHA-256 is known. */
function keysOf(kind: string, text: string, context: BuiltinContext, parse: () => readonly Jwk[]): readonly Jwk[] {
  context.spend(text.length / hashedPerUnit);
  const id = kind + createHash("sha256").update(bytesOf(text)).digest("base64");
  const known = kept.get(id);
  if (known !== undefined) return known;
  const keys = parse();
  kept.set(id, keys, { size: text.length + keyBytes * keys.length });
  return keys;
}

/** The keys of a JWK or a JWK set. */
export function jwksOf(text: string, context: BuiltinContext): readonly Jwk[] {
  return keysOf("jwk:", text, context, () => parseJwks(text, context));
}

/**
 * The keys of a certificate or a public key in PEM, of a JWK or of a JWK set; keys for algorithms that OPA does not have are left out.
 * Throws a {@link BuiltinError} when one cannot be used.
 */
export function verificationKeys(text: string, context: BuiltinContext): readonly VerificationKey[] {
  const keys = text.includes("-----BEGIN") ? pemKeys(text, context) : undefined;
  return (keys ?? jwksOf(text, context)).map(usable).filter(({ alg }) => alg === "" || jwsAlgorithms.has(alg));
}

function usable({ alg, kid, material }: Jwk): VerificationKey {
  if (material === undefined) throw new BuiltinError("a JWK cannot be used");
  return { alg, kid, material };
}

/** Undefined when there is no PEM block, and the text may be JSON with such words in it. */
function pemKeys(text: string, context: BuiltinContext): readonly Jwk[] | undefined {
  context.spend(text.length * pemUnitsPerByte);
  const found = decodePem(bytesOf(text).toString("latin1"));
  if (found === undefined) return undefined;
  if (found.rest !== "") throw new BuiltinError("there is more behind a PEM block");
  return keysOf("pem:", text, context, () => [{ alg: "", kid: "", material: pemMaterial(found.block, context) }]);
}

function pemMaterial({ type, bytes }: PemBlock, context: BuiltinContext): KeyMaterial {
  if (type === "CERTIFICATE") return materialOf(parseOnlyCertificate(bytes, context).publicKey, context);
  if (type === "PUBLIC KEY") return keyInfoMaterial(bytes, context);
  throw new BuiltinError(`a PEM block of type \`${type.slice(0, 64)}\` has no public key`);
}

const keyInfo = struct({ algorithm: struct({ oid, parameters: optional(raw) }), key: bits });
const x25519 = "1.3.101.110";

/** SubjectPublicKeyInfo (RFC 5280), as Go's `x509.ParsePKIXPublicKey` has it. */
function keyInfoMaterial(bytes: Buffer, context: BuiltinContext): KeyMaterial {
  const { algorithm: read, key } = unmarshalAll(bytes, keyInfo);
  const algorithm = { oid: read.oid, parameters: read.parameters?.full ?? Buffer.alloc(0) };
  if (algorithm.oid.join(".") === x25519) return agreementKey(algorithm, key);
  const publicKey = parsePublicKey(algorithm, key, context);
  if (publicKey === undefined) throw new BuiltinError("a public key has an unknown algorithm");
  return materialOf(publicKey, context);
}

/** A key that is valid and verifies nothing. */
function agreementKey({ parameters }: Algorithm, key: BitString): KeyMaterial {
  if (parameters.length > 0 || rightAligned(key).length !== 32) throw malformed("X25519 key");
  return { kind: "none" };
}

/** A certificate may have a key of a type that Go does not know. */
function materialOf(key: PublicKey | undefined, context: BuiltinContext): KeyMaterial {
  if (key === undefined || key.kind === "dsa") return { kind: "none" };
  if (key.kind === "rsa") return rsaMaterial(unsignedBytes(key.n), key.e, context);
  if (key.kind === "ed25519") return edMaterial(key.bytes, context);
  const point = ecKey(key.curve, key.point, context);
  if (point === undefined) throw malformed("elliptic curve key");
  return { kind: "ec", curve: key.curve, key: point };
}
