import { expect } from "vitest";
import type { DialectSample, Sent } from "./sample.ts";

const check = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Sent => ({
  method,
  path: `/check${path}`,
  headers,
  ...(body === undefined ? {} : { body }),
});
const json = { "content-type": "application/json" };
const post = (body: unknown, headers: Record<string, string> = {}, path = "/mcp"): Sent =>
  check("POST", path, { ...json, ...headers }, typeof body === "string" ? body : JSON.stringify(body));
const call = (params: object, more: object = {}) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params, ...more });
const named = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "find" };

export const checkSample: DialectSample = {
  dialect: "check",
  ask: (args) => post(call({ name: "find", arguments: args })),
  seesArguments: true,
  passes: ({ status }) => status === 200,
  check({ status, text, headers }) {
    if (status === 200) return expect(text).toBe("");
    expect([401, 403, 500, 503]).toContain(status);
    expect(headers.get("location")).toBeNull();
    const body = JSON.parse(text) as Record<string, unknown>;
    if ("jsonrpc" in body) expect(body).toMatchObject({ jsonrpc: "2.0", error: { message: expect.any(String) } });
    else expect(body).toMatchObject({ allow: false, status });
  },
  garbage: [
    post(""),
    post("{"),
    post("[]"),
    post("null"),
    post(call({ name: "find" }, { jsonrpc: "1.0" })),
    post(call({ name: "find", Name: "drop" })),
    post(call({ name: "find" }), { "mcp-method": "tools/list" }),
    post(call({ name: "find" }), { "mcp-name": "other" }),
    post([call({ name: "find" }), call({ name: "" })]),
    // Cut off, and nothing but the body says which tool it is.
    post(call({ name: "find" }), { "x-envoy-auth-partial-body": "true" }),
    post('{"jsonrpc":"2.0","id":1,"method":"tools/ca', { "x-envoy-auth-partial-body": "true" }),
    check("POST", "/mcp"),
    check("POST", "/mcp", { ...named, "mcp-protocol-version": "2025-11-25" }),
    // Told twice, and not the same.
    post(call({ name: "find" }), { "x-forwarded-method": "GET" }),
    post(call({ name: "find" }), { "x-forwarded-uri": "/other" }),
    check("GET", "", { "x-forwarded-method": "GET", "x-original-method": "POST", "x-forwarded-uri": "/a" }),
    check("GET", "", { "x-forwarded-method": "GET", "x-forwarded-uri": "/a", "x-original-uri": "/b" }),
    // Not told at all.
    check("GET", ""),
    check("GET", "", { "x-forwarded-uri": "/a" }),
    check("GET", "", { "x-forwarded-method": "GET" }),
    check("GET", "", { "x-forwarded-method": "get it", "x-forwarded-uri": "/a" }),
    check("GET", "", { "x-forwarded-method": "GET", "x-forwarded-uri": "/a, /b" }),
    // Ambiguous JSON of a plain HTTP request.
    post('{"a":1,"a":2}', {}, "/customers"),
  ],
  blind: [
    check("POST", "/mcp", named),
    post('{"jsonrpc":"2.0","id":1,"method":"tools/ca', { ...named, "x-envoy-auth-partial-body": "true" }),
    check("GET", "/mcp"),
    check("DELETE", "/customers/17?force=1"),
    check("POST", "/customers", { "content-type": "text/plain" }, "a=1"),
    check("POST", "/customers", { ...json, "x-envoy-auth-partial-body": "true" }, '{"a":1}'),
    check("GET", "", { "x-forwarded-method": "DELETE", "x-forwarded-uri": "/customers/17" }),
  ],
};
