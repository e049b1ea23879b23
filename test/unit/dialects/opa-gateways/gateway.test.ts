import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyInput } from "../../../../service/decide/policy-input-schema.ts";
import type { VerifiedToken } from "../../../../service/decide/ports.ts";
import type { Answered } from "../../../../service/dialects/dialect.ts";
import { decided } from "../../../../service/dialects/opa-gateways/results.ts";
import { createDialects } from "../../../../service/dialects/table.ts";
import { RemitError } from "../../../../service/errors.ts";
import { dialectOptions } from "../../../contract/dialects/options.ts";
import { startApp } from "../../../helpers/session-app.ts";

type PolicyAnswer = object | ((tool: string) => object);
const state = { seen: [] as PolicyInput[], answer: {} as PolicyAnswer, fails: false };
let app: Awaited<ReturnType<typeof startApp>>;

const gateways = {
  kong: { kind: "kong", protocol: "mcp", mcpHeaders: false, asksAgain: true, servers: [], roles: [] },
  api: { kind: "kong", protocol: "http", mcpHeaders: true, asksAgain: true, servers: [], roles: [] },
  apisix: { kind: "apisix", protocol: "mcp", mcpHeaders: true, asksAgain: true, servers: [], roles: ["viewer"] },
  once: { kind: "higress", protocol: "mcp", mcpHeaders: false, asksAgain: false, servers: ["crm"], roles: [] },
  higress: { kind: "higress", protocol: "mcp", mcpHeaders: true, asksAgain: true, servers: [], roles: [] },
  forge: { kind: "contextforge", protocol: "mcp", mcpHeaders: false, asksAgain: true, servers: ["crm", "crm-eu"], roles: ["viewer"] },
  agt: { kind: "agt", protocol: "mcp", mcpHeaders: false, asksAgain: true, servers: [], roles: [] },
} as const;

const verified: VerifiedToken = {
  ...{ kind: "verified", issuer: "https://idp", subject: { type: "user", id: "eve", roles: ["admin"], groups: [] }, agent: "bot" },
  ...{ chain: ["bot"], audience: [], scopes: [], acr: null, amr: [], authTimeS: null, issuedAtS: 1, expiresAtS: 2e9 },
  ...{ senderConstrained: false, authorizationDetails: [], claims: {}, digest: "sha256:00" },
};

beforeAll(async () => {
  app = await startApp({
    policy(input) {
      state.seen.push(input);
      if (state.fails) throw new RemitError("policy_timeout", "secret detail");
      return (typeof state.answer === "function" ? state.answer(input.call.tool) : state.answer) as never;
    },
    tokens: { good: verified },
    deps: {
      dialects: createDialects({ ...dialectOptions, opa: { ...dialectOptions.opa, gateways } }),
      agentTokens: true,
      identityHeaders: { subject: "x-user", roles: "x-roles", session: "mcp-session-id", server: "x-server" },
    },
  });
});
afterAll(() => app.close());

const no = { allow: false, reasons: [{ code: "too_much", message: "too much", remedy: "ask for less", rule: "r", controls: [] }] };

async function ask(path: string, input: unknown, answer: PolicyAnswer = {}) {
  state.seen.length = 0;
  state.answer = answer;
  const { status, body } = await app.send("gateway", "POST", `/v1/data/${path}`, { input });
  const { decision_id, ...rest } = body;
  return { status, body: rest, id: decision_id as string, input: state.seen.at(-1) as PolicyInput };
}

const rpc = (args: object, name = "find") => ({ jsonrpc: "2.0", id: 7, method: "tools/call", params: { name, arguments: args } });
const json = { "content-type": "application/json" };
const kong = (http: object, more: object = {}) => ({
  request: { http: { method: "POST", path: "/crm/mcp", querystring: {}, headers: json, ...http } },
  client_ip: "192.0.2.7",
  ...more,
});

