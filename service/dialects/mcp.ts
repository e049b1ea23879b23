import type { Json } from "../decide/json.ts";
import type { RemitError } from "../errors.ts";
import { bodyValue } from "./claimed.ts";
import type { Answered, Dialect, Question, WireReply, WireRequest } from "./dialect.ts";
import { jsonReply } from "./dialect.ts";
import { compareHeaders } from "./mcp-headers.ts";
import { type McpMessage, type RpcId, readMessages } from "./mcp-message.ts";
import { decisionIdOf, errorReason, passes, refusalOf, sentence, toCall } from "./wire-call.ts";

/** Code of the JSON-RPC error in a no: the enforcement point may answer with another one (MCP keeps the negative ones for itself). */
const denied = 403;

/**
 * `POST /mcp`: a raw MCP message of the client, or a batch of them. `POST /mcp/server`: one of the server; a response tells what became of
 * the call of the same id, server and session. 200: pass it on. Anything else: do not; the body holds JSON-RPC errors that may be handed on.
 */
export const mcp: Dialect = {
  name: "mcp",
  routes: [
    { method: "post", path: "/mcp", summary: "Decide a raw MCP message of the client", body: "json", translate: fromClient },
    {
      method: "post",
      path: "/mcp/server",
      summary: "Decide a raw MCP message of the server, or tell a result",
      body: "json",
      results: true,
      translate: fromServer,
    },
  ],
  refuse: (error) =>
    jsonReply(error.status, rpcError(null, { message: errorReason(error).message, data: { reasons: [errorReason(error)] } })),
};

/** How a dialect says that messages may pass, or what was decided about those that ask. */
export interface MessageReplies {
  readonly pass: WireReply;
  readonly decided: (ids: readonly (RpcId | null)[], answers: readonly Answered[]) => WireReply;
}

const replies: MessageReplies = { pass: jsonReply(200, { allow: true }), decided: render };

function fromClient(request: WireRequest): Question {
  const messages = messagesOf(request);
  compareHeaders(request.headers, messages);
  return askMessages(request, messages, replies);
}

function messagesOf(request: WireRequest): readonly McpMessage[] {
  return readMessages(bodyValue(request));
}

/**
 * Every message that runs something must be allowed. An answer of the client is to a question of the server: were it taken for the result
 * of a call, an agent could make up what its tools returned.
 */
export function askMessages(request: WireRequest, messages: readonly McpMessage[], { pass, decided }: MessageReplies): Question {
  const calls = callsOf(messages);
  const ids = calls.map(({ id }) => id);
  if (calls.length === 0) return { kind: "reply", reply: pass };
  return {
    kind: "calls",
    calls: calls.map(({ ask }) => toCall(request, ask)),
    references: ids.map((id) => referenceOf(request, id)),
    reply: (answers) => decided(ids, answers),
  };
}

/** What a server asks of the client (sampling, elicitation) has ids of its own, and its results are not reported. */
function fromServer(request: WireRequest): Question {
  const messages = messagesOf(request);
  const [first] = messages;
  if (messages.length === 1 && first?.kind === "result") return outcome(request, first);
  const question = askMessages(request, messages, replies);
  return question.kind === "calls" ? { ...question, references: [] } : question;
}

function callsOf(messages: readonly McpMessage[]) {
  return messages.flatMap((message) => (message.kind === "call" ? [message] : []));
}

/**
 * A result runs nothing, so it passes. What cannot be remembered of it counts as never told: its labels are on the session since the call
 * was allowed, its budgets stay used until the catalog gives them back, and its values vouch for nothing.
 */
function outcome(request: WireRequest, { id, failed, complete, result }: McpMessage & { readonly kind: "result" }): Question {
  const reference = complete ? referenceOf(request, id) : null;
  if (reference === null) return { kind: "reply", reply: replies.pass };
  return {
    kind: "outcome",
    reference,
    status: failed ? "failed" : "completed",
    result,
    reply: (error) => (error === null ? replies.pass : jsonReply(200, { allow: true, not_remembered: error.code })),
  };
}

/** A client counts its ids for each server anew. */
function referenceOf({ claims }: WireRequest, id: RpcId | null): string | null {
  return claims.sessionId === null || id === null ? null : JSON.stringify(["mcp", claims.server, claims.sessionId, id]);
}

function render(ids: readonly (RpcId | null)[], answers: readonly Answered[]): WireReply {
  if (answers.length === ids.length && answers.every(passes))
    return jsonReply(200, { allow: true, decision_ids: answers.map(decisionIdOf) });
  const refused = answers.flatMap((answered, index) => (passes(answered) ? [] : [errorOf(ids[index] ?? null, answered)]));
  const [only = rpcError(null, { message: "not every message was judged", data: {} })] = refused;
  return jsonReply(statusOf(answers), ids.length === 1 ? only : refused);
}

/** 403 is a no of the policy, 5xx a fault of ours. */
export function statusOf(answers: readonly Answered[]): number {
  const failed = answers.find((answered) => answered.kind === "error");
  return failed?.kind === "error" ? faultStatus(failed.error) : 403;
}

/** Of an error: 403 when the request was wrong, for whoever asks only takes a 5xx for a fault. */
export function faultStatus(error: RemitError): number {
  return error.status >= 500 ? error.status : 403;
}

export function errorOf(id: RpcId | null, answered: Answered): Json {
  const reasons = refusalOf(answered).map(({ code, message, remedy }) => ({ code, message, remedy }));
  return rpcError(id, { message: sentence(answered), data: { decision_id: decisionIdOf(answered), reasons } });
}

function rpcError(id: RpcId | null, { message, data }: { readonly message: string; readonly data: Json }): Json {
  return { jsonrpc: "2.0", id, error: { code: denied, message, data } };
}
