import { type Decoded, decodeObject, goDepthMax, type Making, type Members } from "../../go/json/decode.ts";
import { FastObject } from "../../go/json/fast-json.ts";
import { RegoNumber } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { parseOnlyCertificate } from "../x509/certificate.ts";
import { decodeBase64, decodeGuessed } from "./base64.ts";
import { curveNames, type Fields, type KeyType, keyTypes } from "./key-types.ts";
import type { KeyMaterial } from "./material.ts";

/** A JWK (RFC 7517) as OPA's library takes it. */
export interface Jwk {
  /** Empty when there is none. */
  readonly alg: string;
  readonly kid: string;
  /** Undefined when the key is well formed but cannot be used for anything. */
  readonly material: KeyMaterial | undefined;
}

interface JsonObject {
  readonly members: Members<JsonObject>;
}
type Json = Decoded<JsonObject>;

/** A number that is too big for a double is no JSON for Go's library, in whatever member it is. */
const making: Making<JsonObject> = {
  depthMax: goDepthMax,
  object: (members) => ({ members }),
  number(text) {
    if (!Number.isFinite(Number(text))) throw new BuiltinError(`number \`${text.slice(0, 64)}\` in a JWK is too big`);
    return new RegoNumber(text);
  },
};

const keysMax = 1000;
/** The text is read twice. */
const unitsPerByte = 12;

/**
 * The keys of a JWK or a JWK set. One bad key is a bad set. Throws a {@link BuiltinError}; text behind a single JWK is not looked at.
 */
export function parseJwks(text: string, context: BuiltinContext): readonly Jwk[] {
  context.spend(text.length * unitsPerByte);
  const isSet = new FastObject(text).get("keys") !== undefined;
  const { members } = decodeObject(text, making).value;
  if (!isSet) return [parseJwk({ members }, context)];
  return members.flatMap(([name, value]) => (name === "keys" ? keysOf(value).map((key) => parseJwk(key, context)) : []));
}

function keysOf(value: Json): readonly Json[] {
  if (!Array.isArray(value)) throw new BuiltinError("`keys` of a JWK set is not an array");
  if (value.length > keysMax) throw new BuiltinError(`a JWK set has more than ${keysMax} keys`);
  return value as readonly Json[];
}

function parseJwk(value: Json, context: BuiltinContext): Jwk {
  if (typeof value !== "object" || value === null || !("members" in value)) throw new BuiltinError("a JWK is not an object");
  const { kty, secret } = probe(value.members);
  const type = keyTypes.get(kty);
  if (type === undefined) throw new BuiltinError(`unknown key type \`${kty.slice(0, 64)}\` in a JWK`);
  const fields: Fields = { parts: new Map(), secret: secret && type.secretParts.length > 0, alg: "", kid: "", crv: "" };
  for (const [name, item] of value.members) readMember(name, item, { kty, type, fields, context });
  const required = [...type.parts, ...(fields.secret ? ["d"] : [])];
  const missing = required.find((name) => !fields.parts.has(name));
  if (missing !== undefined) throw new BuiltinError(`a JWK has no \`${missing}\``);
  return { alg: fields.alg, kid: fields.kid, material: type.material(fields, context) };
}

/** The type, and whether the key is private. Go's library asks for both without regard to case, and the last one counts. */
function probe(members: Members<JsonObject>): { readonly kty: string; readonly secret: boolean } {
  let kty = "";
  let secret = false;
  for (const [name, value] of members) {
    const folded = name.toLowerCase();
    if (folded === "kty" && value !== null) kty = stringOf(value);
    if (folded === "d") secret = true;
  }
  return { kty, secret };
}

interface Target {
  readonly kty: string;
  readonly type: KeyType;
  readonly fields: Fields;
  readonly context: BuiltinContext;
}

type Read = (value: Json, target: Target) => void;

const common: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["kty", readType],
  ["alg", (value, { fields }) => set(fields, "alg", knownName(stringOf(value), algorithms))],
  ["kid", (value, { fields }) => set(fields, "kid", stringOf(value))],
  ["key_ops", readOperations],
  ["use", stringOf],
  ["x5t", stringOf],
  ["x5t#S256", stringOf],
  ["x5u", stringOf],
  ["x5c", readChain],
]);

function readMember(name: string, value: Json, target: Target): void {
  const { type, fields } = target;
  const read = common.get(name);
  if (read !== undefined) read(value, target);
  else if (type.hasCurve && name === "crv") fields.crv = knownName(stringOf(value), curveNames);
  else if (type.parts.includes(name) || (fields.secret && type.secretParts.includes(name)))
    fields.parts.set(name, decodeGuessed(stringOf(value)));
}

function set(fields: Fields, name: "alg" | "kid", value: string): void {
  fields[name] = value;
}

/** In Go a null leaves a string empty. */
function stringOf(value: Json): string {
  if (value === null) return "";
  if (typeof value !== "string") throw new BuiltinError("a member of a JWK is not a string");
  return value;
}

function knownName(name: string, names: ReadonlySet<string>): string {
  if (!names.has(name)) throw new BuiltinError(`unknown name \`${name.slice(0, 64)}\` in a JWK`);
  return name;
}

function readType(value: Json, { kty }: Target): void {
  if (stringOf(value) !== kty) throw new BuiltinError("a JWK has two types");
}

function readOperations(value: Json): void {
  if (value !== null && !Array.isArray(value)) throw new BuiltinError("`key_ops` of a JWK is not an array");
  for (const item of value ?? []) stringOf(item);
}

const chainMax = 10;
const certificateBytesMax = 256 * 1024;

/** The chain is checked, but the key is not compared with it. */
function readChain(value: Json, { context }: Target): void {
  if (!Array.isArray(value) || value.length > chainMax) throw new BuiltinError("`x5c` of a JWK is not a short array");
  for (const item of value as readonly Json[]) {
    const bytes = decodeBase64(stringOf(item).replace(/[ \t\v\f]+/g, ""), "std");
    if (bytes.length > certificateBytesMax) throw new BuiltinError("a certificate of a JWK is too long");
    parseOnlyCertificate(bytes, context);
  }
}

/** The names that Go's library has for `alg` (RFC 7518, RFC 8037, RFC 9864), those of encryption included. */
const algorithms: ReadonlySet<string> = new Set(
  [
    "ES256 ES256K ES384 ES512 EdDSA Ed25519 HS256 HS384 HS512 none PS256 PS384 PS512 RS256 RS384 RS512",
    "RSA1_5 RSA-OAEP RSA-OAEP-256 RSA-OAEP-384 RSA-OAEP-512 A128KW A192KW A256KW A128GCMKW A192GCMKW A256GCMKW dir",
    "ECDH-ES ECDH-ES+A128KW ECDH-ES+A192KW ECDH-ES+A256KW PBES2-HS256+A128KW PBES2-HS384+A192KW PBES2-HS512+A256KW",
    "A128GCM A192GCM A256GCM A128CBC-HS256 A192CBC-HS384 A256CBC-HS512",
  ].flatMap((names) => names.split(" ")),
);
