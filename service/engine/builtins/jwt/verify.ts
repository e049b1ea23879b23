import { bytesOf, textOf } from "../../value/bytes.ts";
import { RegoObject, type Value } from "../../value/value.ts";
import type { Builtin, BuiltinContext } from "../builtin.ts";
import { objectOperand, stringOf } from "../operands.ts";
import { decodeSegment } from "./base64.ts";
import { type Constraints, constraintsOf, meets } from "./constraints.ts";
import { type VerificationKey, verificationKeys } from "./keys.ts";
import type { KeyMaterial } from "./material.ts";
import { type Algorithm, macEquals, type Signed, verifiesPublic, verifiesStrictly, verifyAlgorithms } from "./signature.ts";
import { decodeHeader, decodeJson, type JoseHeader, joseHeader, parseObject, signingInput, splitToken } from "./token.ts";

/** `io.jwt.decode`: `[header, payload, signature in hexadecimal]` of the innermost token; nothing is verified. */
export const decode: Builtin = ([operand], context) => {
  let text = stringOf(operand);
  for (;;) {
    const token = splitToken(text);
    const header = decodeHeader(token, context);
    const payload = textOf(decodeSegment(token.payload));
    const contentType = header.get("cty");
    // OPA dies of a type that is no string; failing is the nearest.
    if (contentType !== undefined && stringOf(contentType) === "JWT") text = payload.replace(/^["']+/, "").replace(trailingQuotes, "");
    else return [header, parseObject(payload, context), decodeSegment(token.signature).toString("hex")];
  }
};

/** A run of quotes is only looked for at its start, so that many short runs take no more time. */
const trailingQuotes = /(?<!["'])["']+$/;

/** `io.jwt.verify_*` with a public key: whether one of the keys of a text has signed. */
export function verifyWithKeys(algorithm: Algorithm): Builtin {
  return ([operand, keyText], context) => {
    const token = splitToken(stringOf(operand));
    const keys = verificationKeys(stringOf(keyText), context);
    const signed = { input: signingInput(token), signature: decodeSegment(token.signature), context };
    const header = joseHeader(decodeHeader(token, context));
    return anyVerifies(keys, header, (key) => verifiesPublic(key, algorithm, signed));
  };
}

/** `io.jwt.verify_hs*`: whether a secret has signed. The header is not looked at. */
export function verifyWithSecret(algorithm: Algorithm): Builtin {
  return ([operand, secret], context) => {
    const text = stringOf(operand);
    const key = bytesOf(stringOf(secret));
    const token = splitToken(text);
    return macEquals(key, algorithm, { input: signingInput(token), signature: decodeSegment(token.signature), context });
  };
}

/** The first key that has the token's `kid` alone decides; without one, every key whose `alg` is the token's or missing is tried. */
function anyVerifies(keys: readonly VerificationKey[], header: JoseHeader, verifies: (key: KeyMaterial) => boolean): boolean {
  const named = header.kid === "" ? undefined : keys.find(({ kid }) => kid === header.kid);
  if (named !== undefined) return verifies(named.material);
  return keys.some(({ alg, material }) => (alg === "" || alg === header.alg) && verifies(material));
}

const refused: Value = [false, new RegoObject([]), new RegoObject([])];

/** `io.jwt.decode_verify`: `[true, header, payload]` when the token and all around it are signed and meet the constraints. */
export const decodeVerify: Builtin = ([operand, object], context) => {
  const constraints = constraintsOf(objectOperand(object), context);
  const verified = verifiedToken(stringOf(operand), constraints, context);
  if (verified === undefined || !meets(verified.payload, constraints)) return refused;
  return [true, verified.header, verified.payload];
};

interface VerifiedToken {
  readonly header: RegoObject;
  readonly payload: RegoObject;
}

function verifiedToken(operand: string, constraints: Constraints, context: BuiltinContext): VerifiedToken | undefined {
  let text = operand;
  for (;;) {
    const token = splitToken(text);
    const header = decodeHeader(token, context);
    const jose = joseHeader(header);
    if (jose.alg === "" || jose.unknownCritical || (constraints.alg !== "" && constraints.alg !== jose.alg)) return undefined;
    const signed = { input: signingInput(token), signature: decodeSegment(token.signature), context };
    if (!isSigned(constraints, jose, signed)) return undefined;
    if (!/^jwt$/i.test(jose.cty)) return { header, payload: decodeJson(token.payload, context) };
    text = textOf(decodeSegment(token.payload));
  }
}

/** The algorithm is the token's, but it must be one of the key's type: an HMAC is never made with a public key. */
function isSigned({ keys, secret }: Constraints, header: JoseHeader, signed: Signed): boolean {
  const algorithm = verifyAlgorithms.get(header.alg);
  if (algorithm === undefined) return false;
  if (keys !== undefined) return anyVerifies(keys, header, (key) => verifiesStrictly(key, algorithm, signed));
  return verifiesStrictly({ kind: "oct", secret }, algorithm, signed);
}
