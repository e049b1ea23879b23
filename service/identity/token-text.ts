import type { Json, JsonObject } from "../decide/json.ts";
import { parseStrictJson } from "../json/strict-json.ts";
import { fullTyp, type Issuer } from "./issuer-options.ts";
import { reject } from "./token-reasons.ts";

/** A token taken apart; nothing in it is verified yet. */
export interface TokenText {
  readonly header: JsonObject;
  readonly payload: JsonObject;
}

// The signature may be empty here, so that `alg: none` is told as what it is.
const compactJws = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
const kidCharsMax = 128;
const limits = { depthMax: 16, nodesMax: 2000 };

/** Takes a compact JWS apart (RFC 7515 section 3.1). Five parts (JWE), JSON serialisation and ambiguous JSON are rejected. */
export function readTokenText(token: string): TokenText {
  if (!compactJws.test(token)) reject("token_malformed");
  const [header = "", payload = ""] = token.split(".");
  return { header: readPart(header), payload: readPart(payload) };
}

function readPart(part: string): JsonObject {
  const value = parsePart(part);
  return isObject(value) ? value : reject("token_malformed");
}

function parsePart(part: string): Json {
  try {
    return parseStrictJson(Buffer.from(part, "base64url"), limits);
  } catch {
    return reject("token_malformed");
  }
}

/** True for a JSON object, as opposed to null, an array or a scalar. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Own member of an object whose key comes from configuration or a standard; never one of its prototype. */
export function member(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * Checks the header against what the issuer may send. `jwk`, `jku`, `x5u` and `x5c` are never looked at: a token does not
 * bring its own key. `crit` is refused whole, since no extension is supported (RFC 7515 section 4.1.11).
 */
export function checkHeader({ header, payload }: TokenText, issuer: Issuer): void {
  const alg = member(header, "alg");
  if (typeof alg !== "string" || !issuer.algorithms.includes(alg)) reject("token_algorithm");
  if (Object.hasOwn(header, "crit") || Object.hasOwn(header, "b64")) reject("token_malformed");
  const kid = member(header, "kid");
  if (kid !== undefined && (typeof kid !== "string" || kid.length > kidCharsMax)) reject("token_malformed");
  checkTyp(member(header, "typ"), issuer);
  if (isOtherToken(payload)) reject("token_type");
}

function checkTyp(typ: Json | undefined, issuer: Issuer): void {
  if (typ === undefined) {
    if (!issuer.typAbsentAllowed) reject("token_type");
  } else if (typeof typ !== "string" || !issuer.typ.has(fullTyp(typ))) {
    reject("token_type");
  }
}

const otherKinds: ReadonlySet<Json | undefined> = new Set(["ID", "Refresh", "Offline", "Logout", "id", "refresh"]);

/**
 * Marks by which issuers that put plain `JWT` into every header tell an ID or logout token from an access token: hashes of
 * other tokens (OpenID Connect Core 3.1.3.6), `events` of a logout token, `typ` of Keycloak and `token_use` of Cognito.
 */
function isOtherToken(payload: JsonObject): boolean {
  if (["at_hash", "c_hash", "s_hash", "events"].some((claim) => Object.hasOwn(payload, claim))) return true;
  return otherKinds.has(member(payload, "typ")) || otherKinds.has(member(payload, "token_use"));
}
