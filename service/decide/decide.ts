import { RemitError, toRemitError } from "../errors.ts";
import { lookUpTool } from "./catalog.ts";
import { type Decision, readDecision } from "./decision.ts";
import { bundlesOf, type DecisionRecord, type EnforcedResult } from "./decision-record.ts";
import { buildPolicyInput, type PolicyInput, sessionPrincipal } from "./policy-input.ts";
import type {
  BundleId,
  Clock,
  DecisionLog,
  DecisionMetrics,
  Evaluation,
  PolicyEngine,
  PolicySnapshot,
  SessionStore,
  SessionView,
  TokenResult,
  TokenVerifier,
  ToolEntry,
} from "./ports.ts";
import { engineDeny, tokenDeny } from "./reasons.ts";
import type { Pep, ToolCall } from "./tool-call.ts";

/** What one decision needs from outside. */
export interface DecidePorts {
  readonly engine: PolicyEngine;
  readonly tokens: TokenVerifier;
  readonly sessions: SessionStore;
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

/** A decision (allow or deny), or the error that says why there is none. Both carry the id under which they are recorded. */
export type Outcome = DecidedOutcome | ErrorOutcome;
export interface DecidedOutcome {
  readonly kind: "decided";
  readonly decisionId: string;
  readonly timeMs: number;
  readonly decision: Decision;
  readonly bundle: BundleId;
}
export interface ErrorOutcome {
  readonly kind: "error";
  readonly decisionId: string;
  readonly timeMs: number;
  readonly error: RemitError;
}

export type Decide = (call: ToolCall, pep: Pep, context: DecideContext) => Promise<Outcome>;

/** The flow of one decision, a step a line. Whatever throws becomes a recorded error, never an allow. */
export function createDecide(ports: DecidePorts): Decide {
  return async (call, pep, context) => {
    const run = startRun(ports, call, pep, context);
    try {
      const snapshot = context.snapshot ?? activePolicy(ports.engine);
      run.snapshot = snapshot;
      run.tool = lookUpTool(snapshot.data, call, pep.annotationsTrusted);
      run.token = await verifyToken(ports, run);
      const session = viewSession(ports, run);
      run.input = buildPolicyInput({ ...run, tool: run.tool, session, requestId: context.requestId, nonce: run.decisionId });
      run.evaluation = snapshot.evaluate(decisionEntrypoint, run.input, run.nowMs);
      const decision = enforceToken(read(run, run.evaluation), run.token);
      record(ports, run, decision);
      if (decision.allow) commitSession(ports, run);
      return finish(ports, run, decision, snapshot.bundle);
    } catch (thrown) {
      return fail(ports, run, toRemitError(thrown));
    }
  };
}

const decisionEntrypoint = "remit/decision";

/** What is known so far of one decision; the record is made from it, also when a step fails. */
interface Run {
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
}

const absent: TokenResult = { kind: "absent" };

function startRun(ports: DecidePorts, call: ToolCall, pep: Pep, context: DecideContext): Run {
  const nowMs = ports.clock.nowMs();
  const decisionId = ports.newId(nowMs);
  const empty = { snapshot: null, tool: null, token: absent, input: null, evaluation: null, failure: null };
  return { call, pep, context, decisionId, nowMs, startedNs: process.hrtime.bigint(), ...empty };
}

function activePolicy(engine: PolicyEngine): PolicySnapshot {
  const snapshot = engine.current();
  if (snapshot === undefined) throw new RemitError("not_ready", "no bundle is active");
  return snapshot;
}

/** Verified-token cache hits come back as plain values: only a real verification waits. */
function verifyToken(ports: DecidePorts, run: Run): TokenResult | Promise<TokenResult> {
  if (run.call.token === null) return absent;
  return ports.tokens.verify(run.call.token, run.nowMs, run.context.signal);
}

const noSession: SessionView = { id: null, known: false, ageS: null, calls: 0 };

function viewSession(ports: DecidePorts, run: Run): SessionView {
  if (run.call.sessionId === null) return noSession;
  return ports.sessions.view(sessionKey(run, run.call.sessionId), run.nowMs);
}

function commitSession(ports: DecidePorts, run: Run): void {
  if (run.call.sessionId !== null) ports.sessions.commit(sessionKey(run, run.call.sessionId), run.nowMs);
}

function sessionKey(run: Run, id: string) {
  return { tenant: run.pep.tenant, ...sessionPrincipal(run.call, run.pep, run.token), id };
}

/** An evaluation that failed, or a result of the wrong shape, is a deny with the engine's reason. */
function read(run: Run, evaluation: Evaluation): Decision {
  if (!evaluation.ok) return failedEvaluation(run, evaluation.error);
  const result = readDecision(evaluation.result, run.decisionId);
  return result.ok ? result.decision : failedEvaluation(run, new RemitError("policy_result_invalid", result.problem));
}

function failedEvaluation(run: Run, error: RemitError): Decision {
  run.failure = error;
  return engineDeny(error.code);
}

/** A token that failed verification never leads to an allow, even under a bundle that does not look at it. */
function enforceToken(decision: Decision, token: TokenResult): Decision {
  return decision.allow && token.kind === "rejected" ? tokenDeny(token.reason) : decision;
}

function finish(ports: DecidePorts, run: Run, decision: Decision, bundle: BundleId): Outcome {
  report(ports, run, decision.allow ? "allow" : "deny", decision.reasons[0]?.code ?? "none");
  return { kind: "decided", decisionId: run.decisionId, timeMs: run.nowMs, decision, bundle };
}

/** We could not decide: recorded as an error, unless it is the record itself that failed. */
function fail(ports: DecidePorts, run: Run, error: RemitError): Outcome {
  run.failure = error;
  if (error.code !== "record_failed") error = recordError(ports, run, error);
  report(ports, run, "error", error.code);
  return { kind: "error", decisionId: run.decisionId, timeMs: run.nowMs, error };
}

function recordError(ports: DecidePorts, run: Run, error: RemitError): RemitError {
  try {
    record(ports, run, null);
    return error;
  } catch (thrown) {
    return toRemitError(thrown, "record_failed");
  }
}

function record(ports: DecidePorts, run: Run, decision: Decision | null): void {
  ports.log.write(toRecord(ports.labels, run, decision), run.snapshot);
}

function report(ports: DecidePorts, run: Run, outcome: "allow" | "deny" | "error", reason: string): void {
  ports.metrics.decided({
    dialect: run.context.dialect,
    outcome,
    reason,
    class: run.tool?.class ?? "none",
    tool: run.tool?.known === true ? { server: run.call.server, name: run.call.tool } : null,
    failure: run.failure,
    decisionId: run.decisionId,
    durationS: elapsedNs(run) / 1e9,
    evaluationS: run.evaluation === null ? null : run.evaluation.evalNs / 1e9,
  });
}

function elapsedNs(run: Run): number {
  return Number(process.hrtime.bigint() - run.startedNs);
}

function toRecord(labels: DecidePorts["labels"], run: Run, decision: Decision | null): DecisionRecord {
  const { context, failure } = run;
  return {
    type: "openpolicyagent.org/decision_logs",
    labels,
    decision_id: run.decisionId,
    ...(context.batchId === null ? {} : { batch_decision_id: context.batchId }),
    ...(context.traceId === null ? {} : { trace_id: context.traceId }),
    ...(context.spanId === null ? {} : { span_id: context.spanId }),
    bundles: bundlesOf(run.snapshot?.bundle ?? null),
    path: decisionEntrypoint,
    ...(run.input === null ? {} : { input: run.input }),
    result: enforced(decision),
    ...(failure === null ? {} : { error: { code: failure.code, message: failure.message } }),
    ...(context.requestedBy === null ? {} : { requested_by: context.requestedBy }),
    timestamp: new Date(run.nowMs).toISOString(),
    metrics: metricsOf(run),
    req_id: context.requestId,
    dialect: context.dialect,
    pep: { id: run.pep.id, tenant: run.pep.tenant },
    token: tokenFacts(run),
    call: callFacts(run),
  };
}

function enforced(decision: Decision | null): EnforcedResult {
  if (decision === null) return { outcome: "error", allow: false, reasons: [], obligations: [] };
  const { allow, reasons, obligations } = decision;
  return { outcome: allow ? "allow" : "deny", allow, reasons, obligations };
}

function metricsOf(run: Run): Record<string, number> {
  const handler = { timer_server_handler_ns: elapsedNs(run) };
  return run.evaluation === null ? handler : { ...handler, timer_rego_query_eval_ns: run.evaluation.evalNs };
}

function tokenFacts(run: Run): DecisionRecord["token"] {
  const { token } = run;
  if (token.kind === "verified") return { kind: token.kind, digest: token.digest };
  if (token.kind === "rejected") return { kind: token.kind, reason: token.reason };
  return { kind: run.call.token === null ? "absent" : "unverified" };
}

/** Who and what, readable without the input: present also when a step failed before the input was built. */
function callFacts(run: Run): DecisionRecord["call"] {
  const { call, input } = run;
  return {
    server: call.server,
    tool: call.tool,
    subject: input === null ? (call.subject?.id ?? null) : input.subject.id,
    agent: input === null ? (call.agent?.id ?? null) : input.agent.id,
    session: call.sessionId,
    verified: run.token.kind === "verified",
  };
}
