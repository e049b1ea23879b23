import { post } from "./contenders/contender.ts";
import type { Target } from "./load.ts";
import type { Question } from "./request.ts";

/** The call of the benchmark in one wire format. */
export interface DialectRequest {
  readonly dialect: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Text that an allow holds. */
  readonly expect: string;
}

interface NativeBody {
  readonly tool: { readonly server: string; readonly name: string };
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly token: string;
  readonly session: { readonly id: string };
  readonly context: unknown;
}

/** The same call with the same token and session, as each kind of enforcement point sends it. The native one comes first. */
export function dialectRequests({ body }: Question): readonly DialectRequest[] {
  const native = JSON.parse(body) as NativeBody;
  const { tool, arguments: args, token, session } = native;
  const headers = { authorization: `Bearer ${token}`, "x-session": session.id, "x-server": tool.server };
  const message = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: tool.name, arguments: args } };
  const http = { method: "POST", path: "/mcp", host: "mcp.example", headers: { "content-type": "application/json", ...headers } };
  return [
    { dialect: "native", path: "/decide", headers: {}, body, expect: '"allow":true' },
    { dialect: "mcp", path: "/mcp", headers, body: JSON.stringify(message), expect: '"allow":true' },
    {
      ...{ dialect: "authzen", path: "/access/v1/evaluation", headers, expect: '"decision":true' },
      body: JSON.stringify({
        subject: { type: "identity", id: "emma" },
        action: { name: "tools/call" },
        resource: { type: "tool", id: tool.name, properties: { arguments: args } },
        context: { agent: "support-agent" },
      }),
    },
    { dialect: "check", path: "/check/mcp", headers, body: JSON.stringify(message), expect: "200 " },
    {
      ...{ dialect: "opa (kong)", path: "/v1/data/bench/kong", headers, expect: '"allow":true' },
      body: JSON.stringify({ input: { request: { http: { ...http, parsed_body: message } }, client_ip: "10.2.3.4" } }),
    },
    {
      ...{ dialect: "toolhive", path: "/hooks/toolhive", headers, expect: '"allowed":true' },
      body: JSON.stringify({
        ...{ version: "v0.1.0", uid: "u-1", timestamp: "2027-01-01T00:00:00Z", principal: { sub: "emma" } },
        ...{ mcp_request: message, context: { server_name: tool.server, source_ip: "10.2.3.4", transport: "streamable-http" } },
      }),
    },
    {
      ...{ dialect: "claude-code", path: "/hooks/claude-code", headers, expect: "\r\n\r\n{}" },
      body: JSON.stringify({
        ...{ session_id: session.id, cwd: "/work", permission_mode: "default", hook_event_name: "PreToolUse", tool_use_id: "t-1" },
        ...{ tool_name: `mcp__${tool.server}__${tool.name}`, tool_input: args },
      }),
    },
  ];
}

/** The request as bytes for a service at `base`. */
export function dialectTarget(base: Target, request: DialectRequest, apiKey: string): Target {
  const url = new URL(request.path, `http://${base.host}:${base.port}`);
  return { ...base, request: post(url, request.body, { "x-api-key": apiKey, ...request.headers }), expect: request.expect };
}
