import type { Json, JsonObject } from "../../decide/json.ts";
import type { QueryAnswer } from "../../decide/query.ts";
import { errorKinds, type RemitError } from "../../errors.ts";
import type { WireReply } from "../dialect.ts";

/** Least size of a reply that OPA sends as gzip. */
const gzipFromBytes = 1024;

/** What a reply to a data request is beside the answer. */
export interface Form {
  readonly pretty: boolean;
  readonly metrics: boolean;
  /** Empty when it was not asked for. */
  readonly provenance: JsonObject;
}

/** A reply in JSON as OPA writes it: a line end behind it, `<`, `>` and `&` escaped. */
export function opaReply(status: number, body: Json, pretty = false): WireReply {
  const text = JSON.stringify(body, null, pretty ? 2 : 0).replaceAll(/[<>&\u2028\u2029]/g, escaped);
  return { status, headers: { "content-type": "application/json", vary: "Accept-Encoding" }, body: `${text}\n`, gzipFromBytes };
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** OPA's error object. */
export function errorObject(code: string, message: string): { readonly code: string; readonly message: string } {
  return { code, message };
}

/** What the reply to one v1 query says, without a result when it is undefined. */
export function answerObject(answer: QueryAnswer & { readonly kind: "value" | "undefined" }, { metrics, provenance }: Form): JsonObject {
  return {
    decision_id: answer.decisionId,
    ...provenance,
    ...(metrics ? { metrics: { timer_rego_query_eval_ns: answer.evalNs } } : {}),
    ...(answer.kind === "value" ? { result: answer.value } : {}),
  };
}

/** What became of an evaluation that failed: what it means, never its detail, which the log has under the id. */
export function failureObject({ decisionId, error }: QueryAnswer & { readonly kind: "error" }): JsonObject {
  return {
    ...errorObject("internal_error", "error(s) occurred while evaluating query"),
    errors: [{ code: error.code, message: errorKinds[error.code].meaning }],
    decision_id: decisionId,
  };
}

/** Whatever goes wrong outside of an evaluation. */
export function refusal(error: RemitError): WireReply {
  if (error.code === "method_not_allowed") return { status: 405, headers: {}, body: null };
  const { status, code, headers } = rowOf(error);
  const message = error.status < 500 ? error.message : errorKinds[error.code].meaning;
  const reply = opaReply(status, errorObject(code, message), true);
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

/** OPA's own statuses and codes; a wrong request is always a 400 there. */
function rowOf({ status, code, retryAfterS }: RemitError): Pick<WireReply, "status" | "headers"> & { readonly code: string } {
  if (code === "pep_unauthenticated") return { status, code: "unauthorized", headers: { "www-authenticate": "Bearer" } };
  if (code === "pep_forbidden") return { status, code: "unauthorized", headers: {} };
  if (status === 503) return { status, code: "internal_error", headers: { "retry-after": String(retryAfterS ?? 1) } };
  if (status >= 500) return { status, code: "internal_error", headers: {} };
  // The rest of an oversized body is not read, so the connection cannot be used again.
  return { status: 400, code: "invalid_parameter", headers: code === "body_too_large" ? { connection: "close" } : {} };
}
