import { ECDH } from "node:crypto";
import { type BitString, derOf, enter, integerOf, intOf, malformed, oidOf, rightAligned, tags, take } from "../../go/asn1/der.ts";
import { unsigned } from "../../go/unsigned.ts";
import { numberOf, RegoObject, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { type Curve, curves } from "./curves.ts";
import { base64Value, decimalValue } from "./values.ts";

/** The curve with an object identifier; throws a {@link BuiltinError} for one that Go does not have. */
export function curveOf(oid: readonly number[] | undefined): Curve {
  const text = (oid ?? []).join(".");
  const curve = curves.find((known) => known.oid === text);
  if (curve === undefined) throw new BuiltinError(`unsupported elliptic curve \`${text.slice(0, 64)}\``);
  return curve;
}

/** A public key of a kind that Go takes apart. */
export type PublicKey =
  | { readonly kind: "rsa"; readonly n: bigint; readonly e: bigint }
  | { readonly kind: "dsa"; readonly p: bigint; readonly q: bigint; readonly g: bigint; readonly y: bigint }
  | { readonly kind: "ec"; readonly curve: Curve; readonly point: Buffer }
  | { readonly kind: "ed25519"; readonly bytes: Buffer };

/** AlgorithmIdentifier; `parameters` is a whole element, or empty. */
export interface Algorithm {
  readonly oid: readonly number[];
  readonly parameters: Buffer;
}

const oids = { rsa: "1.2.840.113549.1.1.1", dsa: "1.2.840.10040.4.1", ec: "1.2.840.10045.2.1", ed25519: "1.3.101.112" } as const;
type Kind = keyof typeof oids;

/** Go's `PublicKeyAlgorithm`. */
const numbers: Readonly<Record<Kind, number>> = { rsa: 1, dsa: 2, ec: 3, ed25519: 4 };

function kindOf(oid: readonly number[]): Kind | undefined {
  const text = oid.join(".");
  return (Object.keys(oids) as Kind[]).find((kind) => oids[kind] === text);
}

/** Go's number of a key's algorithm; 0 when it knows none. */
export function keyAlgorithmNumber(oid: readonly number[]): number {
  const kind = kindOf(oid);
  return kind === undefined ? 0 : numbers[kind];
}

/** The key of a SubjectPublicKeyInfo; undefined for an algorithm that Go does not know. Throws a BuiltinError for one that is not valid. */
export function parsePublicKey(algorithm: Algorithm, key: BitString, context: BuiltinContext): PublicKey | undefined {
  const kind = kindOf(algorithm.oid);
  return kind === undefined ? undefined : parsers[kind](algorithm.parameters, rightAligned(key), context);
}

const parsers: Readonly<Record<Kind, (parameters: Buffer, key: Buffer, context: BuiltinContext) => PublicKey>> = {
  rsa: parseRsa,
  dsa: parseDsa,
  ec: (parameters, point, context) => ({
    kind: "ec",
    ...ecPoint(curveOf(oidOf(take(derOf(parameters), tags.oid, "curve"))), point, context),
  }),
  ed25519(parameters, bytes) {
    if (parameters.length !== 0 || bytes.length !== 32) throw malformed("Ed25519 key");
    return { kind: "ed25519", bytes };
  },
};

function parseRsa(parameters: Buffer, key: Buffer): PublicKey {
  if (!parameters.equals(Buffer.of(5, 0))) throw malformed("RSA key without NULL as parameters");
  const der = enter(derOf(key), tags.sequence, "RSA key");
  const n = integerOf(take(der, tags.integer, "modulus"));
  const e = intOf(take(der, tags.integer, "exponent"));
  if (n <= 0n || e <= 0n) throw malformed("RSA key that is not positive");
  return { kind: "rsa", n, e };
}

function parseDsa(parameters: Buffer, key: Buffer): PublicKey {
  const y = integerOf(take(derOf(key), tags.integer, "DSA key"));
  const der = enter(derOf(parameters), tags.sequence, "DSA parameters");
  const [p, q, g] = [
    integerOf(take(der, tags.integer, "p")),
    integerOf(take(der, tags.integer, "q")),
    integerOf(take(der, tags.integer, "g")),
  ];
  if (y <= 0n || p <= 0n || q <= 0n || g <= 0n) throw malformed("DSA key that is not positive");
  return { kind: "dsa", p, q, g, y };
}

/** Checks that bytes are an uncompressed point on the curve. */
function ecPoint(curve: Curve, point: Buffer, context: BuiltinContext): { readonly curve: Curve; readonly point: Buffer } {
  if (point[0] !== 4 || point.length !== 1 + 2 * curve.size) throw malformed("elliptic curve point");
  context.spend(2000);
  try {
    ECDH.convertKey(point, curve.name, undefined, undefined, "uncompressed");
  } catch {
    throw malformed("point that is not on its curve");
  }
  return { curve, point };
}

/** The coordinates of a point. */
export function coordinates({ curve, point }: { readonly curve: Curve; readonly point: Buffer }): readonly [Buffer, Buffer] {
  return [point.subarray(1, 1 + curve.size), point.subarray(1 + curve.size)];
}

/** A key as the JSON of Go's struct for it. */
export function publicKeyValue(key: PublicKey | undefined, context: BuiltinContext): Value {
  if (key === undefined) return null;
  if (key.kind === "ed25519") return base64Value(key.bytes);
  return new RegoObject(entriesOf(key, context));
}

function entriesOf(key: Exclude<PublicKey, { kind: "ed25519" }>, context: BuiltinContext): readonly (readonly [string, Value])[] {
  const decimal = (value: bigint) => decimalValue(value, context);
  if (key.kind === "rsa") return rsaEntries(key, context);
  if (key.kind === "ec") return ecEntries(key, context);
  return [
    ["P", decimal(key.p)],
    ["Q", decimal(key.q)],
    ["G", decimal(key.g)],
    ["Y", decimal(key.y)],
  ];
}

/** `N` and `E`, which are in the JSON of public and private keys. */
export function rsaEntries(
  { n, e }: { readonly n: bigint; readonly e: bigint },
  context: BuiltinContext,
): readonly (readonly [string, Value])[] {
  return [
    ["N", decimalValue(n, context)],
    ["E", numberOf(e)],
  ];
}

/** `Curve`, `X` and `Y`, which are in the JSON of public and private keys. */
export function ecEntries(
  key: { readonly curve: Curve; readonly point: Buffer },
  context: BuiltinContext,
): readonly (readonly [string, Value])[] {
  const [x, y] = coordinates(key);
  return [
    ["Curve", new RegoObject([])],
    ["X", decimalValue(unsigned(x), context)],
    ["Y", decimalValue(unsigned(y), context)],
  ];
}

/** Whether two keys are the same one. */
export function samePublicKey(a: PublicKey | undefined, b: PublicKey | undefined): boolean {
  if (a?.kind === "rsa" && b?.kind === "rsa") return a.n === b.n && a.e === b.e;
  if (a?.kind === "ec" && b?.kind === "ec") return a.curve === b.curve && a.point.equals(b.point);
  return a?.kind === "ed25519" && b?.kind === "ed25519" && a.bytes.equals(b.bytes);
}
