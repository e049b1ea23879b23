import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { TokenResult, TokenVerifier } from "../decide/ports.ts";
import type { Pep, PepNeeds } from "../decide/tool-call.ts";
import { type ErrorPath, RemitError } from "../errors.ts";
import { pepIdOf, pepIdPattern, weakHash } from "./api-key.ts";
import { throwIfAny } from "./issuer-options.ts";

/** One enforcement point of the configuration. */
export interface PepOptions extends Pep {
  /** SHA-256 of each live API key in hex; several while a key is rotated. Empty or absent: no API key. */
  readonly apiKeysSha256?: readonly string[] | undefined;
  /** Secrets of its signed webhooks; several while one is rotated. */
  readonly webhookSecrets?: readonly string[] | undefined;
  /** The `iss` and `sub` of the token by which it authenticates. */
  readonly jwt?: { readonly issuer: string; readonly subject: string } | undefined;
}

/** What {@link createPepAuthenticator} needs. */
export interface PepAuthenticatorOptions {
  /** `none`: everybody on this machine is the enforcement point `anonymous`. */
  readonly mode: "required" | "none";
  readonly peps: readonly PepOptions[];
  /** Verifies tokens of enforcement points. Its issuers need an audience of their own, so that no agent's token fits. */
  readonly tokens?: TokenVerifier | undefined;
  /** With mode `none`: accept callers from other machines too; default false. */
  readonly anonymousFromAnywhere?: boolean | undefined;
  /** `pep`: configured id, null when none matched. `result`: `accepted` or the error code. */
  readonly onResult?: ((pep: string | null, result: string) => void) | undefined;
}

/** Request headers as node:http gives them: lower-case names. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Who is calling? */
export interface PepAuthenticator {
  /**
   * The enforcement point whose credential `x-api-key`, or else `authorization: Bearer`, holds: at once for an API key, as a
   * promise for a token. `remote` is the caller's IP address, undefined on a UNIX socket; `nowMs` milliseconds since the epoch.
   * Throws (or rejects with) RemitError `pep_unauthenticated`, `pep_forbidden` or `token_keys_unavailable`.
   */
  authenticate(headers: Headers, remote: string | undefined, nowMs: number, signal?: AbortSignal): Pep | Promise<Pep>;
  /**
   * The enforcement point `pepId`, when `mac` is the HMAC-SHA256 of `signed` by one of its webhook secrets.
   * Throws RemitError `pep_unauthenticated`.
   */
  authenticateSigned(pepId: string, mac: Uint8Array, signed: Uint8Array): Pep;
}

/** It may not approve: the caller may be the agent itself. */
const anonymous: Pep = {
  ...{ id: "anonymous", tenant: "default", dialects: ["*"], permissions: ["decide", "grant", "operate"] },
  ...{ assertsSubject: true, annotationsTrusted: false },
};
const keysMax = 8;

/** Authenticates enforcement points. Throws RemitError `config_invalid` naming every mistake in `peps`. */
export function createPepAuthenticator(options: PepAuthenticatorOptions): PepAuthenticator {
  const report = options.onResult ?? (() => undefined);
  if (options.mode === "none") return createAnonymous(options.anonymousFromAnywhere ?? false, report);
  throwIfAny("enforcement points", pepMistakes(options));
  const book: Book = {
    byId: new Map(
      options.peps.map((pep) => [
        pep.id,
        { pep: plainPep(pep), digests: (pep.apiKeysSha256 ?? []).map(fromHex), secrets: pep.webhookSecrets ?? [] },
      ]),
    ),
    byJwt: new Map(
      options.peps.flatMap((pep) => (pep.jwt === undefined ? [] : [[jwtKey(pep.jwt.issuer, pep.jwt.subject), plainPep(pep)]])),
    ),
    tokens: options.tokens,
    report,
  };
  return {
    authenticate: (headers, _remote, nowMs, signal) => authenticate(book, headers, nowMs, signal ?? noSignal),
    authenticateSigned: (pepId, mac, signed) => bySignature(book, pepId, { mac, signed }),
  };
}

/** Throws RemitError `pep_forbidden` unless the enforcement point may use the dialect; `*` stands for every one. */
export function requireDialect(pep: Pep, dialect: string): void {
  if (pep.dialects.includes(dialect) || pep.dialects.includes("*")) return;
  throw new RemitError("pep_forbidden", `enforcement point \`${pep.id}\` may not use dialect \`${dialect}\`; add it to its \`dialects\``);
}

