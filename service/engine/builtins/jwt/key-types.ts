import { Buffer } from "node:buffer";
import { createPublicKey } from "node:crypto";
import { unsigned } from "../../go/unsigned.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { curves } from "../x509/curves.ts";
import { bitLength, ecKey, edMaterial, edSecretKey, type KeyMaterial, type RsaSecret, rsaMaterial, withoutZeros } from "./material.ts";

/** The members of a JWK that its type reads. */
export interface Fields {
  /** Decoded from base64url, by name. */
  readonly parts: Map<string, Buffer>;
  secret: boolean;
  /** Empty when there is none, and so the others. */
  alg: string;
  kid: string;
  crv: string;
}

/** A type of keys (RFC 7518, section 6; RFC 8037). */
export interface KeyType {
  /** Its public members in base64url, which must be there, and the private ones, of which only `d` must. */
  readonly parts: readonly string[];
  readonly secretParts: readonly string[];
  readonly hasCurve: boolean;
  /** Undefined when the key can be read but not used. Throws a {@link BuiltinError} when it cannot be read. */
  readonly material: (fields: Fields, context: BuiltinContext) => KeyMaterial | undefined;
}

/** The types by their `kty`. */
export const keyTypes: ReadonlyMap<string, KeyType> = new Map<string, KeyType>([
  ["RSA", { parts: ["e", "n"], secretParts: ["d", "dp", "dq", "p", "q", "qi"], hasCurve: false, material: rsa }],
  ["EC", { parts: ["x", "y"], secretParts: ["d"], hasCurve: true, material: ec }],
  ["OKP", { parts: ["x"], secretParts: ["d"], hasCurve: true, material: okp }],
  ["oct", { parts: ["k"], secretParts: [], hasCurve: false, material: ({ parts }) => ({ kind: "oct", secret: notEmpty(parts, "k") }) }],
]);

/** The curves that `crv` may name, whether or not its type can use them. */
export const curveNames: ReadonlySet<string> = new Set(["P-256", "P-384", "P-521", "Ed25519", "Ed448", "X25519", "X448"]);

function notEmpty(parts: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const part = parts.get(name);
  if (part === undefined || part.length === 0) throw new BuiltinError(`\`${name}\` of a JWK is empty`);
  return part;
}

function rsa({ parts, secret }: Fields, context: BuiltinContext): KeyMaterial | undefined {
  const n = withoutZeros(notEmpty(parts, "n"));
  const e = notEmpty(parts, "e");
  if (n.length === 0) throw new BuiltinError("`n` of a JWK is zero");
  if (bitLength(e) > 63 || ((e.at(-1) ?? 0) & 1) === 0) throw new BuiltinError("`e` of a JWK is even or too big");
  if (!secret) return rsaMaterial(n, unsigned(e), context);
  const rsaSecret = rsaSecretOf(notEmpty(parts, "d"), parts);
  return rsaSecret === undefined ? undefined : rsaMaterial(n, unsigned(e), context, rsaSecret);
}

/** Go cannot do without the primes. */
function rsaSecretOf(d: Buffer, parts: ReadonlyMap<string, Buffer>): RsaSecret | undefined {
  const [p, q] = [parts.get("p"), parts.get("q")];
  return p === undefined || q === undefined ? undefined : { d, p, q, dp: parts.get("dp"), dq: parts.get("dq"), qi: parts.get("qi") };
}

function ec({ parts, crv, secret }: Fields, context: BuiltinContext): KeyMaterial {
  const curve = curves.find(({ jwk }) => jwk === crv);
  if (curve === undefined) throw new BuiltinError(`a JWK has no curve that its type has`);
  const [x, y, d] = ["x", "y", ...(secret ? ["d"] : [])].map((name) => coordinate(parts, name, curve.size));
  const key = ecKey(curve, Buffer.concat([Buffer.of(4), x, y] as Buffer[]), context);
  if (key === undefined) throw new BuiltinError("the point of a JWK is not on its curve");
  return d === undefined ? { kind: "ec", curve, key } : { kind: "ec", curve, key, secret: d };
}

function coordinate(parts: ReadonlyMap<string, Buffer>, name: string, size: number): Buffer {
  const part = notEmpty(parts, name);
  if (part.length !== size) throw new BuiltinError(`\`${name}\` of a JWK has the wrong length`);
  return part;
}

const okpSize = 32;

function okp({ parts, crv, secret }: Fields, context: BuiltinContext): KeyMaterial | undefined {
  if (crv === "") throw new BuiltinError("a JWK has no curve");
  const names = secret ? ["x", "d"] : ["x"];
  const known = crv === "Ed25519" || crv === "X25519";
  const [x, d] = names.map((name) => (known ? coordinate(parts, name, okpSize) : notEmpty(parts, name)));
  if (crv === "X25519") return { kind: "none" };
  if (crv !== "Ed25519" || x === undefined) return undefined;
  return d === undefined ? edMaterial(x, context) : edPair(x, d, context);
}

function edPair(x: Buffer, seed: Buffer, context: BuiltinContext): KeyMaterial | undefined {
  const key = createPublicKey(edSecretKey(seed, context));
  return key.export({ format: "jwk" }).x === x.toString("base64url") ? { kind: "ed", point: x, key, secret: seed } : undefined;
}
