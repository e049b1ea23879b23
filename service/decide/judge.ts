import { RemitError } from "../errors.ts";
import { type AllowDecision, type Decision, type DenyDecision, readDecision } from "./decision.ts";
import { buildPolicyInput, sessionPrincipal } from "./policy-input.ts";
import type { ChangeResult, Evaluation, MaybePromise, PolicySnapshot, TokenResult, ToolEntry } from "./ports.ts";
import { engineDeny, sessionDeny, tokenDeny } from "./reasons.ts";
import { type DecidePorts, decisionEntrypoint, type Run } from "./run.ts";
import { bindingOf } from "./session/binding.ts";
import type { Denial } from "./session/binding-token.ts";
import { chain, type RecallQuery } from "./session/query.ts";
import { forget, type Recall, recall } from "./session/recall.ts";
import { isQuestion, reserve } from "./session/reserve.ts";
import { type ValueNames, valueNames } from "./session/values.ts";

/** Policy and tool of one decision. */
export interface Judged {
  readonly snapshot: PolicySnapshot;
  readonly tool: ToolEntry;
}

const attemptsMax = 64;

/**
 * Recalls, evaluates and reserves as one step. When somebody else changed the session meanwhile the whole step is made again, in turn:
 * of many calls against a budget for one, one is allowed.
 */
export async function judge(ports: DecidePorts, run: Run, judged: Judged): Promise<Decision> {
  const asked = question(ports, run, judged);
  const first = await attempt(ports, run, asked);
  if (first !== null) return first;
  return ports.turns.take(`${run.pep.tenant} ${run.call.sessionId}`, async () => {
    while (run.attempts < attemptsMax) {
      const decision = await attempt(ports, run, asked);
      if (decision !== null) return decision;
    }
    return sessionDeny("session_conflict");
  });
}

/** Null: the session is no longer as the policy saw it. */
function attempt(ports: DecidePorts, run: Run, asked: Asked): MaybePromise<Decision | null> {
  run.attempts++;
  return chain(remember(ports, run, asked), (recalled) => {
    const input = buildPolicyInput({
      ...run,
      tool: asked.tool,
      memory: recalled.memory,
      requestId: run.context.requestId,
      nonce: run.decisionId,
    });
    run.input = input;
    run.evaluation = asked.snapshot.evaluate(decisionEntrypoint, input, run.nowMs);
    const decision = enforce(read(run, run.evaluation), run.token, recalled);
    if (!decision.allow) return offerApproval(ports, run, recalled, decision);
    return isQuestion(run.call.method) ? decision : commit(ports, run, recalled, decision);
  });
}

/** What to recall, the same at every attempt. */
interface Asked extends Judged {
  readonly query: RecallQuery;
  readonly names: ValueNames;
}

function question({ sessions }: DecidePorts, run: Run, { snapshot, tool }: Judged): Asked {
  const { call, pep, nowMs } = run;
  const query = { tenant: pep.tenant, ...sessionPrincipal(call, pep, run.token), call, tool, data: snapshot.data, nowMs };
  return { snapshot, tool, query, names: valueNames(query, sessions.mark) };
}

function remember({ sessions }: DecidePorts, run: Run, { query, names }: Asked): MaybePromise<Recall> {
  return run.storeLost ? forget(query, names) : recall(sessions, query, names);
}

/** The allow counts once it is reserved. A store that fails now is a store that is away: the policy judges without it. */
function commit(ports: DecidePorts, run: Run, recalled: Recall, decision: AllowDecision): MaybePromise<Decision | null> {
  const lost = (thrown: unknown): Decision | null => {
    if (thrown instanceof RemitError && thrown.code === "session_limit") return sessionDeny("session_limit");
    if (!(thrown instanceof RemitError) || thrown.code !== "session_store_unavailable") throw thrown;
    run.storeLost = true;
    return null;
  };
  try {
    const parts = { decisionId: run.decisionId, pepId: run.pep.id, effects: decision.effects };
    const reserved = chain(reserve(ports.sessions, recalled, parts), (result) => afterReserve(result, decision));
    return reserved instanceof Promise ? reserved.catch(lost) : reserved;
  } catch (thrown) {
    return lost(thrown);
  }
}

function afterReserve(result: ChangeResult, decision: AllowDecision): Decision | null {
  if (result === "full") return sessionDeny("session_limit");
  return result === "done" ? decision : null;
}

/** Where an approval would be enough, what it takes to ask for one (AuthZEN ARAP); it needs a session to be kept in. */
function offerApproval(ports: DecidePorts, run: Run, { session, query }: Recall, decision: DenyDecision): DenyDecision {
  const asked = decision.accessRequest ?? null;
  if (asked === null) return decision;
  if (session === null || !run.call.argumentsKnown) return { ...decision, accessRequest: null };
  const expiresMs = Math.ceil(run.nowMs + asked.expires_in_s * 1000);
  const binding = bindingOf(query.tool.name, run.call.arguments);
  const denial: Denial = {
    ...{ decisionId: run.decisionId, tenant: query.tenant, pep: run.pep.id, subject: query.subject, agent: query.agent },
    ...{ session: session.doc, what: query.tool.name, binding, codes: asked.codes, expiresMs },
  };
  const offer = {
    expires_at: new Date(expiresMs).toISOString(),
    binding,
    binding_token: ports.bindingTokens.sign(denial),
    codes: asked.codes,
  };
  return { ...decision, offer };
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

/** Neither a token that failed verification nor a session that was ended leads to an allow, even under a bundle that does not look at it. */
function enforce(decision: Decision, token: TokenResult, { memory }: Recall): Decision {
  if (!decision.allow) return decision;
  if (token.kind === "rejected") return tokenDeny(token.reason);
  return memory.session.ended === null ? decision : sessionDeny("session_ended");
}
