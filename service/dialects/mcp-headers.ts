import type { Json, JsonObject } from "../decide/json.ts";
import type { RemitError } from "../errors.ts";
import type { WireHeaders } from "./dialect.ts";
import { type McpAsk, type McpMessage, passing } from "./mcp-message.ts";
import { toolName } from "./native.ts";
import { invalidHeader } from "./sessions.ts";

/** First version of MCP whose servers refuse headers that differ from the body, so that headers alone may be judged. */
const headersSince = "2026-07-28";
const versionForm = /^\d{4}-\d{2}-\d{2}$/;
const parameterPrefix = "mcp-param-";

/**
 * Compares `Mcp-Method`, `Mcp-Name` and `Mcp-Param-*` (MCP 2026-07-28, Streamable HTTP) with the message. A proxy may route by the ones and a
 * server run the other. Throws RemitError `request_invalid` naming the header.
 */
export function compareHeaders(headers: WireHeaders, messages: readonly McpMessage[]): void {
  const named = ["mcp-method", "mcp-name"].filter((name) => headers[name] !== undefined);
  const parameters = Object.keys(headers).filter((name) => name.startsWith(parameterPrefix));
  if (named.length + parameters.length === 0) return;
  const [message] = messages;
  if (message === undefined || messages.length > 1 || message.kind === "result") throw mismatch([...named, ...parameters][0] ?? "");
  const { method, name, values } = message.kind === "call" ? facts(message.ask) : { method: message.method, name: null, values: [] };
  if (headers["mcp-method"] !== undefined && header(headers, "mcp-method") !== method) throw mismatch("mcp-method");
  if (headers["mcp-name"] !== undefined && header(headers, "mcp-name") !== name) throw mismatch("mcp-name");
  // The header's name is the schema's choice and not the argument's: its value must be one of the arguments'.
  for (const parameter of parameters) if (!values.includes(header(headers, parameter))) throw mismatch(parameter);
}

/**
 * The message that headers alone tell, where no body is to be seen. Null when `judged` says that they are not to be judged, or without
 * `Mcp-Method`. Throws RemitError `request_invalid`.
 */
export function messageFromHeaders(headers: WireHeaders, judged: boolean): McpMessage | null {
  const ask = judged ? askFromHeaders(headers) : null;
  if (ask === null) return null;
  return passing.has(ask.method) ? { kind: "pass", id: null, method: ask.method, params: {} } : { kind: "call", id: null, ask };
}

/** What headers alone say, where no body is to be seen: which tool, and of its arguments only a part. Null without `Mcp-Method`. Throws RemitError `request_invalid`. */
export function askFromHeaders(headers: WireHeaders): McpAsk | null {
  if (headers["mcp-method"] === undefined) return null;
  const version = header(headers, "mcp-protocol-version");
  if (!versionForm.test(version) || version < headersSince)
    throw invalidHeader("mcp-protocol-version", `\`Mcp-Method\` counts without a body from ${headersSince} on`);
  const method = header(headers, "mcp-method");
  const name = headers["mcp-name"] === undefined ? null : header(headers, "mcp-name");
  const tool = method === "tools/call" ? name : method;
  if (tool === null || !toolName.safeParse(tool).success) throw invalidHeader(tool === null ? "mcp-name" : "mcp-method", "names no tool");
  const known: Record<string, Json> = {};
  for (const key of Object.keys(headers).filter((key) => key.startsWith(parameterPrefix)))
    known[key.slice(parameterPrefix.length)] = header(headers, key);
  return { method, tool, arguments: named(method, name), argumentsKnown: false, context: { mcp: { parameters: known } } };
}

/** The argument that `Mcp-Name` is, where the method has a name for it. */
function named(method: string, name: string | null): JsonObject {
  if (name === null || method === "tools/call") return {};
  return method === "resources/read" ? { uri: name } : { name };
}

function facts(ask: McpAsk): { readonly method: string; readonly name: string | null; readonly values: readonly string[] } {
  const { uri, name } = ask.arguments;
  const other = typeof uri === "string" ? uri : typeof name === "string" ? name : null;
  return { method: ask.method, name: ask.method === "tools/call" ? ask.tool : other, values: leaves(ask.arguments) };
}

function leaves(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(leaves);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(leaves);
  return [String(value)];
}

const sentinel = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** The value of a single header; `=?base64?…?=` holds what is not ASCII. */
function header(headers: WireHeaders, name: string): string {
  const value = headers[name];
  if (typeof value !== "string") throw invalidHeader(name, value === undefined ? "is missing" : "sent more than once");
  const packed = sentinel.exec(value)?.[1];
  return packed === undefined ? value : Buffer.from(packed, "base64").toString("utf8");
}

function mismatch(name: string): RemitError {
  return invalidHeader(name, "differs from the body");
}
