import { Buffer } from "node:buffer";
import { constants, createECDH, createPrivateKey, type KeyObject, type SignKeyObjectInput, sign } from "node:crypto";
import { isJson } from "../../go/json/decode.ts";
import { FastObject } from "../../go/json/fast-json.ts";
import { marshalJson } from "../../go/json/marshal.ts";
import { bytesOf } from "../../value/bytes.ts";
import type { Value } from "../../value/value.ts";
import { type Builtin, type BuiltinContext, BuiltinError } from "../builtin.ts";
import { stringOf } from "../operands.ts";
import { encodeSegment } from "./base64.ts";
import { jwksOf } from "./keys.ts";
import { bitLength, type EcMaterial, type EdMaterial, edSecretKey, type KeyMaterial, type RsaMaterial } from "./material.ts";
import { rsaSecretKey } from "./rsa.ts";
import { type Algorithm, edUnits, jwsAlgorithms, macOf, rsaInput } from "./signature.ts";

/** `io.jwt.encode_sign`: a JWS of a header and a payload, signed with a JWK, all three as values. */
export const encodeSign: Builtin = (operands, context) => {
  const [header = "", payload = "", key = ""] = operands.map((operand) => textOfValue(operand, context));
  return signed(header, payload, key, context);
};

/** `io.jwt.encode_sign_raw`: the same of texts, which are signed as they are. */
export const encodeSignRaw: Builtin = (operands, context) => {
  const [header = "", payload = "", key = ""] = operands.map(stringOf);
  return signed(header, payload, key, context);
};

function textOfValue(value: Value, context: BuiltinContext): string {
  const text = marshalJson(value);
  context.spend(text.length * unitsPerByte);
  return text;
}

/** The text of the header is read by another library than OPA's own, which takes more than JSON. */
function signed(header: string, payload: string, keyText: string, context: BuiltinContext): string {
  const [key] = jwksOf(keyText, context);
  if (key === undefined) throw new BuiltinError("a JWK set to sign with has no key");
  context.spend((header.length + payload.length) * unitsPerByte);
  const members = new FastObject(header);
  const algorithm = jwsAlgorithms.get(members.get("alg")?.string ?? "");
  if (algorithm === undefined) throw new BuiltinError("the header of a token to sign has no algorithm that is known");
  const type = members.get("typ")?.string ?? "JWT";
  if (type === "JWT" && !isJson(payload)) throw new BuiltinError("the payload of a JWT to sign is not JSON");
  const input = `${encodeSegment(bytesOf(header))}.${encodeSegment(bytesOf(payload))}`;
  return `${input}.${encodeSegment(signatureOf(key.material, algorithm, Buffer.from(input), context))}`;
}

const unitsPerByte = 6;
const hashedPerUnit = 8;

/** The signature of an input; throws when the key is not a private one of the algorithm's type. */
function signatureOf(key: KeyMaterial | undefined, algorithm: Algorithm, input: Buffer, context: BuiltinContext): Buffer {
  const { family, hash } = algorithm;
  const macKey = family === "hmac" ? macKeyOf(key) : undefined;
  if (macKey !== undefined) return macOf(macKey, hash, input, context);
  context.spend(input.length / hashedPerUnit);
  if (key?.kind === "rsa" && (family === "pkcs1" || family === "pss")) return rsaSignature(key, { family, hash }, input, context);
  if (key?.kind === "ec" && family === "ecdsa")
    return signature(hash, input, { key: ecSecretKey(key, context), dsaEncoding: "ieee-p1363" }, context, key.curve.signUnits);
  if (key?.kind === "ed" && family === "eddsa") return signature(null, input, { key: edSecret(key, context) }, context, edUnits.sign);
  throw new BuiltinError("the key does not fit the algorithm of the header");
}

/** OPA takes the bytes of an Ed25519 key for a secret as well, public ones too; it does not verify with them. */
function macKeyOf(key: KeyMaterial | undefined): Buffer | undefined {
  if (key?.kind === "oct") return key.secret;
  return key?.kind === "ed" ? Buffer.concat([key.secret ?? Buffer.alloc(0), key.point]) : undefined;
}

type RsaAlgorithm = Algorithm & { readonly family: "pkcs1" | "pss" };

function rsaSignature(key: RsaMaterial, { family, hash }: RsaAlgorithm, input: Buffer, context: BuiltinContext): Buffer {
  const secret = remembered(key, () => rsaSecretKey(key, context));
  return signature(hash, input, rsaInput(secret, family, constants.RSA_PSS_SALTLEN_DIGEST), context, bitLength(key.n) ** 3 / 160_000);
}

function signature(hash: string | null, input: Buffer, key: SignKeyObjectInput, context: BuiltinContext, units: number): Buffer {
  context.spend(units);
  try {
    return sign(hash, input, key);
  } catch (cause) {
    throw new BuiltinError("the key cannot sign", { cause });
  }
}

/** Private keys that were made, as long as what they were made of is kept. */
const secrets = new WeakMap<KeyMaterial, KeyObject>();

function remembered(key: KeyMaterial, make: () => KeyObject): KeyObject {
  const known = secrets.get(key) ?? make();
  secrets.set(key, known);
  return known;
}

/** OPA signs with `d` alone, whatever the point of the key is: the point that belongs to `d` is taken. */
function ecSecretKey(key: EcMaterial, context: BuiltinContext): KeyObject {
  const { curve, secret } = key;
  if (secret === undefined) throw new BuiltinError("the key to sign with is a public one");
  return remembered(key, () => {
    context.spend(curve.verifyUnits * 2);
    const pair = createECDH(curve.name);
    try {
      pair.setPrivateKey(secret);
    } catch (cause) {
      throw new BuiltinError("the private key is out of its curve's range", { cause });
    }
    const point = pair.getPublicKey();
    const [x, y] = [encodeSegment(point.subarray(1, 1 + curve.size)), encodeSegment(point.subarray(1 + curve.size))];
    return createPrivateKey({ key: { kty: "EC", crv: curve.jwk ?? "", x, y, d: encodeSegment(secret) }, format: "jwk" });
  });
}

function edSecret(key: EdMaterial, context: BuiltinContext): KeyObject {
  const { secret } = key;
  if (secret === undefined) throw new BuiltinError("the key to sign with is a public one");
  return remembered(key, () => edSecretKey(secret, context));
}
