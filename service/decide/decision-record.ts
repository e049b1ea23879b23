import type { Json, JsonObject } from "./json.ts";
import type { BundleId } from "./ports.ts";

/**
 * One line of the decision log: OPA's decision-log event names (opa-wasm reference 5.1) plus ours.
 * Enough to say who asked for which tool, when, under which policy, and why it was answered so.
 */
export interface DecisionRecord {
  readonly type: "openpolicyagent.org/decision_logs";
  readonly labels: Readonly<Record<string, string>>;
  readonly decision_id: string;
  readonly batch_decision_id?: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly bundles: Readonly<Record<string, { readonly revision: string; readonly digest: string }>>;
  readonly path: string;
  /** `input` as evaluated, masked; absent when no input was built. */
  readonly input?: unknown;
  /** What was enforced. */
  readonly result: EnforcedResult;
  readonly erased?: readonly string[];
  readonly masked?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly requested_by?: string;
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly req_id: string;
  readonly dialect: string;
  readonly pep: { readonly id: string; readonly tenant: string };
  readonly token: { readonly kind: string; readonly digest?: string; readonly reason?: string };
  /** Who asked for what; `verified` when a verified token says so. */
  readonly call: {
    readonly server: string | null;
    readonly tool: string;
    readonly subject: string | null;
    readonly agent: string | null;
    readonly session: string | null;
    readonly verified: boolean;
  };
}

/** One line of the decision log for a plain question to an entrypoint, as OPA would have it: no tool call, no session. */
export type QueryRecord = Omit<DecisionRecord, "result" | "token" | "call"> & {
  /** The value as it was answered; absent when it was undefined or there was an error. */
  readonly result?: Json;
};

/** The verdict as the PEP got it. `outcome` `error`: we could not decide, which the PEP must read as no. */
export interface EnforcedResult {
  readonly outcome: "allow" | "deny" | "error";
  readonly allow: boolean;
  readonly reasons: readonly unknown[];
  readonly obligations: readonly unknown[];
  readonly effects?: unknown;
}

/** What can happen to a session beside decisions. */
export const sessionEventNames = [
  "outcome_reported",
  "grant_declared",
  "grant_refused",
  "session_ended",
  "terminated",
  "termination_lifted",
  "access_requested",
  "access_decided",
] as const;
export type SessionEventName = (typeof sessionEventNames)[number];

/** One line of the decision log that is no decision: what somebody told us of a session, and what came of it. */
export interface SessionEvent {
  readonly type: "remit/session_event";
  readonly labels: Readonly<Record<string, string>>;
  readonly event_id: string;
  readonly event: SessionEventName;
  readonly trace_id?: string;
  readonly span_id?: string;
  /** Under the names of a decision's input, so that a mask of the bundle hides the same in both; absent when masking failed. */
  readonly input?: { readonly subject: EventParty; readonly agent: EventParty; readonly session: EventParty };
  /** Facts; never a result, an argument, a task text or a token. */
  readonly result: JsonObject;
  readonly erased?: readonly string[];
  readonly masked?: readonly string[];
  readonly requested_by?: string;
  /** RFC 3339, UTC. */
  readonly timestamp: string;
  readonly req_id: string;
  readonly pep: { readonly id: string; readonly tenant: string };
}

/** `id` null: nobody, or it is not known here (`result.decision_id` then leads to a record that has it). */
interface EventParty {
  readonly id: string | null;
}

/** Where and under what a record came to be. */
export interface RecordPlace {
  readonly labels: Readonly<Record<string, string>>;
  readonly decisionId: string;
  readonly bundle: BundleId | null;
  readonly context: {
    readonly dialect: string;
    readonly requestId: string;
    readonly requestedBy: string | null;
    readonly traceId: string | null;
    readonly spanId: string | null;
    readonly batchId: string | null;
  };
  readonly pep: { readonly id: string; readonly tenant: string };
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** What every record of a decision or a query begins with. */
export function recordHead({ labels, decisionId, bundle, context, pep, nowMs }: RecordPlace) {
  return {
    type: "openpolicyagent.org/decision_logs",
    labels,
    decision_id: decisionId,
    ...(context.batchId === null ? {} : { batch_decision_id: context.batchId }),
    ...(context.traceId === null ? {} : { trace_id: context.traceId }),
    ...(context.spanId === null ? {} : { span_id: context.spanId }),
    bundles: bundlesOf(bundle),
    ...(context.requestedBy === null ? {} : { requested_by: context.requestedBy }),
    timestamp: new Date(nowMs).toISOString(),
    req_id: context.requestId,
    dialect: context.dialect,
    pep: { id: pep.id, tenant: pep.tenant },
  } as const;
}

/** `bundles` of a record; empty when no bundle was active. */
function bundlesOf(bundle: BundleId | null): DecisionRecord["bundles"] {
  if (bundle === null) return {};
  return { [bundle.name]: { revision: bundle.revision, digest: bundle.digest } };
}
