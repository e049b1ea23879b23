import type { Json, JsonObject } from "../decide/json.ts";
import type { WireHeaders } from "./dialect.ts";
import type { McpMessage } from "./mcp-message.ts";

/** A request that is not MCP. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Json;
  readonly headers: WireHeaders;
}

/**
 * A request that is not MCP is a call of tool `http.get`, `http.post` …. Its arguments are known when its whole body is JSON; without a body
 * there may be one that the enforcement point keeps to itself. `wholeBody` throws for ambiguous JSON: the server behind may read it in another way.
 */
export function httpCall(
  { method, path, query, headers }: HttpRequest,
  wholeBody: () => Json | undefined,
  context: JsonObject,
): McpMessage {
  const body = jsonType.test(String(headers["content-type"] ?? "")) ? wholeBody() : undefined;
  return {
    kind: "call",
    id: null,
    ask: {
      method: "http",
      tool: `http.${method.toLowerCase()}`,
      arguments: { path, query, ...(body === undefined ? {} : { body }) },
      argumentsKnown: body !== undefined,
      context,
    },
  };
}

const jsonType = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