describe("Kong", () => {
  it("gets an allow with the id of the decision", async () => {
    const { status, body, id } = await ask("kong", kong({ parsed_body: rpc({ q: "a" }) }));
    expect([status, body]).toEqual([200, { result: { allow: true, headers: { "x-remit-decision-id": id } } }]);
  });

  it("gets a no with status, reasons and remedy for the client", async () => {
    const { status, body, id } = await ask("kong", kong({ parsed_body: rpc({}) }), no);
    const message = { message: "too much (too_much); ask for less" };
    expect([status, body]).toEqual([200, { result: { allow: false, status: 403, headers: { "x-remit-decision-id": id }, message } }]);
  });

  it("gets a no without a detail of what failed", async () => {
    state.fails = true;
    const { body } = await ask("kong", kong({ parsed_body: rpc({}) }));
    state.fails = false;
    expect(body.result).toMatchObject({ allow: false });
    expect(JSON.stringify(body)).not.toContain("secret detail");
  });

  it("gets a no in its own form for what is no JSON, and for a path that only looks different", async () => {
    for (const path of ["/v1/data/kong", "/v1/data//kong/", "/v1/data/%6bong"]) {
      const response = await app.raw("gateway", { method: "POST", path, headers: json, body: "{" });
      expect([response.status, await response.json()]).toMatchObject([200, { result: { allow: false, status: 403 } }]);
    }
  });

  it("tells who asks by the held request's headers, its consumer, service and address", async () => {
    const { input } = await ask(
      "kong",
      kong(
        { parsed_body: rpc({}), headers: { ...json, "mcp-session-id": "s-9", "user-agent": "claude" } },
        {
          consumer: { id: "c-1", username: "emma" },
          service: { name: "crm", host: "crm.internal" },
        },
      ),
    );
    expect(input.subject).toMatchObject({ id: "emma", roles: [], verified: false });
    expect([input.call.server, input.session.id]).toEqual(["crm", "s-9"]);
    expect(input.request).toMatchObject({ path: "/crm/mcp", origin: { ip: "192.0.2.7", user_agent: "claude" } });
  });

  it("takes the configured headers before the consumer and the service", async () => {
    const headers = { ...json, "X-User": "mia", "x-roles": "support, viewer", "x-server": "files" };
    const { input } = await ask(
      "kong",
      kong({ parsed_body: rpc({}), headers }, { consumer: { username: "emma" }, service: { name: "crm" } }),
    );
    expect([input.subject.id, input.subject.roles, input.call.server]).toEqual(["mia", ["support", "viewer"], "files"]);
  });

  it("does not take headers of the gateway's own request for the client's", async () => {
    const headers = { "x-user": "root", "x-roles": "admin" };
    const response = await app.send("gateway", "POST", "/v1/data/kong", { input: kong({ parsed_body: rpc({}) }) }, headers);
    expect([response.body.result.allow, state.seen.at(-1)?.subject.id]).toEqual([true, null]);
  });

  it("refuses an identity header that was sent twice", async () => {
    const { body } = await ask("kong", kong({ parsed_body: rpc({}), headers: { ...json, "x-user": ["mia", "root"] } }));
    expect(body.result.allow).toBe(false);
    const { body: cased } = await ask("kong", kong({ parsed_body: rpc({}), headers: { ...json, "x-user": "mia", "X-User": "root" } }));
    expect(cased.result.allow).toBe(false);
  });

  it("verifies the token of the held request", async () => {
    const { input } = await ask("kong", kong({ parsed_body: rpc({}), headers: { ...json, authorization: "Bearer good" } }));
    expect(input.subject).toMatchObject({ id: "eve", verified: true });
    const { body } = await ask("kong", kong({ parsed_body: rpc({}), headers: { ...json, authorization: "Bearer bad" } }));
    expect(body.result).toMatchObject({ allow: false, message: { message: expect.stringContaining("token_signature") } });
  });

  it("allows a batch only as a whole", async () => {
    const batch = [rpc({}, "find"), rpc({}, "drop")];
    expect((await ask("kong", kong({ parsed_body: batch }))).body.result.allow).toBe(true);
    for (const denied of ["find", "drop"]) {
      const { body } = await ask("kong", kong({ parsed_body: batch }), (tool: string) => (tool === denied ? no : {}));
      expect(body.result).toMatchObject({
        allow: false,
        headers: { "x-remit-decision-id": expect.stringMatching(/^[0-9a-f-]{36},[0-9a-f-]{36}$/) },
      });
    }
    const { body } = await ask("kong", kong({ parsed_body: [rpc({}), { jsonrpc: "2.0", id: 1, method: "tools/call" }] }));
    expect(body.result.allow).toBe(false);
  });

  it("takes fewer answers than questions for a no", () => {
    const decision = { allow: true, obligations: [], reasons: [] };
    const allowed = { kind: "decided", decisionId: "d-1", decision } as unknown as Answered;
    const resultOf = (expected: number, answers: readonly Answered[]) =>
      (JSON.parse(decided("agt", expected, answers).body ?? "") as { result: unknown }).result;
    expect([resultOf(1, [allowed]), resultOf(2, [allowed]), resultOf(0, [])]).toEqual([true, false, false]);
  });

  it("lets what runs nothing pass unasked", async () => {
    const { body, input } = await ask("kong", kong({ parsed_body: { jsonrpc: "2.0", id: 1, method: "tools/list" } }), no);
    expect([body, input]).toEqual([{ result: { allow: true, headers: {} } }, undefined]);
  });

  it("asks about a request that is not MCP as a call of its method", async () => {
    const { input } = await ask("kong", kong({ method: "GET", querystring: { a: "1" } }));
    expect(input.call).toMatchObject({ method: "http", tool: "http.get", arguments: { path: "/crm/mcp", query: { a: "1" } } });
    expect(input.call.arguments_known).toBe(false);
  });

  it("takes an allow under obligations for a no", async () => {
    const obligations = [{ id: "o", type: "redact", properties: {} }];
    const { body } = await ask("kong", kong({ parsed_body: rpc({}) }), { obligations });
    expect(body.result).toMatchObject({ allow: false, message: { message: expect.stringContaining("obligation_unknown") } });
  });
});

