import { constants, createPrivateKey, type KeyObject, sign } from "node:crypto";
import type { Config } from "./config/schema.ts";
import type { JsonObject } from "./decide/json.ts";
import { describe, RemitError } from "./errors.ts";

type MetadataKey = NonNullable<Config["dialects"]["authzen"]["metadata_key"]>;

interface Signing {
  readonly type: "ec" | "ed25519" | "rsa";
  /** Of an EC key. */
  readonly curve?: string;
  readonly hash: string | null;
  readonly options: Readonly<Record<string, unknown>>;
}

/** JWS algorithms (RFC 7518, RFC 8037) and the one kind of key that each takes. */
const signings: Readonly<Record<MetadataKey["algorithm"], Signing>> = {
  ES256: { type: "ec", curve: "prime256v1", hash: "sha256", options: { dsaEncoding: "ieee-p1363" } },
  ES384: { type: "ec", curve: "secp384r1", hash: "sha384", options: { dsaEncoding: "ieee-p1363" } },
  EdDSA: { type: "ed25519", hash: null, options: {} },
  RS256: { type: "rsa", hash: "sha256", options: { padding: constants.RSA_PKCS1_PADDING } },
  PS256: { type: "rsa", hash: "sha256", options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } },
};

const rsaBitsMin = 2048;

/** Signs claims as a JWT in compact form. Throws RemitError `config_invalid` when the key is none of the algorithm's. */
export function createMetadataSigner({ id, algorithm, private_key: pem }: MetadataKey): (claims: JsonObject) => string {
  const signing = signings[algorithm];
  const key = readKey(pem, algorithm, signing);
  const header = encode({ alg: algorithm, kid: id, typ: "JWT" });
  return (claims) => {
    const input = `${header}.${encode(claims)}`;
    return `${input}.${sign(signing.hash, Buffer.from(input), { key, ...signing.options }).toString("base64url")}`;
  };
}

function readKey(pem: string, algorithm: string, { type, curve }: Signing): KeyObject {
  const key = parse(pem);
  const { namedCurve, modulusLength = rsaBitsMin } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== type || (curve !== undefined && namedCurve !== curve) || modulusLength < rsaBitsMin)
    throw invalid(`is no key for \`${algorithm}\``);
  return key;
}

function parse(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw invalid(`cannot be read: ${describe(cause)}`);
  }
}

function invalid(message: string): RemitError {
  const path = "dialects.authzen.metadata_key.private_key";
  return new RemitError("config_invalid", `${path} ${message}`, { errors: [{ path, message }] });
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
