import type { RemitError } from "../errors.ts";
import type { DecisionRecord, QueryRecord } from "./decision-record.ts";
import type { Json, JsonObject } from "./json.ts";

/** Which bundle answered: name, manifest revision and SHA-256 (`sha256:…`) of what was loaded. */
export interface BundleId {
  readonly name: string;
  readonly revision: string;
  readonly digest: string;
}

export type ActionClass = "read" | "query" | "update" | "admin";

/** Where a part of a result comes from, as the catalog says; `identifier`: trusted only when it is a short name. */
export type FieldOrigin = "trusted" | "identifier" | "untrusted";

/** Evidence that a tool needs: another tool has completed, and (argument) has shown the value of this pointer. */
export interface ToolRequirement {
  readonly tool: string;
  readonly argument: string | null;
}

/** The catalog entry of a tool with defaults filled. */
export interface ToolEntry {
  /** `server/name`, or `name` when the server is not known. */
  readonly name: string;
  readonly known: boolean;
  readonly class: ActionClass;
  readonly class_source: "catalog" | "annotations" | "default";
  readonly returns: readonly string[];
  readonly destinations: readonly string[];
  readonly amounts: readonly string[];
  readonly queries: readonly string[];
  readonly external: boolean;
  readonly words: readonly string[];
  readonly fields: Readonly<Record<string, FieldOrigin>>;
  readonly limits: Readonly<Record<string, number>>;
  readonly requires: readonly ToolRequirement[];
  readonly page_sizes: readonly string[];
  /** It reaches somebody even when none of its destinations is stated. */
  readonly always_sends: boolean;
  readonly definition_digest: string | null;
  readonly outcome_within_s: number;
  readonly on_expiry: "commit" | "release";
}

/** What the engine says of one evaluation: the raw result, or the typed failure that denies it. */
export type Evaluation =
  | { readonly ok: true; readonly result: unknown; readonly evalNs: number }
  | { readonly ok: false; readonly error: RemitError; readonly evalNs: number };

/** A plain question to an entrypoint. */
export interface PolicyQuestion {
  readonly entrypoint: string;
  /** Path from the entrypoint's value down to what is asked for: keys, or integers; left out: the whole value. */
  readonly below?: readonly (string | number)[];
  /** Any JSON; undefined: no input at all. */
  readonly input: Json | undefined;
  /** `undefined`: a builtin that fails is undefined, as in OPA. `deny`: it is an error. */
  readonly builtinErrors: "deny" | "undefined";
  /** The one clock of the evaluation. */
  readonly nowMs: number;
}

/** What the policy says to it. */
export type PolicyAnswer = { readonly evalNs: number } & (
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "undefined" }
  | { readonly kind: "error"; readonly error: RemitError }
);

/** One immutable loaded bundle: a decision uses one snapshot from start to end. */
export interface PolicySnapshot {
  readonly bundle: BundleId;
  /** `data` of the bundle (for the tool catalog); read-only. */
  readonly data: JsonObject;
  /** Entrypoints the module has, e.g. `remit/decision`, `system/log/mask`. */
  readonly entrypoints: ReadonlySet<string>;
  /** Synchronous and bounded by fuel and memory; never throws. `nowMs` is the one clock of the evaluation. */
  evaluate(entrypoint: string, input: unknown, nowMs: number): Evaluation;
  /** As OPA answers, bounded in the same way; an entrypoint that the module has not is undefined. Never throws. */
  query(question: PolicyQuestion): PolicyAnswer;
}

/** The active policy; `undefined` until the first bundle passed the load gate. */
export interface PolicyEngine {
  current(): PolicySnapshot | undefined;
}

/** Outcome of verifying the agent's token; a bad token is a value (a recorded deny), not an error. */
export type TokenResult = { readonly kind: "absent" } | RejectedToken | VerifiedToken;

export interface RejectedToken {
  readonly kind: "rejected";
  /** Reason code: token_malformed, token_expired, token_not_yet_valid, token_issuer_unknown, token_audience, token_signature, token_algorithm, token_claims, token_type, token_too_large … */
  readonly reason: string;
}

export interface VerifiedToken {
  readonly kind: "verified";
  readonly issuer: string;
  readonly subject: { readonly type: string; readonly id: string; readonly roles: readonly string[]; readonly groups: readonly string[] };
  /** The current actor (RFC 8693 outermost `act.sub`, else `client_id`/`azp`), or null. */
  readonly agent: string | null;
  /** Actors, the current one first. */
  readonly chain: readonly string[];
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  readonly acr: string | null;
  readonly amr: readonly string[];
  readonly authTimeS: number | null;
  readonly issuedAtS: number;
  readonly expiresAtS: number;
  readonly senderConstrained: boolean;
  readonly authorizationDetails: readonly unknown[];
  /** All other claims, as verified; bounded by the token's size limit. */
  readonly claims: JsonObject;
  /** `sha256:…` of the whole token: says which token it was without being one. */
  readonly digest: string;
}