describe("a route to a server that is not MCP", () => {
  it("is asked about as HTTP, whatever the body and headers look like", async () => {
    const headers = { ...json, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "find" };
    const { input } = await ask("api", kong({ path: "/accounts/7", body: JSON.stringify(rpc({})), headers }));
    expect(input.call).toMatchObject({ tool: "http.post", arguments: { path: "/accounts/7", body: rpc({}) }, arguments_known: true });
  });

  it("refuses an ambiguous body, and does not know one that is not JSON", async () => {
    const { body } = await ask("api", kong({ body: '{"a":1,"a":2}' }));
    expect(body.result.allow).toBe(false);
    const { input } = await ask("api", kong({ body: "a=1", headers: { "content-type": "application/x-www-form-urlencoded" } }));
    expect([input.call.tool, input.call.arguments_known]).toEqual(["http.post", false]);
  });
});

const named = { ...json, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "find" };

describe("APISIX", () => {
  const apisix = (headers: object, more: object = {}) => ({
    type: "http",
    request: { scheme: "http", method: "POST", host: "a", port: 9080, path: "/mcp", headers, query: {} },
    var: { remote_addr: "192.0.2.8", timestamp: 1 },
    ...more,
  });

  it("gets its forms", async () => {
    const yes = await ask("apisix", apisix(named));
    expect(yes.body).toEqual({ result: { allow: true, headers: { "x-remit-decision-id": yes.id } } });
    const denied = await ask("apisix", apisix(named), no);
    const headers = { "x-remit-decision-id": denied.id };
    expect(denied.body.result).toEqual({
      allow: false,
      status_code: 403,
      headers,
      reason: { message: "too much (too_much); ask for less" },
    });
    const { body } = await ask("apisix", apisix(json));
    expect(body.result).toMatchObject({ allow: false, status_code: 403, headers: {} });
  });

  it("names the consumer, the service and the address; roles are those of the configuration", async () => {
    const { input } = await ask(
      "apisix",
      apisix(named, { consumer: { username: "emma", plugins: { "key-auth": { key: "k" } } }, service: { name: "crm" } }),
    );
    expect(input.subject).toMatchObject({ id: "emma", roles: ["viewer"] });
    expect([input.call.server, input.request.origin.ip, input.call.arguments_known]).toEqual(["crm", "192.0.2.8", false]);
    expect(JSON.stringify(input)).not.toContain("key-auth");
  });

  it("keeps the roles that a header tells", async () => {
    const { input } = await ask("apisix", apisix({ ...named, "x-user": "mia", "x-roles": "support" }));
    expect(input.subject.roles).toEqual(["support"]);
  });
});