/** Throws RemitError `pep_forbidden` unless the enforcement point has one of the permissions. */
export function requirePermission(pep: Pep, anyOf: PepNeeds["anyOf"]): void {
  if (anyOf.some((permission) => pep.permissions.includes(permission))) return;
  const [needed] = anyOf;
  const remedy =
    pep === anonymous
      ? `authentication is off, and everybody may be the agent itself; configure an enforcement point with permission \`${needed}\``
      : `enforcement point \`${pep.id}\` has no permission \`${needed}\`; add it to its \`permissions\``;
  throw new RemitError("pep_forbidden", remedy);
}

interface Book {
  readonly byId: ReadonlyMap<string, KeyedPep>;
  readonly byJwt: ReadonlyMap<string, Pep>;
  readonly tokens: TokenVerifier | undefined;
  readonly report: (pep: string | null, result: string) => void;
}

interface KeyedPep {
  readonly pep: Pep;
  readonly digests: readonly Buffer[];
  readonly secrets: readonly string[];
}

const noSignal = new AbortController().signal;

function authenticate(book: Book, headers: Headers, nowMs: number, signal: AbortSignal): Pep | Promise<Pep> {
  const credential = readCredential(headers);
  if (credential === null) return refuse(book);
  const id = pepIdOf(credential);
  if (id !== null) return byApiKey(book, id, credential);
  return book.tokens === undefined ? refuse(book) : byToken(book, book.tokens.verify(credential, nowMs, signal));
}

/** `x-api-key` wins: beside it `authorization` is the agent's, forwarded by a proxy that authenticates by the key. */
function readCredential(headers: Headers): string | null {
  const key = headers["x-api-key"];
  if (key !== undefined) return typeof key === "string" ? key : null;
  const authorization = headers.authorization;
  if (typeof authorization !== "string" || authorization.slice(0, 7).toLowerCase() !== "bearer ") return null;
  return authorization.slice(7).trim();
}

// Compared when the key names nobody, so that the time taken does not tell which ids exist.
const nobodysDigests = [Buffer.alloc(32)];

function byApiKey(book: Book, id: string, key: string): Pep {
  const keyed = book.byId.get(id);
  const digest = hash("sha256", key, "buffer");
  let equal = false;
  // Every live key is compared, so that the time taken does not tell which one it was.
  for (const known of keyed?.digests ?? nobodysDigests) equal = timingSafeEqual(known, digest) || equal;
  if (keyed === undefined || !equal) return refuse(book);
  book.report(keyed.pep.id, "accepted");
  return keyed.pep;
}

// Signed with when nobody is named, so that the time taken does not tell which ids exist.
const nobodysSecrets = ["nobody"];

function bySignature(book: Book, pepId: string, { mac, signed }: { mac: Uint8Array; signed: Uint8Array }): Pep {
  const keyed = book.byId.get(pepId);
  const secrets = keyed === undefined || keyed.secrets.length === 0 ? nobodysSecrets : keyed.secrets;
  let equal = false;
  for (const secret of secrets) {
    const expected = createHmac("sha256", secret).update(signed).digest();
    equal = (mac.length === expected.length && timingSafeEqual(expected, mac)) || equal;
  }
  if (keyed === undefined || secrets === nobodysSecrets || !equal) return refuse(book);
  book.report(keyed.pep.id, "accepted");
  return keyed.pep;
}

async function byToken(book: Book, pending: TokenResult | Promise<TokenResult>): Promise<Pep> {
  const token = await pending;
  // A delegated token speaks for its subject but is held by somebody else: no credential of an enforcement point.
  if (token.kind !== "verified" || Object.hasOwn(token.claims, "act")) return refuse(book);
  const pep = book.byJwt.get(jwtKey(token.issuer, token.subject.id));
  if (pep === undefined) return refuse(book);
  book.report(pep.id, "accepted");
  return pep;
}

/** One answer for every failure: it does not say which part was wrong. */
function refuse(book: Book): never {
  book.report(null, "pep_unauthenticated");
  throw new RemitError(
    "pep_unauthenticated",
    "no accepted credential; send `Authorization: Bearer` or `X-API-Key` of a configured enforcement point",
  );
}

