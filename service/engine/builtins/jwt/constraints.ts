import type { Buffer } from "node:buffer";
import { formatFloat } from "../../go/float.ts";
import { bytesOf } from "../../value/bytes.ts";
import { compareNumbers } from "../../value/number.ts";
import { RegoNumber, type RegoObject, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { numberOperand, stringOf } from "../operands.ts";
import { type VerificationKey, verificationKeys } from "./keys.ts";

/** What `io.jwt.decode_verify` demands of a token; an empty text demands nothing. */
export interface Constraints {
  /** Undefined when `secret` is what to verify with. */
  readonly keys: readonly VerificationKey[] | undefined;
  readonly secret: Buffer;
  readonly alg: string;
  readonly iss: string;
  readonly aud: string;
  /** Nanoseconds since the epoch, as a double: so OPA has it. */
  readonly time: number;
}

const names: ReadonlySet<Value> = new Set(["cert", "secret", "alg", "iss", "aud", "time"]);

/** Reads the constraints, of which exactly one must be a key; throws for one that OPA does not know. */
export function constraintsOf(object: RegoObject, context: BuiltinContext): Constraints {
  const unknown = object.entries.find(([name]) => !names.has(name));
  if (unknown !== undefined) throw new BuiltinError("unknown constraint of a token");
  const [secret = "", alg = "", iss = "", aud = ""] = ["secret", "alg", "iss", "aud"].map((name) => optionalText(object.get(name)));
  const cert = object.get("cert");
  const keys = cert === undefined ? undefined : verificationKeys(stringOf(cert), context);
  if ((keys === undefined) === (secret === "")) throw new BuiltinError("a token is to be verified with either `cert` or `secret`");
  return { keys, secret: bytesOf(secret), alg, iss, aud, time: timeOf(object.get("time"), context) };
}

function optionalText(value: Value | undefined): string {
  return value === undefined ? "" : stringOf(value);
}

function timeOf(value: Value | undefined, { nowNs }: BuiltinContext): number {
  if (value === undefined) return Number(nowNs);
  const time = Number(numberOperand(value).text);
  if (!Number.isFinite(time) || time < 0) throw new BuiltinError("the time of a token's constraints is negative or too big");
  return time;
}

/** Whether the claims (RFC 7519, section 4.1) meet the constraints. Throws a {@link BuiltinError} for a claim of the wrong type. */
export function meets(claims: RegoObject, constraints: Constraints): boolean {
  return hasIssuer(claims.get("iss"), constraints) && hasAudience(claims.get("aud"), constraints) && isCurrent(claims, constraints);
}

function hasIssuer(iss: Value | undefined, constraints: Constraints): boolean {
  // OPA dies of an issuer that is no string; failing is the nearest.
  return constraints.iss === "" || (iss !== undefined && stringOf(iss) === constraints.iss);
}

/** A token for somebody is refused when nobody is asked for. */
function hasAudience(audience: Value | undefined, { aud }: Constraints): boolean {
  if (audience === undefined) return aud === "";
  return Array.isArray(audience) ? audience.includes(aud) : audience === aud;
}

function isCurrent(claims: RegoObject, { time }: Constraints): boolean {
  const now = formatFloat(time / 1e9, "g", undefined, false);
  const [expires, starts] = [claims.get("exp"), claims.get("nbf")];
  if (expires !== undefined && compare(now, claimTime(expires)) >= 0) return false;
  return starts === undefined || compare(now, claimTime(starts)) >= 0;
}

function claimTime(value: Value): string {
  if (!(value instanceof RegoNumber)) throw new BuiltinError("`exp` and `nbf` of a token must be numbers");
  return value.text;
}

/** The order of numbers; two long ones that OPA takes for fractions are equal already when their doubles are. */
function compare(x: string, y: string): number {
  const long = Math.max(digitCount(x), digitCount(y)) > exactDigits;
  return long && isFraction(x) && isFraction(y) && Number(x) === Number(y) ? 0 : compareNumbers(x, y);
}

const exactDigits = 15;

function digitCount(text: string): number {
  return text
    .replace(/[eE].*$/, "")
    .replace(/\D/g, "")
    .replace(/^0+/, "").length;
}

/** OPA's test, which looks at zeros at the end of the text, exponent and all. */
function isFraction(text: string): boolean {
  const trimmed = text.replace(/(?<![.0])[.0]+$/, "");
  return text.includes(".") && trimmed !== text && trimmed.includes(".");
}