describe("Higress", () => {
  const higress = (headers: readonly (readonly string[])[], body?: object) => ({
    request: {
      ...{ method: "POST", scheme: "http", path: "/mcp?a=1", query: { a: ["1"] }, headers },
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)).toString("base64") }),
    },
  });
  const told = [
    ["content-type", "application/json; charset=utf-8"],
    ["content-length", "80"],
  ];

  it("gets a bare boolean", async () => {
    expect((await ask("higress", higress(told, rpc({ q: "a" })))).body).toEqual({ result: true });
    expect((await ask("higress", higress(told, rpc({})), no)).body).toEqual({ result: false });
    expect((await ask("higress", {})).body).toEqual({ result: false });
  });

  it("lets nothing pass before the body is there, unless the plugin is known to ask again", async () => {
    expect((await ask("once", higress(told))).body).toEqual({ result: false });
    const { body, input } = await ask("once", higress(told, rpc({})));
    expect([body, input.call.server]).toEqual([{ result: true }, "crm"]);
  });

  it("is asked again when the body is there: before that nothing is decided", async () => {
    const first = await ask("higress", higress(told), no);
    expect([first.body, first.input]).toEqual([{ result: true }, undefined]);
    const { input } = await ask("higress", higress(told, rpc({ q: "a" })));
    expect(input.call).toMatchObject({ tool: "find", arguments: { q: "a" }, arguments_known: true });
    expect(input.request.path).toBe("/mcp");
  });
});