function createAnonymous(fromAnywhere: boolean, report: Book["report"]): PepAuthenticator {
  return {
    authenticate: (_headers, remote) => {
      const allowed = fromAnywhere || isLocal(remote);
      report(allowed ? anonymous.id : null, allowed ? "accepted" : "pep_forbidden");
      if (allowed) return anonymous;
      throw new RemitError("pep_forbidden", "authentication is off and accepts callers on this machine only");
    },
    authenticateSigned() {
      report(null, "pep_unauthenticated");
      throw new RemitError(
        "pep_unauthenticated",
        "authentication is off, so there is no secret to check a signature by; configure `auth.peps`",
      );
    },
  };
}

function isLocal(remote: string | undefined): boolean {
  return remote === undefined || remote === "::1" || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(remote);
}

function plainPep({ id, tenant, dialects, permissions, assertsSubject, annotationsTrusted }: PepOptions): Pep {
  return Object.freeze({ id, tenant, dialects: [...dialects], permissions: [...permissions], assertsSubject, annotationsTrusted });
}

function fromHex(sha256: string): Buffer {
  return Buffer.from(sha256, "hex");
}

function jwtKey(issuer: string, subject: string): string {
  return JSON.stringify([issuer, subject]);
}

function pepMistakes({ peps, tokens }: PepAuthenticatorOptions): ErrorPath[] {
  const errors = peps.flatMap((pep, i) => onePepMistakes(pep, `/peps/${i}`, tokens !== undefined));
  if (peps.length === 0)
    errors.push({ path: "/peps", message: "is empty; nobody could call. Configure one, or state that authentication is off" });
  const jwts = peps.map(({ jwt }) => (jwt === undefined ? undefined : jwtKey(jwt.issuer, jwt.subject)));
  const hashes = peps.map((pep) => (pep.apiKeysSha256 ?? []).map((sha256) => sha256.toLowerCase()));
  peps.forEach((pep, i) => {
    if (peps.findIndex(({ id }) => id === pep.id) < i) errors.push({ path: `/peps/${i}/id`, message: `\`${pep.id}\` is configured twice` });
    if (jwts[i] !== undefined && jwts.indexOf(jwts[i]) < i)
      errors.push({ path: `/peps/${i}/jwt`, message: "names the same issuer and subject as an earlier enforcement point" });
    if (hashes[i]?.some((sha256) => hashes.slice(0, i).some((earlier) => earlier.includes(sha256))))
      errors.push({ path: `/peps/${i}/api_keys_sha256`, message: "shares a key with an earlier enforcement point; give each its own" });
  });
  return errors;
}

function onePepMistakes(pep: PepOptions, path: string, hasTokens: boolean): ErrorPath[] {
  const errors: ErrorPath[] = [];
  const hashes = pep.apiKeysSha256 ?? [];
  if (!pepIdPattern.test(pep.id)) errors.push({ path: `${path}/id`, message: `\`${pep.id}\` does not match ${pepIdPattern.source}` });
  if (pep.tenant === "") errors.push({ path: `${path}/tenant`, message: "is empty; name the tenant" });
  if (pep.dialects.length === 0) errors.push({ path: `${path}/dialects`, message: "is empty; list dialects, or `*`" });
  if (pep.permissions.length === 0) errors.push({ path: `${path}/permissions`, message: "is empty; list what it may do" });
  if (hashes.length === 0 && (pep.webhookSecrets ?? []).length === 0 && pep.jwt === undefined)
    errors.push({ path, message: "has no credential; give `api_keys_sha256`, `webhook_secrets` or `jwt`" });
  if (hashes.length > keysMax)
    errors.push({ path: `${path}/api_keys_sha256`, message: `has more than ${keysMax} keys; remove the old ones` });
  if (pep.jwt !== undefined && !hasTokens)
    errors.push({ path: `${path}/jwt`, message: "needs issuers for enforcement points; configure them" });
  hashes.forEach((sha256, k) => {
    // The value is not shown: it may be the key itself, written where its hash belongs.
    const problem = weakHash(pep.id, sha256);
    if (problem !== null) errors.push({ path: `${path}/api_keys_sha256/${k}`, message: problem });
  });
  return errors;
}
