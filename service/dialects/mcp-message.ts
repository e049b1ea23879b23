import type { Json, JsonObject } from "../decide/json.ts";
import { escapedPart } from "../decide/pointer.ts";
import type { ToolCall } from "../decide/tool-call.ts";
import { RemitError } from "../errors.ts";
import { isObject } from "./claimed.ts";
import { lookAlikeIn } from "./look-alike.ts";
import { toolName } from "./native.ts";
import { invalidAt } from "./sessions.ts";

/** What an MCP request asks for, apart from who asks. */
export type McpAsk = Pick<ToolCall, "method" | "tool" | "arguments" | "argumentsKnown" | "context">;

/** One JSON-RPC message of MCP (2024-11-05 to 2026-07-28). */
export type McpMessage =
  | { readonly kind: "call"; readonly id: RpcId | null; readonly ask: McpAsk }
  /** Runs nothing and shows no data: notifications, `ping`, the handshake, listings. */
  | { readonly kind: "pass"; readonly id: RpcId | null; readonly method: string; readonly params: JsonObject }
  /** An answer. `complete` false: the call goes on (it wants input, or became a task), and this is no result of it. */
  | { readonly kind: "result"; readonly id: RpcId; readonly failed: boolean; readonly complete: boolean; readonly result: Json };

/** A number, or a text. */
export type RpcId = string | number;

/** Methods that need no decision. A closed list: whoever could make up a method would go unasked. */
export const passing: ReadonlySet<string> = new Set([
  ...["initialize", "ping", "server/discover", "logging/setLevel"],
  ...["tools/list", "prompts/list", "resources/list", "resources/templates/list", "roots/list"],
]);
const methodForm = /^[A-Za-z][A-Za-z0-9_/.-]{0,63}$/;

/**
 * Reads a body: one message, or the messages of a batch (MCP 2025-03-26), each on its own. Throws RemitError `request_invalid` or
 * `body_unsafe` for what is no JSON-RPC 2.0 message, or one that two readers may understand differently.
 */
export function readMessages(body: Json): readonly McpMessage[] {
  if (!Array.isArray(body)) return [readMessage(body, "")];
  if (body.length === 0) throw invalidAt("/", "an empty batch");
  return body.map((message: Json, index) => readMessage(message, `/${index}`));
}

function readMessage(message: Json, at: string): McpMessage {
  if (!isObject(message)) throw invalidAt(at || "/", "not a JSON-RPC message");
  refuseLookAlikes(message, ["jsonrpc", "id", "method", "params", "result", "error"], at);
  if (message.jsonrpc !== "2.0") throw invalidAt(`${at}/jsonrpc`, 'must be "2.0"');
  const id = readId(message, at);
  if (message.method === undefined) return readResult(message, id, at);
  if (message.result !== undefined || message.error !== undefined) throw invalidAt(at || "/", "both a request and a response");
  const { method, params = {} } = message;
  if (typeof method !== "string" || !methodForm.test(method)) throw invalidAt(`${at}/method`, "not the name of a method");
  if (!isObject(params)) throw invalidAt(`${at}/params`, "must be an object");
  // A missing id alone proves nothing: a server may run a call that has none. Nor does the name alone: with an id it is a request.
  if (passing.has(method) || (method.startsWith("notifications/") && id === null)) return { kind: "pass", id, method, params };
  return { kind: "call", id, ask: readAsk(method, params, `${at}/params`) };
}

function readId({ id }: JsonObject, at: string): RpcId | null {
  if (id === undefined || id === null || typeof id === "number") return id ?? null;
  if (typeof id === "string" && id.length <= 256) return id;
  throw invalidAt(`${at}/id`, "must be a number, or a text of at most 256 characters");
}

function readResult(message: JsonObject, id: RpcId | null, at: string): McpMessage {
  const { result, error } = message;
  if ((result === undefined) === (error === undefined)) throw invalidAt(at || "/", "neither a request nor a response");
  if (id === null) throw invalidAt(`${at}/id`, "a response needs the id of its request");
  const failed = error !== undefined || (isObject(result) && result.isError === true);
  return { kind: "result", id, failed, complete: failed || isComplete(result), result: result ?? null };
}

/** MCP 2026-07-28 names the kinds of results; 2025-11-25 answers a call that became a task with the task alone. */
function isComplete(result: Json | undefined): boolean {
  if (!isObject(result)) return true;
  const { resultType = "complete", task, content, structuredContent } = result;
  return resultType === "complete" && (!isObject(task) || content !== undefined || structuredContent !== undefined);
}

/** A tool by its name and arguments; any other method is a tool of its own name, with its parameters as arguments. */
function readAsk(method: string, params: JsonObject, at: string): McpAsk {
  const { _meta: meta, ...rest } = params;
  refuseLookAlikes(params, ["name", "arguments", "uri", "ref"], at);
  if (method !== "tools/call") return { method, tool: method, arguments: rest, argumentsKnown: true, context: contextOf(meta, {}) };
  const { name, arguments: given = {}, ...more } = rest;
  if (typeof name !== "string" || !toolName.safeParse(name).success) throw invalidAt(`${at}/name`, "not the name of a tool");
  if (!isObject(given)) throw invalidAt(`${at}/arguments`, "must be an object");
  return { method, tool: name, arguments: given, argumentsKnown: true, context: contextOf(meta, more) };
}

/** What goes to the server beside the arguments: untrusted, for policies that look at it. */
function contextOf(meta: Json | undefined, params: JsonObject): JsonObject {
  return { mcp: { ...(meta === undefined ? {} : { meta }), params } };
}

/** They and we would see two different calls. */
function refuseLookAlikes(object: JsonObject, known: readonly string[], at: string): void {
  const found = lookAlikeIn(object, known);
  if (found === undefined) return;
  const [path, message] = [`${at}/${escapedPart(found.key)}`, `looks like \`${found.like}\``];
  throw new RemitError("body_unsafe", `${message} at \`${path}\``, { errors: [{ path, message }] });
}
