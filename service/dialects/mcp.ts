import type { Json } from "../decide/json.ts";
import type { RemitError } from "../errors.ts";
import type { Answered, Dialect, Question, WireReply, WireRequest } from "./dialect.ts";
import { jsonReply } from "./dialect.ts";
import { compareHeaders } from "./mcp-headers.ts";
import { type McpMessage, type RpcId, readMessages } from "./mcp-message.ts";
import { decisionIdOf, errorReason, isAllow, reasonsOf, sentence, toCall } from "./wire-call.ts";

/** Code of the JSON-RPC error in a no: the enforcement point may answer with another one (MCP keeps the negative ones for itself). */
const denied = 403;

/**
 * `POST /mcp`: a raw MCP message, or a batch of them, as a gateway got it. 200: go on. 403: do not; the body holds JSON-RPC errors that may be
 * handed on. A response commits the call of the same id in the same session.
 */
export const mcp: Dialect = {
  name: "mcp",
  routes: [{ method: "post", path: "/mcp", summary: "Decide a raw MCP message", body: "json", results: true, translate }],
  refuse: (error) =>
    jsonReply(error.status, rpcError(null, { message: errorReason(error).message, data: { reasons: [errorReason(error)] } })),
};

function translate(request: WireRequest): Question {
  const body = request.body.kind === "json" ? request.body.value : null;
  const messages = readMessages(body);
  compareHeaders(request.headers, messages);
  return askMessages(request, messages);
}

/** Every message that runs something must be allowed; one that tells a result is remembered. */
export function askMessages(request: WireRequest, messages: readonly McpMessage[]): Question {
  const calls = messages.flatMap((message) => (message.kind === "call" ? [message] : []));
  const [first] = messages;
  if (calls.length > 0)
    return {
      kind: "calls",
      calls: calls.map(({ ask }) => toCall(request, ask)),
      references: calls.map(({ id }) => referenceOf(request, id)),
      reply: (answers) =>
        render(
          calls.map(({ id }) => id),
          answers,
        ),
    };
  if (messages.length === 1 && first?.kind === "result") return outcome(request, first);
  return { kind: "reply", reply: jsonReply(200, { allow: true }) };
}

/** A result runs nothing, so it passes: what cannot be remembered of it is the session's loss, and counts as never told. */
function outcome(request: WireRequest, { id, failed, result }: McpMessage & { readonly kind: "result" }): Question {
  const reference = referenceOf(request, id);
  if (reference === null) return { kind: "reply", reply: jsonReply(200, { allow: true }) };
  return {
    kind: "outcome",
    reference,
    status: failed ? "failed" : "completed",
    result,
    reply: (error) => (error === null ? jsonReply(200, { allow: true }) : mcp.refuse(error, request)),
  };
}

/** The id of a request is unique within its session, if there is one. */
function referenceOf({ claims }: WireRequest, id: RpcId | null): string | null {
  return claims.sessionId === null || id === null ? null : JSON.stringify(["mcp", claims.sessionId, id]);
}

function render(ids: readonly (RpcId | null)[], answers: readonly Answered[]): WireReply {
  const whole = answers.length === ids.length && answers.every(isAllow);
  const decisions = answers.map(decisionIdOf);
  if (whole) return jsonReply(200, { allow: true, decision_ids: decisions });
  const refused = answers.flatMap((answered, index) => (isAllow(answered) ? [] : [errorOf(ids[index] ?? null, answered)]));
  const [only = rpcError(null, { message: "not every message was judged", data: {} })] = refused;
  const failed = answers.find((answered) => answered.kind === "error");
  return jsonReply(failed?.kind === "error" ? statusOf(failed.error) : 403, ids.length === 1 ? only : refused);
}

function statusOf(error: RemitError): number {
  return error.status >= 500 ? error.status : 403;
}

function errorOf(id: RpcId | null, answered: Answered): Json {
  const reasons = reasonsOf(answered).map(({ code, message, remedy }) => ({ code, message, remedy }));
  return rpcError(id, { message: sentence(answered), data: { decision_id: decisionIdOf(answered), reasons } });
}

function rpcError(id: RpcId | null, { message, data }: { readonly message: string; readonly data: Json }): Json {
  return { jsonrpc: "2.0", id, error: { code: denied, message, data } };
}
