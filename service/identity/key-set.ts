import { setMaxListeners } from "node:events";
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import { describe, RemitError } from "../errors.ts";
import { type FetchJwksOptions, fetchJwks } from "./fetch-jwks.ts";
import type { Issuer } from "./issuer-options.ts";

/** Public keys of one issuer. */
export interface KeySet {
  /** Changes whenever the keys do: what was verified under another version must be verified again. */
  version(): number;
  /** Milliseconds since the epoch after which the present keys may not be used. */
  usableUntilMs(): number;
  /** Resolver for one verification. It throws RemitError `token_keys_unavailable` when no keys are usable. */
  resolver(nowMs: number, signal: AbortSignal): JWTVerifyGetKey;
  /** Fetches now, whatever the cooldown, unless a fetch is in flight; never rejects. */
  refresh(): Promise<void>;
  status(): KeySetStatus;
  close(): void;
}

/** What there is to know of a key set; for readiness, metrics and alarms. */
export interface KeySetStatus {
  readonly issuer: string;
  readonly keys: number;
  /** Milliseconds since the epoch of the last good fetch; null before the first. */
  readonly fetchedAtMs: number | null;
  /** Why the last fetch failed; null after a good one. */
  readonly failure: string | null;
}

/** How a remote key set is kept. */
export interface RemoteKeySetOptions extends FetchJwksOptions {
  /** Between good fetches in the background; a revoked key is trusted at most this long while the issuer answers. */
  readonly refreshMs: number;
  /** At most one fetch in this time on account of unknown key ids, or of fetches that failed. */
  readonly cooldownMs: number;
  /** How long after its fetch a set stays in use while the issuer does not answer. */
  readonly graceMs: number;
  readonly nowMs: () => number;
  readonly onFetch: (status: KeySetStatus) => void;
}

/** Keys from the configuration: they never change. */
export function createInlineKeySet(issuer: string, jwks: JSONWebKeySet): KeySet {
  const local = createLocalJWKSet(jwks);
  return {
    version: () => 1,
    usableUntilMs: () => Number.POSITIVE_INFINITY,
    resolver: () => local,
    refresh: () => Promise.resolve(),
    status: () => ({ issuer, keys: jwks.keys.length, fetchedAtMs: null, failure: null }),
    close: () => undefined,
  };
}

interface Keys {
  readonly local: JWTVerifyGetKey;
  readonly count: number;
  readonly text: string;
  readonly fetchedAtMs: number;
}

interface State {
  keys: Keys | undefined;
  version: number;
  failures: number;
  failure: string | null;
  /** Monotonic, milliseconds. */
  attemptedAtMs: number;
  inFlight: Promise<void> | undefined;
  timer: NodeJS.Timeout | undefined;
  closed: boolean;
}

/**
 * Keys fetched from `uri`, refreshed in the background, kept through an outage. jose's own remote set is not used: past its
 * `cacheMaxAge` it refuses every token of an issuer that is down, and starts a fetch for each of them.
 */
export function createRemoteKeySet(issuer: string, uri: string, options: RemoteKeySetOptions): KeySet {
  const state = newState();
  const refresh = () => {
    state.inFlight ??= load(issuer, uri, state, options).finally(() => {
      state.inFlight = undefined;
      schedule(state, options, refresh);
    });
    return state.inFlight;
  };
  return {
    version: () => state.version,
    usableUntilMs: () => (state.keys === undefined ? 0 : state.keys.fetchedAtMs + options.graceMs),
    resolver: (nowMs, signal) => createResolver(issuer, state, options, { nowMs, signal, refresh }),
    refresh,
    status: () => statusOf(issuer, state),
    close: () => {
      state.closed = true;
      clearTimeout(state.timer);
    },
  };
}

function newState(): State {
  return {
    keys: undefined,
    version: 0,
    failures: 0,
    failure: null,
    attemptedAtMs: Number.NEGATIVE_INFINITY,
    inFlight: undefined,
    timer: undefined,
    closed: false,
  };
}

