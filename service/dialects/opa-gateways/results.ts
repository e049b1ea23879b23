import type { Json } from "../../decide/json.ts";
import type { RemitError } from "../../errors.ts";
import { type Answered, jsonReply, type WireReply } from "../dialect.ts";
import { faultStatus, statusOf } from "../mcp.ts";
import { decisionIdOf, errorSentence, passes, refusalLines, sentence } from "../wire-call.ts";

export type GatewayKind = "kong" | "apisix" | "higress" | "contextforge" | "agt";

interface Verdict {
  readonly allow: boolean;
  /** For the client: 403 is a no, 5xx no decision. */
  readonly status: number;
  /** Why not; empty with an allow. */
  readonly reasons: readonly string[];
  readonly decisionIds: readonly string[];
}

/**
 * `result` as each gateway reads it. `allow` is a boolean and nothing else: APISIX and ContextForge take any other value that is there for
 * a yes, as AGT's `agentmesh` takes any object. Higress and AGT want the bare boolean; APISIX and ContextForge fail on one.
 */
const results: Readonly<Record<GatewayKind, (verdict: Verdict) => Json>> = {
  kong: ({ allow, status, reasons, decisionIds }) =>
    allow
      ? { allow, headers: idHeader(decisionIds) }
      : { allow, status, headers: idHeader(decisionIds), message: { message: reasons.join(". ") } },
  apisix: ({ allow, status, reasons, decisionIds }) =>
    allow
      ? { allow, headers: idHeader(decisionIds) }
      : { allow, status_code: status, headers: idHeader(decisionIds), reason: { message: reasons.join(". ") } },
  higress: ({ allow }) => allow,
  contextforge: ({ allow, reasons }) => ({ allow, deny: [...reasons] }),
  agt: ({ allow }) => allow,
};

function idHeader(decisionIds: readonly string[]): Record<string, string> {
  return decisionIds.length === 0 ? {} : { "x-remit-decision-id": decisionIds.join(",") };
}

/**
 * Status 200 whatever happened: the filter plugin of ContextForge before 1.0 takes any other status for a yes, and none of the others
 * needs one to know a no.
 */
function reply(kind: GatewayKind, verdict: Verdict): WireReply {
  const [id, ...more] = verdict.decisionIds;
  return jsonReply(200, { ...(id === undefined || more.length > 0 ? {} : { decision_id: id }), result: results[kind](verdict) });
}

/** Nothing needed a decision. */
export function passed(kind: GatewayKind): WireReply {
  return reply(kind, { allow: true, status: 200, reasons: [], decisionIds: [] });
}

/** An allow when each of `expected` calls may pass. */
export function decided(kind: GatewayKind, expected: number, answers: readonly Answered[]): WireReply {
  const decisionIds = answers.flatMap((answered) => decisionIdOf(answered) ?? []);
  const allow = expected > 0 && answers.length === expected && answers.every(passes);
  if (allow) return reply(kind, { allow, status: 200, reasons: [], decisionIds });
  const no = answers.filter((answered) => !passes(answered));
  const reasons = no.flatMap((answered) => (kind === "contextforge" ? refusalLines(answered) : [sentence(answered)]));
  return reply(kind, { allow, status: statusOf(answers), reasons, decisionIds });
}

/** What could not even be asked about. */
export function refused(kind: GatewayKind, error: RemitError): WireReply {
  return reply(kind, {
    allow: false,
    status: faultStatus(error),
    reasons: [errorSentence(error)],
    decisionIds: [],
  });
}
