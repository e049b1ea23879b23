import type { RemitError } from "../errors.ts";
import type { DecisionRecord } from "./decision-record.ts";
import type { JsonObject } from "./json.ts";

/** Which bundle answered: name, manifest revision and SHA-256 (`sha256:…`) of what was loaded. */
export interface BundleId {
  readonly name: string;
  readonly revision: string;
  readonly digest: string;
}

export type ActionClass = "read" | "query" | "update" | "admin";

/** The catalog entry of a tool with defaults filled; `input.tool`. */
export interface ToolEntry {
  readonly known: boolean;
  readonly class: ActionClass;
  readonly class_source: "catalog" | "annotations" | "default";
  readonly returns: readonly string[];
  readonly destinations: readonly string[];
  readonly amounts: readonly string[];
  readonly queries: readonly string[];
  readonly external: boolean;
}

/** What the engine says of one evaluation: the raw result, or the typed failure that denies it. */
export type Evaluation =
  | { readonly ok: true; readonly result: unknown; readonly evalNs: number }
  | { readonly ok: false; readonly error: RemitError; readonly evalNs: number };

/** One immutable loaded bundle: a decision uses one snapshot from start to end. */
export interface PolicySnapshot {
  readonly bundle: BundleId;
  /** `data` of the bundle (for the tool catalog); read-only. */
  readonly data: JsonObject;
  /** Entrypoints the module has, e.g. `remit/decision`, `system/log/mask`. */
  readonly entrypoints: ReadonlySet<string>;
  /** Synchronous and bounded by fuel and memory; never throws. `nowMs` is the one clock of the evaluation. */
  evaluate(entrypoint: string, input: unknown, nowMs: number): Evaluation;
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

/** What the policies see of a session. */
export interface SessionView {
  readonly id: string | null;
  readonly known: boolean;
  readonly ageS: number | null;
  readonly calls: number;
}

/** Session memory. Only first-seen time and number of allowed calls until the session issue replaces it. */
export interface SessionStore {
  view(key: SessionKey, nowMs: number): SessionView;
  /** Counts an allowed call; denied calls never count as history. */
  commit(key: SessionKey, nowMs: number): void;
}

/** Takes records; never blocks per record. Throws RemitError `record_failed` when it can no longer keep them. */
export interface DecisionLog {
  /** `policy`: the snapshot that decided, which also masks; null when there was none. */
  write(record: DecisionRecord, policy: PolicySnapshot | null): void;
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
  readonly durationS: number;
  readonly evaluationS: number | null;
}
