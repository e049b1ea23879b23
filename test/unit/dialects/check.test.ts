import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Decision } from "../../../service/decide/decision.ts";
import type { JsonObject } from "../../../service/decide/json.ts";
import type { PolicyInput } from "../../../service/decide/policy-input-schema.ts";
import type { TokenResult } from "../../../service/decide/ports.ts";
import { type CheckOptions, createCheck } from "../../../service/dialects/check/check.ts";
import { checkReply } from "../../../service/dialects/check/reply.ts";
import type { Answered } from "../../../service/dialects/dialect.ts";
import { startApp } from "../../helpers/session-app.ts";

const plain: CheckOptions = { mcpPaths: ["/mcp", "/servers/*"], mcpHeaders: false, resourceMetadata: null, obligations: "deny" };
const identityHeaders = {
  subject: "x-user",
  roles: "x-roles",
  agent: undefined,
  session: "x-session",
  server: "x-server",
  originIp: undefined,
};
const reason = (code: string) => ({ code, message: `because ${code}`, remedy: "", rule: "test", controls: [] });

const apps: Awaited<ReturnType<typeof startApp>>[] = [];
let answer: JsonObject = {};
let inputs: PolicyInput[] = [];

async function start(options: Partial<CheckOptions> = {}) {
  const app = await startApp({
    policy(input) {
      inputs.push(input);
      return answer;
    },
    tokens: { good: verified },
    deps: { dialects: [createCheck({ ...plain, ...options })], agentTokens: true, identityHeaders },
  });
  apps.push(app);
  return async (method: string, path: string, headers: Record<string, string> = {}, body?: string, pep = "gateway") => {
    const response = await app.raw(pep, { method, path, headers, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : null,
    };
  };
}
type Check = Awaited<ReturnType<typeof start>>;

const verified: TokenResult = {
  ...{
    kind: "verified",
    issuer: "https://idp",
    subject: { type: "user", id: "emma", roles: [], groups: [] },
    agent: "bot",
    chain: ["bot"],
  },
  ...{ audience: ["remit"], scopes: [], acr: null, amr: [], authTimeS: null, issuedAtS: 0, expiresAtS: 1e10, senderConstrained: false },
  ...{ authorizationDetails: [], claims: {}, digest: "sha256:00" },
};

let check: Check;
beforeAll(async () => {
  check = await start();
});
beforeEach(() => {
  answer = {};
  inputs = [];
});
afterAll(async () => {
  for (const app of apps) await app.close();
});

const json = { "content-type": "application/json" };
const rpc = (method: string, params: object = {}, id: number | null = 1) =>
  JSON.stringify({ jsonrpc: "2.0", ...(id === null ? {} : { id }), method, params });
const call = (name: string, args: object = {}, id = 1) => rpc("tools/call", { name, arguments: args }, id);
const lastCall = () => inputs.at(-1)?.call;

describe("a request that is not MCP", () => {
  it("is a call of the tool of its method, with what follows /check as its path", async () => {
    const got = await check("DELETE", "/check/customers/17?force=1&x=%2F", { "x-server": "crm", "x-forwarded-proto": "https" });

    expect([got.status, got.text]).toEqual([200, ""]);
    expect(lastCall()).toMatchObject({
      method: "http",
      server: "crm",
      tool: "http.delete",
      arguments: { path: "/customers/17", query: "force=1&x=%2F" },
      arguments_known: false,
    });
    expect(inputs[0]).toMatchObject({ request: { path: "/customers/17" }, context: { http: { scheme: "https" } } });
  });

  it("has known arguments when its whole body is JSON, and says so", async () => {
    await check("PUT", "/check/customers/17", { "content-type": "application/merge-patch+json; charset=utf-8" }, '{"name":"Smith"}');

    expect(lastCall()).toMatchObject({
      tool: "http.put",
      arguments: { path: "/customers/17", query: "", body: { name: "Smith" } },
      arguments_known: true,
    });
  });

  it.each([
    ["text", { "content-type": "text/plain" }, "{}"],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }, "a=1"],
    ["no type", {}, "{}"],
    ["the beginning of JSON", { ...json, "x-envoy-auth-partial-body": "true" }, "{}"],
    ["no body", {}, undefined],
  ] as const)("has unknown arguments with %s", async (_name, headers, body) => {
    await check("POST", "/check/customers", headers, body);

    expect(lastCall()).toMatchObject({ tool: "http.post", arguments: { path: "/customers", query: "" }, arguments_known: false });
  });

  it("is what JSON-RPC elsewhere than at an MCP server is", async () => {
    const got = await check("POST", "/check/customers", json, rpc("tools/list"));

    expect(got.status).toBe(200);
    expect(lastCall()).toMatchObject({ method: "http", tool: "http.post", arguments: { body: { method: "tools/list" } } });
  });

  it.each(["GET", "DELETE"])("is what a %s of an MCP server is", async (method) => {
    await check(method, "/check/mcp", json);

    expect(lastCall()).toMatchObject({ method: "http", tool: `http.${method.toLowerCase()}`, arguments: { path: "/mcp" } });
  });

  it("is answered a deny with a problem document", async () => {
    answer = { allow: false, reasons: [reason("not_yours")] };
    const got = await check("GET", "/check/customers");

    expect(got.status).toBe(403);
    expect(got.headers.get("content-type")).toBe("application/problem+json");
    expect(got.json).toEqual({
      ...{ type: "about:blank", title: "Not allowed", status: 403, detail: "because not_yours (not_yours)", allow: false },
      ...{
        decision_id: got.headers.get("x-remit-decision-id"),
        reasons: [{ code: "not_yours", message: "because not_yours", remedy: "" }],
      },
    });
    expect(got.json.decision_id).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("an MCP message", () => {
  it("is the call in the body", async () => {
    const got = await check("POST", "/check/mcp", { ...json, "x-server": "crm" }, call("find", { q: "smith" }));

    expect([got.status, got.text]).toEqual([200, ""]);
    expect(got.headers.get("x-remit-decision-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(lastCall()).toMatchObject({
      method: "tools/call",
      server: "crm",
      tool: "find",
      arguments: { q: "smith" },
      arguments_known: true,
    });
  });

  it.each(["/check/servers", "/check/servers/crm/mcp", "/check/servers/crm/", "/check/mcp"])("is looked for at %s", async (path) => {
    await check("POST", path, json, call("find"));
    expect(lastCall()?.tool).toBe("find");
  });

  it.each([
    "/check/mcp/",
    "/check/servers/../mcp",
    "/check/servers//x",
    "/check/servers/%2e%2e/x",
    "/check/serversx",
    "/check/servers/..;/x",
  ])("is not looked for at %s, which may be another place", async (path) => {
    const { request } = await import("node:http");
    // fetch would tidy the path up.
    const url = new URL(await base());
    const status = await new Promise((resolve) => {
      const sent = request(
        { host: url.hostname, port: url.port, path, method: "POST", headers: { ...json, "x-api-key": "gateway" } },
        (got) => got.resume().once("end", () => resolve(got.statusCode)),
      );
      sent.end(call("find"));
    });
    expect(status).toBe(200);
    expect(lastCall()?.tool).toBe("http.post");
  });

  it("passes unasked when it runs nothing", async () => {
    answer = { allow: false, reasons: [reason("no")] };
    const batch = `[${rpc("ping")},${rpc("notifications/initialized", {}, null)}]`;
    for (const body of [rpc("initialize"), rpc("tools/list"), rpc("notifications/initialized", {}, null), batch])
      expect((await check("POST", "/check/mcp", json, body)).status).toBe(200);
    expect(inputs).toEqual([]);
  });

  it("that passes unasked has headers too, so that none of the client's is taken for one of Remit's", async () => {
    const told = await start({ obligations: "header" });
    const { headers } = await told("POST", "/check/mcp", json, rpc("tools/list"));
    expect([headers.get("x-remit-decision-id"), headers.get("x-remit-obligations")]).toEqual(["none", "[]"]);
  });

  it("of a batch that is not allowed stops the batch, with the errors of its ids", async () => {
    answer = { allow: false, reasons: [reason("no")] };
    const got = await check("POST", "/check/mcp", json, `[${call("find", {}, 7)},${rpc("tools/list", {}, 8)},${call("drop", {}, 9)}]`);

    expect(got.status).toBe(403);
    expect(got.json).toMatchObject([
      { id: 7, error: {} },
      { id: 9, error: {} },
    ]);
    expect(got.headers.get("x-remit-decision-id")?.split(",")).toHaveLength(2);
  });

  it("is answered a deny with a JSON-RPC error", async () => {
    answer = { allow: false, reasons: [reason("no")] };
    const got = await check("POST", "/check/mcp", json, call("find", {}, 5));

    expect(got.status).toBe(403);
    expect(got.json).toMatchObject({ jsonrpc: "2.0", id: 5, error: { code: 403, data: { reasons: [{ code: "no" }] } } });
  });

  it("of a client that answers is no outcome of a call", async () => {
    const got = await check("POST", "/check/mcp", json, JSON.stringify({ jsonrpc: "2.0", id: 1, result: {} }));
    expect(got.status).toBe(200);
  });
});

describe("Mcp-* headers without a body", () => {
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "find", "mcp-param-region": "eu" };

  it("are nothing by default", async () => {
    expect((await check("POST", "/check/mcp", headers)).status).toBe(403);
    expect(inputs).toEqual([]);
  });

  it("are judged where the servers compare them, with unknown arguments", async () => {
    const lenient = await start({ mcpHeaders: true });
    expect((await lenient("POST", "/check/mcp", headers)).status).toBe(200);
    expect(lastCall()).toMatchObject({ method: "tools/call", tool: "find", arguments: {}, arguments_known: false });
    expect(inputs[0]).toMatchObject({ context: { mcp: { parameters: { region: "eu" } } } });
  });

  it("are not judged at a place without an MCP server", async () => {
    const lenient = await start({ mcpHeaders: true });
    await lenient("POST", "/check/customers", headers);
    expect(lastCall()?.tool).toBe("http.post");
  });

  it("pass when they name a method that runs nothing; a notification may be a request with an id", async () => {
    answer = { allow: false, reasons: [reason("no")] };
    const lenient = await start({ mcpHeaders: true });
    expect((await lenient("POST", "/check/mcp", { ...headers, "mcp-method": "tools/list" })).status).toBe(200);
    expect((await lenient("POST", "/check/mcp", { ...headers, "mcp-method": "notifications/x" })).status).toBe(403);
  });
});

describe("the original request", () => {
  it.each([
    [
      "Traefik, Caddy, APISIX, Higress",
      { "x-forwarded-method": "DELETE", "x-forwarded-uri": "/a/b?c=1", "x-forwarded-host": "api.example" },
    ],
    ["nginx", { "x-original-method": "DELETE", "x-original-uri": "/a/b?c=1", "x-forwarded-host": "api.example" }],
    [
      "ingress-nginx",
      { "x-original-method": "DELETE", "x-original-url": "https://api.example/a/b?c=1", "x-forwarded-host": "api.example" },
    ],
  ])("is in headers at /check itself: %s", async (_name, headers) => {
    await check("GET", "/check?ours=1", headers);
    expect(lastCall()).toMatchObject({ tool: "http.delete", arguments: { path: "/a/b", query: "c=1" } });
    expect(inputs[0]).toMatchObject({ context: { http: { host: "api.example" } } });
  });

  it("may be an MCP message of which the body is forwarded", async () => {
    await check("POST", "/check", { ...json, "x-forwarded-method": "POST", "x-forwarded-uri": "/mcp" }, call("find", { q: 1 }));
    expect(lastCall()).toMatchObject({ tool: "find", arguments: { q: 1 } });
  });

  it.each([
    ["another method than the request", "/check/a", { "x-forwarded-method": "POST" }],
    ["another path than the request", "/check/a", { "x-original-uri": "/b" }],
    ["another query than the request", "/check/a?x=1", { "x-original-uri": "/a?x=2" }],
    ["two methods", "/check", { "x-forwarded-method": "GET", "x-original-method": "POST", "x-original-uri": "/a" }],
    ["two paths", "/check", { "x-forwarded-method": "GET", "x-original-uri": "/a", "x-forwarded-uri": "/b" }],
    ["no method", "/check", { "x-original-uri": "/a" }],
    ["no path", "/check", { "x-original-method": "GET" }],
    ["two paths in one header", "/check", { "x-original-method": "GET", "x-original-uri": "/a, /b" }],
    ["a path that is none", "/check", { "x-original-method": "GET", "x-original-uri": "a/b" }],
  ])("that is told as %s is not allowed", async (_name, path, headers) => {
    expect((await check("GET", path, headers)).status).toBe(403);
    expect(inputs).toEqual([]);
  });

  it("never leads to another route", async () => {
    for (const path of ["/check/decide", "/check/health/live", "/check//decide", "/check/metrics"]) await check("GET", path);
    expect(inputs.map((input) => input.call.arguments.path)).toEqual(["/decide", "/health/live", "//decide", "/metrics"]);
  });

  it("comes with every method", async () => {
    for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
      expect((await check(method, "/check/a")).status).toBe(200);
    expect(new Set(inputs.map((input) => input.call.tool)).size).toBe(8);
  });
});

describe("what a client could do about a deny", () => {
  const scopes = { required_scopes: ["crm.write", 'no"quote'], acr_values: [] };
  const stepUp = { required_scopes: [], acr_values: ["urn:strong"] };

  it.each([
    ["a bad token", { authorization: "Bearer bad" }, {}, 401, 'Bearer error="invalid_token"'],
    ["no token", {}, { allow: false, reasons: [reason("token_required")] }, 401, "Bearer"],
    ["a reason of the policy's own", {}, { allow: false, reasons: [reason("token_budget")] }, 403, null],
    ["no token, and more", {}, { allow: false, reasons: [reason("role"), reason("token_required")] }, 403, null],
    [
      "a weak authentication",
      {},
      { allow: false, reasons: [reason("step_up_required")], ...stepUp },
      401,
      'Bearer error="insufficient_user_authentication", acr_values="urn:strong"',
    ],
    [
      "missing scopes",
      {},
      { allow: false, reasons: [reason("scope")], ...scopes },
      403,
      'Bearer error="insufficient_scope", scope="crm.write"',
    ],
    ["nothing of these", {}, { allow: false, reasons: [reason("no")] }, 403, null],
  ] as const)("is said for %s", async (_name, headers, said, status, challenge) => {
    answer = said as JsonObject;
    const got = await check("POST", "/check/mcp", { ...json, ...headers }, call("find"));

    expect([got.status, got.headers.get("www-authenticate")]).toEqual([status, challenge]);
    expect(got.json.error.message).not.toContain("Bearer");
  });

  it("names the resource's metadata where that is configured", async () => {
    const configured = await start({ resourceMetadata: "https://mcp.example/.well-known/oauth-protected-resource" });
    const got = await configured("POST", "/check/mcp", { ...json, authorization: "Bearer bad" }, call("find"));
    expect(got.headers.get("www-authenticate")).toBe(
      'Bearer error="invalid_token", resource_metadata="https://mcp.example/.well-known/oauth-protected-resource"',
    );
  });

  it("has a good token believed", async () => {
    expect((await check("POST", "/check/mcp", { ...json, authorization: "Bearer good" }, call("find"))).status).toBe(200);
    expect(inputs[0]).toMatchObject({ subject: { id: "emma" }, token: { verified: true } });
  });
});

describe("obligations", () => {
  const obligations = [{ id: "o-1", type: "notify", properties: { to: "Zoë" } }];

  it("make an allow a deny, since a proxy carries none out", async () => {
    answer = { obligations };
    const got = await check("POST", "/check/mcp", json, call("find"));
    expect([got.status, got.json.error.data.reasons[0].code]).toEqual([403, "obligation_unknown"]);
    expect(got.headers.get("x-remit-obligations")).toBeNull();
  });

  it("are told in a header where the server behind knows it, unless they are too long", async () => {
    const told = await start({ obligations: "header" });
    answer = { obligations };
    const got = await told("POST", "/check/mcp", json, call("find"));
    expect(got.status).toBe(200);
    expect(JSON.parse(got.headers.get("x-remit-obligations") ?? "")).toEqual(obligations);

    answer = { obligations: [{ id: "o-1", type: "notify", properties: { to: "x".repeat(5000) } }] };
    expect((await told("POST", "/check/mcp", json, call("find"))).status).toBe(403);
  });
});

describe("checkReply", () => {
  const decision: Decision = {
    ...{ allow: true, reasons: [], obligations: [], requiredScopes: [], acrValues: [], ttlS: 0 },
    effects: { labels_add: [], counters: {} },
  };
  const allowed: Answered = { kind: "decided", decisionId: "d-1", timeMs: 0, bundle: { name: "b", revision: "1", digest: "" }, decision };

  it.each([
    [1, [allowed], 200],
    [2, [allowed], 403],
    [1, [], 403],
    [0, [], 403],
  ] as [number, Answered[], number][])("lets %d calls pass only when each was judged", (expected, answers, status) => {
    for (const ids of [null, [1, 2]]) expect(checkReply({ options: plain, hasToken: false, ids }, expected, answers).status).toBe(status);
  });
});

describe("what is wrong with a check", () => {
  it("is 401 for an unknown enforcement point, with nothing for the client to use", async () => {
    const got = await check("GET", "/check/a", {}, undefined, "nobody");
    expect([got.status, got.headers.get("www-authenticate"), got.json.allow]).toEqual([401, "Bearer", false]);
  });

  it.each([
    ["a body that is too large", "x".repeat(70_000), {}],
    ["an encoding that is not read", "x", { "content-encoding": "br" }],
    ["a body that is not JSON", "x", {}],
    ["a header that is not the body's", call("find"), { "mcp-name": "other" }],
  ])("is 403 for %s", async (_name, body, headers) => {
    const got = await check("POST", "/check/mcp", { ...json, ...headers }, body);
    expect([got.status, got.json.allow, got.json.status]).toEqual([403, false, 403]);
  });

  it("is 5xx when it cannot be recorded", async () => {
    const app = apps[0];
    if (app === undefined) throw new Error("no app");
    app.room.full = true;
    const got = await check("POST", "/check/mcp", json, call("find"));
    app.room.full = false;
    expect([got.status, got.json.error.data.reasons[0].code]).toEqual([500, "record_failed"]);
  });
});

async function base(): Promise<string> {
  const app = apps[0];
  if (app === undefined) throw new Error("no app");
  return (await app.raw("gateway", { method: "GET", path: "/health/live", headers: {} })).url;
}
