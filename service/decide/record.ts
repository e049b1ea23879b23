import type { Decision } from "./decision.ts";
import { type DecisionRecord, type EnforcedResult, recordHead } from "./decision-record.ts";
import { type DecidePorts, decisionEntrypoint, elapsedNs, type Run } from "./run.ts";

/** The record of a decision, or (null) of one that could not be made. */
export function toRecord(labels: DecidePorts["labels"], run: Run, decision: Decision | null): DecisionRecord {
  const { failure, decisionId, context, pep, nowMs } = run;
  return {
    ...recordHead({ labels, decisionId, bundle: run.snapshot?.bundle ?? null, context, pep, nowMs }),
    path: decisionEntrypoint,
    ...(run.input === null ? {} : { input: run.input }),
    result: enforced(decision),
    ...(failure === null ? {} : { error: { code: failure.code, message: failure.message } }),
    metrics: metricsOf(run),
    token: tokenFacts(run),
    call: callFacts(run),
  };
}

function enforced(decision: Decision | null): EnforcedResult {
  if (decision === null) return { outcome: "error", allow: false, reasons: [], obligations: [] };
  const { allow, reasons, obligations } = decision;
  return { outcome: allow ? "allow" : "deny", allow, reasons, obligations, ...(decision.allow ? { effects: decision.effects } : {}) };
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