describe("ContextForge", () => {
  const unified = (more: object = {}, context: object = {}) => ({
    subject: { email: "emma@example.com", roles: [], team_id: "t-1", mfa_verified: false, clearance_level: null },
    action: "tools.invoke.crm-find-customer",
    resource: { type: "tool", id: "crm-find-customer", server: "8f14", classification_level: null, args_keys: ["q"] },
    context: { ip: "203.0.113.9", timestamp: "t", user_agent: "claude", session_id: "req-1", tool_args: { q: "a" }, ...context },
    ...more,
  });

  it("gets an object with every reason", async () => {
    expect((await ask("forge", unified())).body).toEqual({ result: { allow: true, deny: [] } });
    expect((await ask("forge", unified(), no)).body).toEqual({ result: { allow: false, deny: ["too much (too_much); ask for less"] } });
    expect((await ask("forge", {})).body.result).toMatchObject({ allow: false, deny: [expect.any(String)] });
  });

  it("names the gateway's server and tool apart; what the client can state is context only", async () => {
    const { input } = await ask("forge", unified());
    expect(input.call).toMatchObject({ server: "crm", tool: "find-customer", arguments: { q: "a" }, arguments_known: true });
    expect(input.subject).toMatchObject({ id: "emma@example.com", roles: ["viewer"], groups: ["t-1"] });
    expect(input.request.origin).toEqual({ ip: null, user_agent: "claude" });
    expect(input.session.id).toBeNull();
    expect(input.context).toEqual({ contextforge: { server_id: "8f14", request_id: "req-1", stated_ip: "203.0.113.9" } });
  });

  it.each([
    ["crm_eu", "crm", "eu"],
    ["crm-eu-find", "crm-eu", "find"],
    ["crm.eu", "crm", "eu"],
    ["crm--a-b", "crm", "a-b"],
    ["crmfind", null, "crmfind"],
    ["crm-", null, "crm-"],
    ["pay-crm-find", null, "pay-crm-find"],
  ])("reads %s as a tool of server %s", async (name, server, tool) => {
    const resource = { type: "tool", id: name };
    const { input } = await ask("forge", unified({ action: `tools.invoke.${name}`, resource }));
    expect([input.call.server, input.call.tool]).toEqual([server, tool]);
  });

  it("does not take nobody for somebody", async () => {
    const { input } = await ask("forge", unified({ subject: { email: "anonymous@internal", roles: [] } }));
    expect([input.subject.id, input.subject.roles]).toEqual([null, []]);
  });

  it("asks about resources by their URI", async () => {
    const resource = { type: "resource", id: "file:///a", server: null };
    const { input } = await ask("forge", unified({ action: "resources.fetch", resource }, { resource_metadata: {} }));
    expect(input.call).toMatchObject({ method: "resources/read", tool: "resources/read", arguments: { uri: "file:///a" } });
  });

  it("refuses a body that is of both plugins", async () => {
    const both = unified({ kind: "tool_pre_invoke", mode: "input", user: "none", payload: { name: "other", args: {} } });
    const { body, input } = await ask("forge", both);
    expect([body.result.allow, input]).toEqual([false, undefined]);
  });

  it("reads the OPA filter's body, too", async () => {
    const filter = (kind: string, payload: object) => ({ kind, user: "none", payload, mode: "input" });
    const tool = await ask("forge", filter("tool_pre_invoke", { name: "plain-tool", args: { q: 1 } }));
    expect(tool.input.call).toMatchObject({ server: null, tool: "plain-tool", arguments: { q: 1 } });
    expect(tool.input.subject.id).toBeNull();
    const prompt = await ask("forge", filter("prompt_pre_fetch", { prompt_id: "p", args: { a: "b" } }));
    expect(prompt.input.call).toMatchObject({ tool: "prompts/get", arguments: { name: "p", arguments: { a: "b" } } });
  });
});

describe("AGT", () => {
  it("gets a bare boolean", async () => {
    expect((await ask("agt", { tool_name: "find", tool_args: {} })).body).toEqual({ result: true });
    expect((await ask("agt", { tool_name: "find", tool_args: {} }, no)).body).toEqual({ result: false });
    expect((await ask("agt", {})).body).toEqual({ result: false });
  });

  it("reads agent_os contexts, and those that end with an action", async () => {
    const first = await ask("agt", {
      agent_id: "a-1",
      user_id: "emma",
      session_id: "s-3",
      action_type: "tool_call",
      tool_name: "find",
      tool_args: { q: 1 },
    });
    expect(first.input.call).toMatchObject({ tool: "find", arguments: { q: 1 }, arguments_known: true });
    expect([first.input.agent.id, first.input.subject.id, first.input.session.id]).toEqual(["a-1", "emma", "s-3"]);
    const second = await ask("agt", { agentDid: "did:mesh:1", action: "export", parameters: { to: "x" } });
    expect(second.input.call).toMatchObject({ tool: "export", arguments: { to: "x" } });
    expect(second.input.agent.id).toBe("did:mesh:1");
    const third = await ask("agt", { agent: { id: "a-2" }, action: { type: "export" } });
    expect(third.input.call).toMatchObject({ tool: "export", arguments_known: false });
    expect(third.input.agent.id).toBe("a-2");
  });
});
