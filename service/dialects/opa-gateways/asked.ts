import type { JsonObject } from "../../decide/json.ts";
import type { WireRequest } from "../dialect.ts";
import type { McpMessage } from "../mcp-message.ts";

/** What a gateway asks about, and the request as if it had come from whom the gateway names. */
export interface Asked {
  readonly request: WireRequest;
  readonly messages: readonly McpMessage[];
}

/** One call of a tool. `args` null: they cannot be seen. */
export function toolCall(tool: string, args: JsonObject | null, context: JsonObject): McpMessage {
  return callOf("tools/call", tool, { args, context });
}

/** A call of what is no tool in MCP: it is one of its method's name, with its parameters as arguments. */
export function methodCall(method: string, args: JsonObject, context: JsonObject): McpMessage {
  return callOf(method, method, { args, context });
}

function callOf(method: string, tool: string, { args, context }: { args: JsonObject | null; context: JsonObject }): McpMessage {
  return { kind: "call", id: null, ask: { method, tool, arguments: args ?? {}, argumentsKnown: args !== null, context } };
}
