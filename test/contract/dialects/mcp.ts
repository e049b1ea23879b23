import { expect } from "vitest";
import type { DialectSample, Sent } from "./sample.ts";

const post = (body: unknown, headers: Record<string, string> = {}): Sent => ({
  method: "POST",
  path: "/mcp",
  headers: { "content-type": "application/json", ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const call = (params: object, more: object = {}) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params, ...more });

export const mcpSample: DialectSample = {
  dialect: "mcp",
  ask: (args) => post(call({ name: "find", arguments: args })),
  seesArguments: true,
  passes: ({ status }) => status === 200,
  check({ status, text }) {
    const body = JSON.parse(text) as { allow?: boolean; jsonrpc?: string; error?: object };
    if (status === 200) expect(body.allow).toBe(true);
    else expect(body).toMatchObject({ jsonrpc: "2.0", error: { message: expect.any(String) } });
  },
  garbage: [
    post(""),
    post("{"),
    post("[]"),
    post("null"),
    post(call({ name: "find" }, { jsonrpc: "1.0" })),
    post(call({ name: "find", Name: "drop" })),
    post(call({ name: "find", arguments: "x" })),
    post(call({ name: "find", arguments: {} }), { "mcp-method": "tools/list" }),
    post(call({ name: "find", arguments: {} }), { "mcp-name": "other" }),
    post(call({ name: "find", arguments: { q: "a" } }), { "mcp-param-q": "b" }),
    post([call({ name: "find" }), call({ name: "" })]),
    post('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find","name":"drop"}}'),
    { ...post(call({ name: "find" })), headers: { "content-type": "text/plain" } },
  ],
};
