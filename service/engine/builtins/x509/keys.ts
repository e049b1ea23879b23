import { unsigned } from "../../go/unsigned.ts";
import { RegoObject, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import type { PrivateKey } from "./private-key.ts";
import { coordinates, ecEntries, rsaEntries } from "./public-key.ts";
import type { RsaKey } from "./rsa.ts";
import { base64Value, decimalValue } from "./values.ts";

type Entry = readonly [string, Value];

/** A private key as the JSON of Go's struct for it. */
export function privateKeyValue(key: PrivateKey, context: BuiltinContext): Value {
  if (key.kind === "ed25519") return base64Value(Buffer.concat([key.seed, key.bytes]));
  // Go's type for it shows nothing.
  if (key.kind === "x25519") return new RegoObject([]);
  if (key.kind === "ec") return new RegoObject([...ecEntries(key, context), ["D", decimalValue(unsigned(key.scalar), context)]]);
  return new RegoObject(rsaPrivateEntries(key.key, context));
}

function rsaPrivateEntries(key: RsaKey, context: BuiltinContext): readonly Entry[] {
  const decimal = (value: bigint) => decimalValue(value, context);
  const precomputed: readonly Entry[] = [
    ["Dp", decimal(key.crt.dp)],
    ["Dq", decimal(key.crt.dq)],
    ["Qinv", decimal(key.crt.qInv)],
    [
      "CRTValues",
      key.more.map(
        ({ exponent, coefficient, product }) =>
          new RegoObject([
            ["Exp", decimal(exponent)],
            ["Coeff", decimal(coefficient)],
            ["R", decimal(product)],
          ]),
      ),
    ],
  ];
  return [
    ...rsaEntries(key, context),
    ["D", decimal(key.d)],
    ["Primes", key.primes.map(decimal)],
    ["Precomputed", new RegoObject(precomputed)],
  ];
}

/** A private key as a JSON Web Key (RFC 7517); throws a BuiltinError for keys that have no such form. */
export function webKeyValue(key: PrivateKey): Value {
  if (key.kind === "rsa") return new RegoObject([["kty", "RSA"], ...rsaWebEntries(key.key)]);
  if (key.kind === "ec") return ecWebKey(key);
  const [crv, secret] = key.kind === "ed25519" ? ["Ed25519", key.seed] : ["X25519", key.secret];
  return new RegoObject([
    ["kty", "OKP"],
    ["crv", crv],
    ["x", key.bytes.toString("base64url")],
    ["d", secret.toString("base64url")],
  ]);
}

function ecWebKey(key: Extract<PrivateKey, { kind: "ec" }>): Value {
  if (key.curve.jwk === undefined) throw new BuiltinError("the curve of a key has no name in JSON Web Keys");
  const [x, y] = coordinates(key);
  return new RegoObject([
    ["kty", "EC"],
    ["crv", key.curve.jwk],
    ["x", x.toString("base64url")],
    ["y", y.toString("base64url")],
    ["d", key.scalar.toString("base64url")],
  ]);
}

function rsaWebEntries({ n, e, d, primes, crt }: RsaKey): readonly Entry[] {
  const [p, q, ...more] = primes;
  if (more.length > 0 || p === undefined || q === undefined) throw new BuiltinError("an RSA key has more than two primes");
  const parts = { n, e, d, p, q, dp: crt.dp, dq: crt.dq, qi: crt.qInv };
  return Object.entries(parts).map(([name, value]) => [name, base64url(value)]);
}

function base64url(value: bigint): string {
  const digits = value.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex").toString("base64url");
}
