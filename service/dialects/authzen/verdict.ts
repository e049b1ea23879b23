import { z } from "zod";
import type { DecidedOutcome } from "../../decide/decide.ts";
import type { DenyDecision, Reason } from "../../decide/decision.ts";
import type { Json, JsonObject } from "../../decide/json.ts";
import type { QueryAnswer } from "../../decide/query.ts";
import { RemitError } from "../../errors.ts";
import type { Answered } from "../dialect.ts";
import { accessRequestsPath } from "../native.ts";
import { errorReason, isAllow } from "../wire-call.ts";

/** `{decision, context?}` of AuthZEN, or the error that stands in its place. */
export type Verdict = JsonObject | RemitError;

export function isPermit(verdict: Verdict): boolean {
  return !(verdict instanceof RemitError) && verdict.decision === true;
}

/** An error inside of a reply: closed, and with what it means. */
export function errorVerdict(error: RemitError): JsonObject {
  return { decision: false, context: { error: { status: error.status, message: errorReason(error).message } } };
}

/** What the policies decided about a tool call. `baseUrl`: by which this service is known, for the URL of the offer. */
export function verdictOfCall(answered: Answered, baseUrl: string): Verdict {
  if (answered.kind !== "decided") return answered.error;
  const context = contextOf(answered, baseUrl);
  return { decision: isAllow(answered), ...(Object.keys(context).length === 0 ? {} : { context }) };
}

/** Only what the policy said: enforcement points may refuse an allow whose context they do not understand. */
function contextOf({ decision, decisionId }: DecidedOutcome, baseUrl: string): JsonObject {
  const obligations = decision.obligations.length === 0 ? {} : { obligations: decision.obligations as unknown as Json };
  return decision.allow ? obligations : { ...denial(decision, decisionId, baseUrl), ...obligations };
}

function denial({ reasons, requiredScopes, acrValues, offer }: DenyDecision, decisionId: string, baseUrl: string): JsonObject {
  return {
    evaluation_id: decisionId,
    reason_user: byCode(reasons, ({ message, remedy }) => (remedy === "" ? message : `${message}; ${remedy}`)),
    reason_admin: byCode(reasons, ({ rule, controls }) => [rule, ...controls].join(" ")),
    ...(requiredScopes.length === 0 ? {} : { required_scopes: [...requiredScopes] }),
    ...(acrValues.length === 0 ? {} : { acr_values: acrValues.join(" ") }),
    ...(offer === null ? {} : { access_request: { endpoint: `${baseUrl}${accessRequestsPath}`, ...offer, codes: [...offer.codes] } }),
  };
}

/** Texts by reason code, as the examples of the specification are by status. */
function byCode(reasons: readonly Reason[], text: (reason: Reason) => string): JsonObject {
  const texts = new Map<string, string>();
  for (const reason of reasons) {
    const earlier = texts.get(reason.code);
    texts.set(reason.code, earlier === undefined ? text(reason) : `${earlier}. ${text(reason)}`);
  }
  return Object.fromEntries(texts);
}

const PolicyVerdict = z.union([
  z.boolean(),
  z.strictObject({ decision: z.boolean(), context: z.record(z.string(), z.unknown()).optional() }),
]);

/** What entrypoint `authzen/allow` answered. An evaluation that failed is a no, as it is for tool calls. */
export function verdictOfQuery(answer: QueryAnswer): Verdict {
  if (answer.kind === "undefined") return { decision: false };
  if (answer.kind === "error") return answer.error.code.startsWith("policy_") ? errorVerdict(answer.error) : answer.error;
  const parsed = PolicyVerdict.safeParse(answer.value);
  if (!parsed.success)
    return errorVerdict(new RemitError("policy_result_invalid", "`authzen/allow` is neither a boolean nor `{decision, context}`"));
  const { data } = parsed;
  if (typeof data === "boolean") return { decision: data };
  return { decision: data.decision, ...(data.context === undefined ? {} : { context: data.context as JsonObject }) };
}