function statusOf(issuer: string, state: State): KeySetStatus {
  return { issuer, keys: state.keys?.count ?? 0, fetchedAtMs: state.keys?.fetchedAtMs ?? null, failure: state.failure };
}

async function load(issuer: string, uri: string, state: State, options: RemoteKeySetOptions): Promise<void> {
  state.attemptedAtMs = performance.now();
  try {
    accept(state, await fetchJwks(uri, options), options.nowMs());
  } catch (thrown) {
    state.failures++;
    state.failure = describe(thrown);
  }
  options.onFetch(statusOf(issuer, state));
}

function accept(state: State, jwks: JSONWebKeySet, fetchedAtMs: number): void {
  const text = JSON.stringify(jwks);
  const unchanged = state.keys?.text === text ? state.keys : undefined;
  if (unchanged === undefined) state.version++;
  // Keeping the resolver of an unchanged set keeps the keys that it has imported.
  state.keys = { local: unchanged?.local ?? createLocalJWKSet(jwks), count: jwks.keys.length, text, fetchedAtMs };
  state.failures = 0;
  state.failure = null;
}

function schedule(state: State, options: RemoteKeySetOptions, refresh: () => Promise<void>): void {
  if (state.closed) return;
  const backoffMs = Math.max(options.cooldownMs, 1000) * 2 ** Math.min(state.failures - 1, 6);
  const delayMs = state.failures === 0 ? options.refreshMs : Math.min(options.refreshMs, backoffMs);
  clearTimeout(state.timer);
  // Jitter, so that replicas started together do not ask together.
  state.timer = setTimeout(refresh, delayMs * (0.9 + Math.random() * 0.1)).unref();
}

interface Call {
  readonly nowMs: number;
  readonly signal: AbortSignal;
  readonly refresh: () => Promise<void>;
}

function createResolver(issuer: string, state: State, options: RemoteKeySetOptions, call: Call): JWTVerifyGetKey {
  return async (header, token) => {
    const keys = usableKeys(state, options, call.nowMs) ?? (await firstKeys(issuer, state, options, call));
    try {
      return await keys.local(header, token);
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey)) throw thrown;
      // Perhaps the issuer has rotated. Everybody with an unknown key id waits for the same fetch.
      await refreshUnlessCooling(state, options, call);
      if (state.keys === undefined || state.keys.local === keys.local) throw thrown;
      return await state.keys.local(header, token);
    }
  };
}

function usableKeys(state: State, options: RemoteKeySetOptions, nowMs: number): Keys | undefined {
  return state.keys !== undefined && nowMs < state.keys.fetchedAtMs + options.graceMs ? state.keys : undefined;
}

async function firstKeys(issuer: string, state: State, options: RemoteKeySetOptions, call: Call): Promise<Keys> {
  await refreshUnlessCooling(state, options, call);
  const keys = usableKeys(state, options, call.nowMs);
  if (keys !== undefined) return keys;
  throw new RemitError(
    "token_keys_unavailable",
    `no usable keys of issuer \`${issuer}\`: ${state.failure ?? "the fetch did not end in time"}`,
    {
      retryAfterS: Math.ceil(options.cooldownMs / 1000),
    },
  );
}

async function refreshUnlessCooling(state: State, options: RemoteKeySetOptions, call: Call): Promise<void> {
  const cooling = performance.now() - state.attemptedAtMs < options.cooldownMs;
  if (state.inFlight === undefined && (cooling || state.closed)) return;
  await untilAborted(call.refresh(), call.signal);
}

/** Waits for the work or for the caller's deadline, whichever is first; the work itself goes on for the others. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = withResolvers();
  // The calls of one batch share a signal, and all of them may wait here.
  setMaxListeners(0, signal);
  signal.addEventListener("abort", resolve, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", resolve);
  }
}

/** `Promise.withResolvers` is not in Node 20. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** The key set of a checked issuer. */
export function createKeySet(issuer: Issuer, options: RemoteKeySetOptions): KeySet {
  if ("uri" in issuer.jwks) return createRemoteKeySet(issuer.issuer, issuer.jwks.uri, options);
  return createInlineKeySet(issuer.issuer, { keys: [...issuer.jwks.keys] });
}
