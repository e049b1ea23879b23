import { RemitError, toRemitError } from "../errors.ts";
import { lookUpTool } from "./catalog.ts";
import type { Decision } from "./decision.ts";
import { judge } from "./judge.ts";
import type { BundleId, PolicyEngine, PolicySnapshot, TokenResult } from "./ports.ts";
import { toRecord } from "./record.ts";
import { absent, type DecideContext, type DecidePorts, elapsedNs, type Run, startRun } from "./run.ts";
import type { Pep, ToolCall } from "./tool-call.ts";

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
      const decision = await judge(ports, run, { snapshot, tool: run.tool });
      record(ports, run, decision);
      return finish(ports, run, decision, snapshot.bundle);
    } catch (thrown) {
      return fail(ports, run, toRemitError(thrown));
    }
  };
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
    attempts: run.attempts,
    durationS: elapsedNs(run) / 1e9,
    evaluationS: run.evaluation === null ? null : run.evaluation.evalNs / 1e9,
  });
}
