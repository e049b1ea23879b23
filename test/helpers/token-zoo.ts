import { createHmac, KeyObject, sign } from "node:crypto";
import { CompactEncrypt, exportSPKI, GeneralSign, importJWK } from "jose";
import { createSigningKey, goodClaims, type SigningKey, type TestIssuer } from "./issuer.ts";

/** A token that must not be accepted, and the reason it must be rejected for. */
export interface Animal {
  readonly name: string;
  readonly reason: string;
  readonly token: () => string | Promise<string>;
}

/** Settings the zoo is written for: ES256 only, default types, skew 5 s, `max_age_s` 3600, 8192 bytes, `act` depth 4. */
export const zooSettings = { algorithms: ["ES256"], clockSkewS: 5, maxAgeS: 3600 };

/** Signs any header and payload text with an ES256 key, valid JSON or not. */
export function signRaw(key: SigningKey, header: string | object, payload: string | object | Buffer): string {
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = sign("sha256", Buffer.from(input), { key: KeyObject.from(key.privateKey), dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

function encode(part: string | object | Buffer): string {
  const bytes = typeof part === "string" || Buffer.isBuffer(part) ? Buffer.from(part) : Buffer.from(JSON.stringify(part));
  return bytes.toString("base64url");
}

/** Every bad token, made for one running issuer whose signing key is ES256; `nowS` in seconds since the epoch. */
export function tokenZoo(issuer: TestIssuer, nowS: number): readonly Animal[] {
  return [...forms(issuer, nowS), ...headers(issuer, nowS), ...signatures(issuer, nowS), ...times(issuer, nowS), ...claims(issuer, nowS)];
}

function goodHeader(issuer: TestIssuer) {
  return { alg: "ES256", kid: issuer.key().kid, typ: "at+jwt" };
}

function good(issuer: TestIssuer, nowS: number): Record<string, unknown> {
  return goodClaims(issuer.url, issuer.audience, nowS);
}

function forms(issuer: TestIssuer, nowS: number): Animal[] {
  const payload = good(issuer, nowS);
  const raw = (header: string | object, body: string | object | Buffer) => () => signRaw(issuer.key(), header, body);
  const header = goodHeader(issuer);
  const text = JSON.stringify(payload);
  const bad = (name: string, token: Animal["token"], reason = "token_malformed"): Animal => ({ name, reason, token });
  return [
    bad("empty text", () => ""),
    bad("no token at all", () => "hello"),
    bad("two parts", async () => (await issuer.token()).split(".").slice(0, 2).join(".")),
    bad("four parts", async () => `${await issuer.token()}.x`),
    bad("scheme left in front", async () => `Bearer ${await issuer.token()}`),
    bad("trailing newline", async () => `${await issuer.token()}\n`),
    bad("characters outside base64url", async () => (await issuer.token()).replace(".", ".+/=")),
    bad("NUL inside", async () => `${await issuer.token()}\0`),
    bad("JWE of five parts", () => encrypted(issuer, payload)),
    bad("JSON serialisation with two signatures", () => twoSignatures(issuer, payload)),
    bad("one byte too long", async () => "a".repeat(8193), "token_too_large"),
    bad("oversize but well signed", () => issuer.token({ filler: "x".repeat(9000) }), "token_too_large"),
    bad("header is no JSON", raw("{", payload)),
    bad("header is an array", raw("[]", payload)),
    bad("header with a duplicate key", raw('{"alg":"none","alg":"ES256"}', payload)),
    bad("payload is no JSON", raw(header, "{")),
    bad("payload is null", raw(header, "null")),
    bad("payload is a string", raw(header, '"sub"')),
    bad("payload with a duplicate key", raw(header, `{"sub":"mallory",${text.slice(1)}`)),
    bad("payload with `__proto__`", raw(header, `{"__proto__":{"roles":["admin"]},${text.slice(1)}`)),
    bad("lone surrogate in a claim", raw(header, `{"name":"\\ud800",${text.slice(1)}`)),
    bad("lone surrogate in the subject", raw(header, text.replace("emma", "emma\\udfff"))),
    bad("payload not UTF-8", raw(header, Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]))),
    bad("payload after a byte order mark", raw(header, `\ufeff${text}`)),
    bad("integer that a double cannot hold", raw(header, `{"account":9007199254740993,${text.slice(1)}`)),
    bad("nested deeper than any claim", raw(header, `{"deep":${"[".repeat(40)}${"]".repeat(40)},${text.slice(1)}`)),
  ];
}

async function encrypted(issuer: TestIssuer, payload: object): Promise<string> {
  const key = await importJWK({ ...issuer.key().jwk, use: "enc", alg: "ECDH-ES" }, "ECDH-ES");
  return new CompactEncrypt(Buffer.from(JSON.stringify(payload))).setProtectedHeader({ alg: "ECDH-ES", enc: "A256GCM" }).encrypt(key);
}

async function twoSignatures(issuer: TestIssuer, payload: object): Promise<string> {
  const { privateKey } = issuer.key();
  const jws = new GeneralSign(Buffer.from(JSON.stringify(payload)));
  jws.addSignature(privateKey).setProtectedHeader({ alg: "ES256" }).addSignature(privateKey).setProtectedHeader({ alg: "ES256" });
  return JSON.stringify(await jws.sign());
}

function headers(issuer: TestIssuer, nowS: number): Animal[] {
  const payload = good(issuer, nowS);
  const signed = (name: string, reason: string, changes: Record<string, unknown>): Animal => ({
    name,
    reason,
    token: () => signRaw(issuer.key(), { ...goodHeader(issuer), ...changes }, payload),
  });
  return [
    { name: "alg none, no signature", reason: "token_algorithm", token: () => unsigned("none", payload) },
    { name: "alg None, no signature", reason: "token_algorithm", token: () => unsigned("None", payload) },
    { name: "HS256 with the public key as secret", reason: "token_algorithm", token: () => hmac(issuer, payload) },
    signed("alg missing", "token_algorithm", { alg: undefined }),
    signed("alg not a text", "token_algorithm", { alg: ["ES256"] }),
    signed("alg of another asymmetric kind", "token_algorithm", { alg: "RS256" }),
    signed("alg in lower case", "token_algorithm", { alg: "es256" }),
    signed("unknown critical extension", "token_malformed", { crit: ["exp"] }),
    signed("unencoded payload (RFC 7797)", "token_malformed", { b64: false, crit: ["b64"] }),
    signed("kid of 129 characters", "token_malformed", { kid: "k".repeat(129) }),
    signed("kid not a text", "token_malformed", { kid: { $ne: null } }),
    signed("kid that is a path", "token_key_unknown", { kid: "../../../../dev/null" }),
    signed("kid that is SQL", "token_key_unknown", { kid: "' UNION SELECT 'key" }),
    signed("kid of the prototype", "token_key_unknown", { kid: "__proto__" }),
    signed("typ of an ID token's issuer", "token_type", { typ: "id_token+jwt" }),
    signed("typ of a logout token", "token_type", { typ: "logout+jwt" }),
    signed("typ of a DPoP proof", "token_type", { typ: "dpop+jwt" }),
    signed("typ of a transaction token", "token_type", { typ: "txntoken+jwt" }),
    signed("typ absent", "token_type", { typ: undefined }),
    signed("typ not a text", "token_type", { typ: 1 }),
  ];
}

function unsigned(alg: string, payload: object): string {
  return `${encode({ alg, typ: "at+jwt" })}.${encode(payload)}.`;
}

async function hmac(issuer: TestIssuer, payload: object): Promise<string> {
  const key = await importJWK(issuer.key().jwk, "ES256", { extractable: true });
  const pem = await exportSPKI(key as CryptoKey);
  const input = `${encode({ ...goodHeader(issuer), alg: "HS256" })}.${encode(payload)}`;
  return `${input}.${createHmac("sha256", pem).update(input).digest("base64url")}`;
}

function signatures(issuer: TestIssuer, nowS: number): Animal[] {
  const payload = good(issuer, nowS);
  const by = async (header: object, stranger?: SigningKey) =>
    signRaw(stranger ?? (await createSigningKey("stranger")), { ...goodHeader(issuer), ...header }, payload);
  const rejected = (name: string, token: Animal["token"], reason = "token_signature"): Animal => ({ name, reason, token });
  return [
    rejected("signed by a stranger under our kid", () => by({})),
    rejected("key brought along in jwk", async () => {
      const stranger = await createSigningKey(issuer.key().kid);
      return by({ jwk: stranger.jwk }, stranger);
    }),
    rejected("key brought along by jku", () => by({ jku: "https://attacker.example/jwks" })),
    rejected("key brought along by x5u", () => by({ x5u: "https://attacker.example/cert" })),
    rejected("key brought along in jwk under its own kid", () => by({ kid: "stranger" }), "token_key_unknown"),
    rejected("empty signature", async () => (await issuer.token()).replace(/[^.]+$/, "")),
    rejected("all-zero signature (CVE-2022-21449)", async () =>
      (await issuer.token()).replace(/[^.]+$/, Buffer.alloc(64).toString("base64url")),
    ),
    rejected("signature cut short", async () => (await issuer.token()).slice(0, -6)),
    rejected("payload changed", async () => {
      const [header, , signature] = (await issuer.token()).split(".");
      return `${header}.${encode({ ...payload, sub: "mallory" })}.${signature}`;
    }),
    rejected("header changed", async () => {
      const [, body, signature] = (await issuer.token()).split(".");
      return `${encode({ ...goodHeader(issuer), typ: "JWT" })}.${body}.${signature}`;
    }),
    rejected("signature of another token", async () => {
      const other = await issuer.token({ sub: "mallory" });
      return (await issuer.token()).replace(/[^.]+$/, other.split(".")[2] ?? "");
    }),
  ];
}

function times(issuer: TestIssuer, nowS: number): Animal[] {
  const when = (name: string, reason: string, claims: Record<string, unknown>): Animal => ({
    name,
    reason,
    token: () => issuer.token(claims),
  });
  return [
    when("expired beyond the skew", "token_expired", { iat: nowS - 600, exp: nowS - 6 }),
    when("expired long ago", "token_expired", { iat: 1, exp: 2 }),
    when("exp negative", "token_expired", { exp: -1 }),
    when("issued in the future", "token_not_yet_valid", { iat: nowS + 30, exp: nowS + 300 }),
    when("nbf in the future", "token_not_yet_valid", { nbf: nowS + 30 }),
    when("older than the age limit", "token_too_old", { iat: nowS - 3700, exp: nowS + 300 }),
    when("exp missing", "token_claims", { exp: undefined }),
    when("iat missing", "token_claims", { iat: undefined }),
    when("exp a text", "token_claims", { exp: String(nowS + 300) }),
    when("iat a text", "token_claims", { iat: String(nowS) }),
    when("nbf a text", "token_claims", { nbf: String(nowS) }),
    when("exp null", "token_claims", { exp: null }),
  ];
}

function claims(issuer: TestIssuer, nowS: number): Animal[] {
  const made = (name: string, reason: string, changes: Record<string, unknown>): Animal => ({
    name,
    reason,
    token: () => signRaw(issuer.key(), goodHeader(issuer), { ...good(issuer, nowS), ...changes }),
  });
  const act = (depth: number): unknown => (depth === 0 ? undefined : { sub: `agent-${depth}`, act: act(depth - 1) });
  return [
    made("issuer unknown", "token_issuer_unknown", { iss: "https://attacker.example" }),
    made("issuer with a slash more", "token_issuer_unknown", { iss: `${issuer.url}/` }),
    made("issuer missing", "token_issuer_unknown", { iss: undefined }),
    made("issuer a list", "token_issuer_unknown", { iss: [issuer.url] }),
    made("issuer of the prototype", "token_issuer_unknown", { iss: "constructor" }),
    made("audience of somebody else", "token_audience", { aud: "another-service" }),
    made("audience a prefix of ours", "token_audience", { aud: `${issuer.audience}.example` }),
    made("audience empty list", "token_audience", { aud: [] }),
    made("audience an object", "token_audience", { aud: { 0: issuer.audience } }),
    made("audience missing", "token_audience", { aud: undefined }),
    made("audience of mixed types", "token_claims", { aud: [issuer.audience, 7] }),
    made("subject missing", "token_claims", { sub: undefined }),
    made("subject empty", "token_claims", { sub: "" }),
    made("subject a number", "token_claims", { sub: 7 }),
    made("client_id a list", "token_claims", { client_id: ["a"] }),
    made("roles a map", "token_claims", { roles: { admin: true } }),
    made("roles of mixed types", "token_claims", { roles: ["user", null] }),
    made("groups a number", "token_claims", { groups: 1 }),
    made("scope a map", "token_claims", { scope: { read: true } }),
    made("acr a number", "token_claims", { acr: 1 }),
    made("amr a map", "token_claims", { amr: {} }),
    made("auth_time a text", "token_claims", { auth_time: "yesterday" }),
    made("cnf a text", "token_claims", { cnf: "jkt" }),
    made("cnf.jkt a number", "token_claims", { cnf: { jkt: 1 } }),
    made("authorization_details an object", "token_claims", { authorization_details: { type: "payment" } }),
    made("authorization_details without a type", "token_claims", { authorization_details: [{ amount: 1 }] }),
    made("act a text", "token_act_malformed", { act: "agent" }),
    made("act null", "token_act_malformed", { act: null }),
    made("act a list", "token_act_malformed", { act: [{ sub: "agent" }] }),
    made("act without sub", "token_act_malformed", { act: { client_id: "agent" } }),
    made("act with an empty sub", "token_act_malformed", { act: { sub: "" } }),
    made("inner act malformed", "token_act_malformed", { act: { sub: "agent", act: 1 } }),
    made("act one too deep", "token_act_too_deep", { act: act(5) }),
    made("ID token under a plain type", "token_type", { at_hash: "x" }),
    made("logout token under a plain type", "token_type", { events: { "http://schemas.openid.net/event/backchannel-logout": {} } }),
    made("Keycloak's ID token", "token_type", { typ: "ID" }),
    made("Keycloak's refresh token", "token_type", { typ: "Refresh" }),
    made("Cognito's ID token", "token_type", { token_use: "id" }),
  ];
}
