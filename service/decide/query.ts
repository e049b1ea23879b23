import { RemitError, toRemitError } from "../errors.ts";
import { type QueryRecord, recordHead } from "./decision-record.ts";
import type { Json } from "./json.ts";
import type { PolicyAnswer, PolicyQuestion, PolicySnapshot } from "./ports.ts";
import type { DecideContext, DecidePorts } from "./run.ts";
import type { Pep } from "./tool-call.ts";

/** A plain answer of the policy: a value, undefined, or the error that says why there is none. All carry the id they are recorded under. */
export type QueryAnswer = { readonly decisionId: string; readonly evalNs: number } & (
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "undefined" }
  | { readonly kind: "error"; readonly error: RemitError }
);

/** Asks one entrypoint; `snapshot` is the policy that the question was made for. Never throws. */
export type Query = (
  question: Omit<PolicyQuestion, "nowMs">,
  pep: Pep,
  context: DecideContext & { readonly snapshot: PolicySnapshot },
) => QueryAnswer;

/** What one query needs from outside. */
export type QueryPorts = Pick<DecidePorts, "log" | "clock" | "newId" | "labels"> & {
  readonly queried: (event: { readonly dialect: string; readonly outcome: QueryAnswer["kind"]; readonly error: RemitError | null }) => void;
};

/**
 * The flow of one query in OPA's own semantics: evaluate, record, answer. No session and no agent's token take part. What cannot be
 * recorded does not count.
 */
export function createQuery(ports: QueryPorts): Query {
  return (asked, pep, context) => {
    const nowMs = ports.clock.nowMs();
    const question: PolicyQuestion = { ...asked, nowMs };
    const decisionId = ports.newId(nowMs);
    const policyAnswer = ask(context.snapshot, question);
    const answer = { decisionId, ...recorded(ports, { question, pep, context, decisionId }, policyAnswer) };
    ports.queried({ dialect: context.dialect, outcome: answer.kind, error: answer.kind === "error" ? answer.error : null });
    return answer;
  };
}

function ask(snapshot: PolicySnapshot, question: PolicyQuestion): PolicyAnswer {
  try {
    return snapshot.query(question);
  } catch (thrown) {
    return { kind: "error", error: toRemitError(thrown), evalNs: 0 };
  }
}

interface Asked {
  readonly question: PolicyQuestion;
  readonly pep: Pep;
  readonly context: DecideContext & { readonly snapshot: PolicySnapshot };
  readonly decisionId: string;
}

function recorded(ports: QueryPorts, asked: Asked, answer: PolicyAnswer): PolicyAnswer {
  try {
    ports.log.write(toQueryRecord(ports.labels, asked, answer), asked.context.snapshot);
    return answer;
  } catch (thrown) {
    return { kind: "error", error: toRemitError(thrown, "record_failed"), evalNs: answer.evalNs };
  }
}

function toQueryRecord(labels: QueryPorts["labels"], { question, pep, context, decisionId }: Asked, answer: PolicyAnswer): QueryRecord {
  return {
    ...recordHead({ labels, decisionId, bundle: context.snapshot.bundle, context, pep, nowMs: question.nowMs }),
    path: [question.entrypoint, ...(question.below ?? [])].join("/"),
    ...(question.input === undefined ? {} : { input: question.input }),
    ...(answer.kind === "value" ? { result: answer.value } : {}),
    ...(answer.kind === "error" ? { error: { code: answer.error.code, message: answer.error.message } } : {}),
    metrics: { timer_rego_query_eval_ns: answer.evalNs },
  };
}

/** The value, or the RemitError that stands for there being none: for dialects in which undefined is a no. */
export function queryValue(answer: QueryAnswer): Json | RemitError {
  if (answer.kind === "value") return answer.value;
  return answer.kind === "error" ? answer.error : new RemitError("policy_undefined", "the entrypoint is undefined for this input");
}
