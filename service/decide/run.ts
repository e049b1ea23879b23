import type { RemitError } from "../errors.ts";
import type { PolicyInput } from "./policy-input-schema.ts";
import type {
  Clock,
  DecisionLog,
  DecisionMetrics,
  Evaluation,
  PolicyEngine,
  PolicySnapshot,
  TokenResult,
  TokenVerifier,
  ToolEntry,
} from "./ports.ts";
import type { BindingTokens } from "./session/binding-token.ts";
import type { SessionDeps } from "./session/query.ts";
import type { Turns } from "./session/turns.ts";
import type { Pep, ToolCall } from "./tool-call.ts";

/** What one decision needs from outside. */
export interface DecidePorts {
  readonly engine: PolicyEngine;
  readonly tokens: TokenVerifier;
  readonly sessions: SessionDeps;
  readonly turns: Turns;
  readonly bindingTokens: BindingTokens;
  readonly log: DecisionLog;
  readonly metrics: DecisionMetrics;
  readonly clock: Clock;
  readonly newId: (nowMs: number) => string;
  /** `labels` of every record. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Circumstances of one request; a batch shares one snapshot and one batch id. */
export interface DecideContext {
  readonly dialect: string;
  readonly requestId: string;
  readonly requestedBy: string | null;
  readonly traceId: string | null;
  readonly spanId: string | null;
  readonly signal: AbortSignal;
  readonly batchId: string | null;
  readonly snapshot: PolicySnapshot | null;
}

/** What is known so far of one decision; the record is made from it, also when a step fails. */
export interface Run {
  readonly call: ToolCall;
  readonly pep: Pep;
  readonly context: DecideContext;
  readonly decisionId: string;
  readonly nowMs: number;
  readonly startedNs: bigint;
  snapshot: PolicySnapshot | null;
  tool: ToolEntry | null;
  token: TokenResult;
  input: PolicyInput | null;
  evaluation: Evaluation | null;
  failure: RemitError | null;
  /** How often it was judged; more than once when others changed the session meanwhile. */
  attempts: number;
  /** The store failed while the allow was reserved. */
  storeLost: boolean;
}

export const absent: TokenResult = { kind: "absent" };

/** A decision begins. */
export function startRun(ports: DecidePorts, call: ToolCall, pep: Pep, context: DecideContext): Run {
  const nowMs = ports.clock.nowMs();
  const decisionId = ports.newId(nowMs);
  const empty = { snapshot: null, tool: null, token: absent, input: null, evaluation: null, failure: null, attempts: 0, storeLost: false };
  return { call, pep, context, decisionId, nowMs, startedNs: process.hrtime.bigint(), ...empty };
}

/** The rule that answers (DESIGN section 4). */
export const decisionEntrypoint = "remit/decision";

/** Time since the decision began. */
export function elapsedNs(run: Run): number {
  return Number(process.hrtime.bigint() - run.startedNs);
}
