import { hash } from "node:crypto";
import { errors, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import type { JsonObject } from "../decide/json.ts";
import type { RejectedToken, TokenResult, TokenVerifier, VerifiedToken } from "../decide/ports.ts";
import type { ErrorPath } from "../errors.ts";
import type { FetchLike } from "./fetch-jwks.ts";
import { type Issuer, type IssuerOptions, rangeMistakes, readIssuers, throwIfAny } from "./issuer-options.ts";
import { createKeySet, type KeySet, type KeySetStatus, type RemoteKeySetOptions } from "./key-set.ts";
import { readClaims } from "./token-claims.ts";
import { reject, type TokenReason, TokenRejection } from "./token-reasons.ts";
import { checkHeader, member, readTokenText } from "./token-text.ts";

/** What {@link createTokenVerifier} needs. Everything but the issuers has a default. */
export interface TokenVerifierOptions {
  readonly issuers: readonly IssuerOptions[];
  readonly limits?: { readonly tokenBytesMax?: number | undefined; readonly actDepthMax?: number | undefined } | undefined;
  /** Verified tokens that are remembered; default 10,000 for at most 60 s each. */
  readonly cache?: { readonly entriesMax?: number | undefined; readonly ttlS?: number | undefined } | undefined;
  readonly jwks?: JwksOptions | undefined;
  /** `issuer`: as configured, null when the token names no configured one. `result`: `verified`, `cached` or the reason code. */
  readonly onResult?: ((issuer: string | null, result: "verified" | "cached" | TokenReason) => void) | undefined;
  /** After every fetch of a key set, good or bad. */
  readonly onFetch?: ((status: KeySetStatus) => void) | undefined;
  /** Milliseconds since the epoch; the clock against which the age of key sets is measured. */
  readonly nowMs?: (() => number) | undefined;
  readonly fetch?: FetchLike | undefined;
}

/** How remote key sets are fetched and kept; seconds and milliseconds as named. */
export interface JwksOptions {
  /** Default 300. A revoked key is trusted at most this long while its issuer answers. */
  readonly refreshS?: number | undefined;
  /** Default 5. At most one fetch in this time on account of unknown key ids or failures. */
  readonly cooldownS?: number | undefined;
  /** Default 14,400 (4 hours): how long the last good set is used while the issuer does not answer. */
  readonly graceS?: number | undefined;
  /** Default 2,000. */
  readonly timeoutMs?: number | undefined;
}

/** A {@link TokenVerifier} that owns key sets and timers. */
export interface AgentTokenVerifier extends TokenVerifier {
  /** Forgets every verified token and fetches every remote key set now; never rejects. Call it at start, and after a key was compromised. */
  reload(): Promise<void>;
  status(): readonly KeySetStatus[];
  /** Stops the background refresh. */
  close(): void;
}

/** One configured issuer and its keys. */
interface Trusted {
  readonly issuer: Issuer;
  readonly keys: KeySet;
}

interface CacheEntry {
  readonly result: VerifiedToken;
  readonly trusted: Trusted;
  readonly version: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

interface Context {
  readonly trusted: ReadonlyMap<string, Trusted>;
  readonly cache: LRUCache<string, CacheEntry>;
  readonly tokenBytesMax: number;
  readonly actDepthMax: number;
  readonly ttlMs: number;
  readonly report: (issuer: string | null, result: "verified" | "cached" | TokenReason) => void;
}

/**
 * Verifies agents' access tokens (RFC 7519, RFC 9068) against the configured issuers. A token that was verified within the
 * last minute is answered from memory without a promise. Throws RemitError `config_invalid` when issuers lack what is required.
 */
export function createTokenVerifier(options: TokenVerifierOptions): AgentTokenVerifier {
  throwIfAny("token limits", limitMistakes(options));
  const remote = remoteOptions(options);
  const trusted = new Map(readIssuers(options.issuers).map((issuer) => [issuer.issuer, { issuer, keys: createKeySet(issuer, remote) }]));
  const context: Context = {
    trusted,
    cache: new LRUCache({ max: options.cache?.entriesMax ?? 10_000 }),
    tokenBytesMax: options.limits?.tokenBytesMax ?? 8192,
    actDepthMax: options.limits?.actDepthMax ?? 4,
    ttlMs: (options.cache?.ttlS ?? 60) * 1000,
    report: options.onResult ?? (() => undefined),
  };
  const sets = [...trusted.values()].map(({ keys }) => keys);
  return {
    verify: (token, nowMs, signal) => verify(context, token, nowMs, signal),
    reload: async () => {
      context.cache.clear();
      await Promise.all(sets.map((keys) => keys.refresh()));
    },
    status: () => sets.map((keys) => keys.status()),
    close: () => sets.forEach((keys) => void keys.close()),
  };
}

function limitMistakes({ limits, cache, jwks }: TokenVerifierOptions): ErrorPath[] {
  return [
    ...rangeMistakes("/limits/token_bytes_max", limits?.tokenBytesMax, 256, 65_536),
    ...rangeMistakes("/limits/act_depth_max", limits?.actDepthMax, 0, 16),
    ...rangeMistakes("/cache/entries_max", cache?.entriesMax, 1, 1_000_000),
    ...rangeMistakes("/cache/ttl_s", cache?.ttlS, 0, 300),
    ...rangeMistakes("/jwks/refresh_s", jwks?.refreshS, 1, 86_400),
    ...rangeMistakes("/jwks/cooldown_s", jwks?.cooldownS, 0, 300),
    ...rangeMistakes("/jwks/grace_s", jwks?.graceS, 0, 7 * 86_400),
    ...rangeMistakes("/jwks/timeout_ms", jwks?.timeoutMs, 10, 30_000),
  ];
}

function remoteOptions(options: TokenVerifierOptions): RemoteKeySetOptions {
  const jwks = options.jwks ?? {};
  return {
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    timeoutMs: jwks.timeoutMs ?? 2000,
    bytesMax: 256 * 1024,
    keysMax: 100,
    refreshMs: (jwks.refreshS ?? 300) * 1000,
    cooldownMs: (jwks.cooldownS ?? 5) * 1000,
    graceMs: (jwks.graceS ?? 14_400) * 1000,
    nowMs: options.nowMs ?? Date.now,
    onFetch: options.onFetch ?? (() => undefined),
  };
}

function verify(context: Context, token: string, nowMs: number, signal: AbortSignal): TokenResult | Promise<TokenResult> {
  if (token.length > context.tokenBytesMax) return rejected(context, null, "token_too_large");
  // The whole token is the key: nothing shorter, such as `jti`, tells two tokens apart that one attacker wrote.
  const digest = hash("sha256", token, "hex");
  const hit = context.cache.get(digest);
  if (hit !== undefined && isFresh(hit, nowMs)) {
    context.report(hit.result.issuer, "cached");
    return hit.result;
  }
  return verifyAnew(context, { token, digest, nowMs, signal });
}

/** A clock that went back makes a miss too, so an entry never outlives its time to live by it. */
function isFresh(entry: CacheEntry, nowMs: number): boolean {
  return nowMs >= entry.fromMs && nowMs < entry.untilMs && entry.version === entry.trusted.keys.version();
}

interface Presented {
  readonly token: string;
  readonly digest: string;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

async function verifyAnew(context: Context, presented: Presented): Promise<TokenResult> {
  let issuer: string | null = null;
  try {
    const text = readTokenText(presented.token);
    const trusted = findIssuer(context, text.payload);
    issuer = trusted.issuer.issuer;
    checkHeader(text, trusted.issuer);
    const result = await verifyTrusted(context, presented, trusted);
    context.report(issuer, "verified");
    return result;
  } catch (thrown) {
    return rejected(context, issuer, reasonOf(thrown));
  }
}

/** The issuer is chosen by the unverified `iss`, and the verification then demands that very `iss`. */
function findIssuer(context: Context, payload: JsonObject): Trusted {
  const iss = member(payload, "iss");
  return (typeof iss === "string" ? context.trusted.get(iss) : undefined) ?? reject("token_issuer_unknown");
}

async function verifyTrusted(context: Context, presented: Presented, trusted: Trusted): Promise<VerifiedToken> {
  const { issuer, keys } = trusted;
  // Read before the verification: keys that change meanwhile make the entry stale from the start.
  const version = keys.version();
  const payload = await verifyJwt(presented, trusted);
  const result = readClaims(payload, issuer, context.actDepthMax, `sha256:${presented.digest}`);
  const untilMs = Math.min(presented.nowMs + context.ttlMs, expiryMs(result, issuer), keys.usableUntilMs());
  context.cache.set(presented.digest, { result, trusted, version, fromMs: presented.nowMs, untilMs });
  return result;
}

/** Signature, `iss`, `aud`, times and required claims, by jose. Every check is switched on: what jose is not told it does not check. */
async function verifyJwt({ token, nowMs, signal }: Presented, { issuer, keys }: Trusted): Promise<JsonObject> {
  try {
    const { payload } = await jwtVerify<JsonObject>(token, keys.resolver(nowMs, signal), {
      algorithms: [...issuer.algorithms],
      issuer: issuer.issuer,
      audience: [...issuer.audience],
      requiredClaims: ["exp", "iat", "sub"],
      clockTolerance: issuer.clockSkewS,
      maxTokenAge: issuer.maxAgeS ?? Number.MAX_SAFE_INTEGER,
      currentDate: new Date(nowMs),
    });
    return payload;
  } catch (thrown) {
    // jose says with a TypeError that a key of the set is too weak or does not fit the algorithm.
    if (thrown instanceof TypeError || thrown instanceof DOMException) return reject("token_key_unknown");
    throw thrown;
  }
}

/** The first millisecond at which the token is no longer accepted. */
function expiryMs(token: VerifiedToken, issuer: Issuer): number {
  const endS = Math.min(token.expiresAtS, token.issuedAtS + (issuer.maxAgeS ?? Number.POSITIVE_INFINITY));
  return (endS + issuer.clockSkewS) * 1000;
}

function rejected(context: Context, issuer: string | null, reason: TokenReason): RejectedToken {
  context.report(issuer, reason);
  return { kind: "rejected", reason };
}

const reasonsByCode: ReadonlyMap<string, TokenReason> = new Map([
  [errors.JOSEAlgNotAllowed.code, "token_algorithm"],
  [errors.JWKSNoMatchingKey.code, "token_key_unknown"],
  [errors.JWKSMultipleMatchingKeys.code, "token_key_unknown"],
  [errors.JWKSInvalid.code, "token_key_unknown"],
  [errors.JWKInvalid.code, "token_key_unknown"],
  [errors.JOSENotSupported.code, "token_key_unknown"],
  [errors.JWSSignatureVerificationFailed.code, "token_signature"],
  [errors.JWSInvalid.code, "token_malformed"],
  [errors.JWTInvalid.code, "token_malformed"],
]);

/** The reason of a rejection. What is no rejection (no keys, a fault of ours) is thrown on: then we could not decide. */
function reasonOf(thrown: unknown): TokenReason {
  if (thrown instanceof TokenRejection) return thrown.reason;
  if (thrown instanceof errors.JWTExpired) return thrown.claim === "exp" ? "token_expired" : "token_too_old";
  if (thrown instanceof errors.JWTClaimValidationFailed) return claimReason(thrown);
  const reason = thrown instanceof errors.JOSEError ? reasonsByCode.get(thrown.code) : undefined;
  if (reason === undefined) throw thrown;
  return reason;
}

function claimReason({ claim, reason }: errors.JWTClaimValidationFailed): TokenReason {
  if (claim === "aud") return "token_audience";
  if ((claim === "nbf" || claim === "iat") && reason === "check_failed") return "token_not_yet_valid";
  return "token_claims";
}
