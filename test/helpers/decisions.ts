import { createDecide } from "../../service/decide/decide.ts";
import type { JsonObject } from "../../service/decide/json.ts";
import type { PolicyInput } from "../../service/decide/policy-input-schema.ts";
import type { PolicySnapshot } from "../../service/decide/ports.ts";
import type { DecideContext } from "../../service/decide/run.ts";
import { type OutcomeReport, reportOutcome } from "../../service/decide/session/outcome.ts";
import type { SessionDeps } from "../../service/decide/session/query.ts";
import type { Pep } from "../../service/decide/tool-call.ts";
import { toToolCall } from "../../service/dialects/native.ts";
import { uuid7 } from "../../service/ids.ts";
import { memorySessions } from "./sessions.ts";

/** A policy in TypeScript: what it adds to an allow. */
export type Verdict = Readonly<Record<string, unknown>>;

/** Decisions with a policy of the test's own, sessions in memory and a clock that the test moves. */
export function decisions(setup: {
  readonly tools?: JsonObject;
  readonly config?: JsonObject;
  readonly policy?: (input: PolicyInput) => Verdict;
  readonly sessions?: Partial<SessionDeps> & { readonly docsMax?: number };
}) {
  const clock = { ms: 1_800_000_000_000 };
  const memory = memorySessions(setup.sessions);
  const inputs: PolicyInput[] = [];
  const data = { remit: { catalog: { tools: setup.tools ?? {} }, config: setup.config ?? {} } };
  const snapshot: PolicySnapshot = {
    bundle: { name: "default", revision: "r1", digest: "sha256:00" },
    data,
    entrypoints: new Set(["remit/decision"]),
    query: () => ({ kind: "undefined", evalNs: 1 }),
    evaluate(_, given) {
      const input = given as PolicyInput;
      inputs.push(input);
      return { ok: true, evalNs: 1, result: { ...allowing(input), ...setup.policy?.(input) } };
    },
  };
  const decide = createDecide({
    engine: { current: () => snapshot },
    tokens: { verify: () => ({ kind: "rejected", reason: "token_malformed" }) },
    log: { write: () => undefined },
    metrics: { decided: () => undefined },
    clock: { nowMs: () => clock.ms },
    newId: uuid7,
    labels: {},
    ...memory.ports,
  });
  const { sessions } = memory.ports;
  return {
    clock,
    inputs,
    data,
    sessions,
    changes: memory.changes,
    bindingTokens: memory.ports.bindingTokens,
    /** Asks about one call; `more` is merged over subject emma, agent bot, session s-1. */
    async ask(name: string, args: JsonObject = {}, more: Readonly<Record<string, unknown>> = {}, who: Partial<Pep> = {}) {
      const body = {
        tool: { server: "s", name },
        arguments: args,
        subject: { id: "emma" },
        agent: { id: "bot" },
        session: { id: "s-1" },
        ...more,
      };
      const outcome = await decide(toToolCall(body), { ...pep, ...who }, context);
      if (outcome.kind === "error") throw outcome.error;
      const input = inputs.at(-1);
      if (input === undefined) throw new Error("the policy was not asked");
      return { id: outcome.decisionId, decision: outcome.decision, input };
    },
    report: (decisionId: string, report: Partial<OutcomeReport> = {}, who: { id: string; tenant: string } = pep) =>
      reportOutcome(
        sessions,
        who,
        data,
        { decisionId, status: "completed", result: undefined, labels: [], records: null, ...report },
        clock.ms,
      ),
  };
}

export const pep: Pep = {
  id: "gw",
  tenant: "t1",
  dialects: ["native"],
  permissions: ["decide", "grant"],
  assertsSubject: true,
  annotationsTrusted: false,
};

const context: DecideContext = {
  dialect: "native",
  requestId: "r-1",
  requestedBy: null,
  traceId: null,
  spanId: null,
  signal: new AbortController().signal,
  batchId: null,
  snapshot: null,
};

/** An allow of this input and nothing more, as a policy gives it. */
export function allowing(input: Pick<PolicyInput, "nonce">) {
  return {
    allow: true,
    reasons: [],
    obligations: [],
    effects: { labels_add: [], counters: {} },
    required_scopes: [],
    acr_values: [],
    ttl_s: 0,
    nonce: input.nonce,
  };
}
