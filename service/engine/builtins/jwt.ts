import type { Builtin, Family } from "./builtin.ts";
import { encodeSign, encodeSignRaw } from "./jwt/sign.ts";
import { jwsAlgorithms } from "./jwt/signature.ts";
import { decode, decodeVerify, verifyWithKeys, verifyWithSecret } from "./jwt/verify.ts";

const verifiers = [...jwsAlgorithms].map(([name, algorithm]): readonly [string, Builtin] => [
  `io.jwt.verify_${name.toLowerCase()}`,
  algorithm.family === "hmac" ? verifyWithSecret(algorithm) : verifyWithKeys(algorithm),
]);

/** `io.jwt.*` as in OPA: tokens (RFC 7519) that are signed (RFC 7515), with keys in PEM and in JWK (RFC 7517). */
export const jwt: Family = {
  "io.jwt.decode": decode,
  "io.jwt.decode_verify": decodeVerify,
  "io.jwt.encode_sign": encodeSign,
  "io.jwt.encode_sign_raw": encodeSignRaw,
  ...Object.fromEntries(verifiers),
};