/** Verifies an agent's token. Throws RemitError `token_keys_unavailable` when keys cannot be had. */
export interface TokenVerifier {
  verify(token: string, nowMs: number, signal: AbortSignal): TokenResult | Promise<TokenResult>;
}

/** Identity a session is bound to: the same id from another principal is another session. */
export interface SessionKey {
  readonly tenant: string;
  readonly subject: string | null;
  readonly agent: string | null;
  readonly id: string;
}

export type MaybePromise<T> = T | Promise<T>;

/** A document as read; `version` 0 and `text` null when there is none or it has expired. Versions are opaque, only grow, and are never used again. */
export interface StoredDoc {
  readonly version: number;
  readonly text: string | null;
}

/** What to read at one moment: documents, counters, and fields of owners. */
export interface StateQuery {
  readonly docs: readonly string[];
  readonly counters: readonly string[];
  readonly fields: readonly { readonly owner: string; readonly names: readonly string[] }[];
}

/** Answers in the order asked. An absent or expired counter is 0, an absent field null. No change is seen in part. */
export interface StateSnapshot {
  readonly docs: readonly StoredDoc[];
  readonly counters: readonly number[];
  readonly fields: readonly (readonly (string | null)[])[];
}

/** A change of a document that must still have `version` (0: must be absent). `text` null removes it. */
export interface DocChange {
  readonly key: string;
  readonly version: number;
  readonly text: string | null;
  /** Milliseconds since the epoch; from then on it does not exist. */
  readonly expiresMs: number;
  /** Counts against the limit of living documents. */
  readonly limited: boolean;
}

/** An integer step; the counter never goes above `max` (null: no limit) nor below 0, and ends at the later of both expiries. A step of 0 or less is never over. */
export interface CounterChange {
  readonly key: string;
  readonly add: number;
  readonly max: number | null;
  readonly expiresMs: number;
}

/** Small strings of one owner, which expire together; `overwrite` false keeps what is there. */
export interface FieldsChange {
  readonly owner: string;
  readonly expiresMs: number;
  readonly entries: readonly { readonly name: string; readonly value: string; readonly overwrite: boolean }[];
}

export interface StateChange {
  readonly docs: readonly DocChange[];
  readonly counters: readonly CounterChange[];
  readonly fields: readonly FieldsChange[];
}

/** In this order, `conflict`: a version differs, or a document is named twice. `over`: a counter would pass its max. `full`: no room for another limited document. */
export type ChangeResult = "done" | "conflict" | "over" | "full";

/**
 * What sessions are kept in: versioned documents, counters and fields of a tenant. All or nothing, across processes and replicas.
 * Throws RemitError `session_store_unavailable` when it cannot answer; never waits without bound, never falls back.
 */
export interface StateStore {
  read(tenant: string, query: StateQuery, nowMs: number): MaybePromise<StateSnapshot>;
  change(tenant: string, change: StateChange, nowMs: number): MaybePromise<ChangeResult>;
  /** When what it held before may have been lost (milliseconds since the epoch), or null. */
  readonly lostAtMs: number | null;
  close(): Promise<void>;
}

/** Takes records; never blocks per record. Throws RemitError `record_failed` when it can no longer keep them. */
export interface DecisionLog {
  /** `policy`: the snapshot that decided, which also masks; null when there was none. */
  write(record: DecisionRecord | QueryRecord, policy: PolicySnapshot | null): void;
}

/** The service's only source of time. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
}

/** What the core tells telemetry about one finished decision. */
export interface DecisionMetrics {
  decided(event: DecisionEvent): void;
}

export interface DecisionEvent {
  readonly dialect: string;
  readonly outcome: "allow" | "deny" | "error";
  readonly reason: string;
  readonly class: ActionClass | "none";
  /** A catalogued tool, else null: only those may become a label. */
  readonly tool: { readonly server: string | null; readonly name: string } | null;
  /** What went wrong: an evaluation that failed (outcome `deny`) or no decision at all (outcome `error`). */
  readonly failure: RemitError | null;
  readonly decisionId: string;
  /** How often it was judged: more than once when others changed the session meanwhile. */
  readonly attempts: number;
  readonly durationS: number;
  readonly evaluationS: number | null;
}
