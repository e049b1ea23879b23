import type { Json, JsonObject } from "../decide/json.ts";
import type { VerifiedToken } from "../decide/ports.ts";
import type { Issuer } from "./issuer-options.ts";
import { reject } from "./token-reasons.ts";
import { isObject, member } from "./token-text.ts";

/** What the verified claims say, in the one documented view. A claim of a wrong type rejects the token: dropped, it could silence a deny rule. */
export function readClaims(payload: JsonObject, issuer: Issuer, actDepthMax: number, digest: string): VerifiedToken {
  const acr = optionalText(payload, "acr");
  return {
    kind: "verified",
    issuer: issuer.issuer,
    ...readPrincipals(payload, issuer, actDepthMax),
    audience: textList(member(payload, "aud")),
    scopes: readScopes(payload),
    acr,
    amr: textList(member(payload, "amr")),
    authTimeS: optionalNumber(payload, "auth_time"),
    issuedAtS: requiredNumber(payload, "iat"),
    expiresAtS: requiredNumber(payload, "exp"),
    senderConstrained: readConfirmation(member(payload, "cnf")),
    authorizationDetails: readDetails(member(payload, "authorization_details")),
    claims: otherClaims(payload),
    digest,
  };
}

type Principals = Pick<VerifiedToken, "subject" | "agent" | "chain">;

function readPrincipals(payload: JsonObject, issuer: Issuer, actDepthMax: number): Principals {
  const sub = requiredText(payload, "sub");
  const actors = readActors(payload, actDepthMax);
  const client = optionalText(payload, "client_id") ?? optionalText(payload, "azp");
  const roles = textList(claimAt(payload, issuer.rolesClaim));
  const groups = textList(claimAt(payload, issuer.groupsClaim));
  if (issuer.subjectStyle === "human_in_sub") {
    // RFC 9068 section 2.2: without a resource owner `sub` names the client itself.
    const type = actors.length === 0 && sub === client ? "client" : "user";
    const chain = actors.length > 0 || client === null ? actors : [client];
    return { subject: { type, id: sub, roles, groups }, agent: chain[0] ?? null, chain };
  }
  const human = readHuman(payload, issuer.humanClaim);
  const subject = human === null ? { type: "agent", id: sub, roles, groups } : { type: "user", id: human, roles, groups };
  const chain = [...actors, sub];
  return { subject, agent: chain[0] ?? null, chain };
}

function readHuman(payload: JsonObject, claim: string | undefined): string | null {
  const human = claimAt(payload, claim);
  if (human === undefined) return null;
  return isText(human) ? human : reject("token_claims");
}

/** Actors of RFC 8693 section 4.1, the outermost (current) first; the inner ones are history. */
function readActors(payload: JsonObject, depthMax: number): readonly string[] {
  const actors: string[] = [];
  for (let act = member(payload, "act"); act !== undefined; act = member(act, "act")) {
    if (actors.length === depthMax) reject("token_act_too_deep");
    const sub = isObject(act) ? member(act, "sub") : undefined;
    if (!isObject(act) || !isText(sub)) reject("token_act_malformed");
    actors.push(sub);
  }
  return actors;
}

/** `scope` of RFC 8693 section 4.2, one text of words; some issuers send a list, or call it `scp`. */
function readScopes(payload: JsonObject): readonly string[] {
  const scope = member(payload, "scope") ?? member(payload, "scp");
  return textList(scope).flatMap((words) => words.split(" ").filter((word) => word !== ""));
}

/** Whether the token is bound to a key of its sender (RFC 7800): DPoP `jkt`, mTLS `x5t#S256`, or another known method. */
function readConfirmation(cnf: Json | undefined): boolean {
  if (cnf === undefined) return false;
  if (!isObject(cnf)) return reject("token_claims");
  const methods = ["jkt", "x5t#S256", "kid"].map((name) => member(cnf, name)).filter((value) => value !== undefined);
  if (!methods.every(isText)) reject("token_claims");
  return methods.length > 0 || isObject(member(cnf, "jwk"));
}

/** RFC 9396 section 2: a list of objects, each with a `type`. */
function readDetails(details: Json | undefined): readonly unknown[] {
  if (details === undefined) return [];
  if (!Array.isArray(details)) return reject("token_claims");
  return details.every((detail: Json) => isObject(detail) && isText(member(detail, "type"))) ? details : reject("token_claims");
}

const readClaimNames: ReadonlySet<string> = new Set([
  ...["iss", "sub", "aud", "exp", "iat", "scope", "scp", "acr", "amr", "auth_time", "authorization_details"],
]);

function otherClaims(payload: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(payload).filter(([name]) => !readClaimNames.has(name)));
}

/** A claim by its exact name (names may be URLs with dots), else by a dotted path such as `realm_access.roles`. */
function claimAt(payload: JsonObject, name: string | undefined): Json | undefined {
  if (name === undefined || Object.hasOwn(payload, name)) return name === undefined ? undefined : payload[name];
  let at: Json | undefined = payload;
  for (const part of name.split(".")) at = isObject(at) ? member(at, part) : undefined;
  return at;
}

function isText(value: Json | undefined): value is string {
  return typeof value === "string" && value !== "";
}

function requiredText(payload: JsonObject, claim: string): string {
  const value = member(payload, claim);
  return isText(value) ? value : reject("token_claims");
}

function optionalText(payload: JsonObject, claim: string): string | null {
  return Object.hasOwn(payload, claim) ? requiredText(payload, claim) : null;
}

function requiredNumber(payload: JsonObject, claim: string): number {
  const value = member(payload, claim);
  return typeof value === "number" ? value : reject("token_claims");
}

function optionalNumber(payload: JsonObject, claim: string): number | null {
  return Object.hasOwn(payload, claim) ? requiredNumber(payload, claim) : null;
}

/** A list of texts; one text alone counts as a list of one. */
function textList(value: Json | undefined): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === "string") return [value];
  return Array.isArray(value) && value.every((entry: Json) => typeof entry === "string") ? value : reject("token_claims");
}
