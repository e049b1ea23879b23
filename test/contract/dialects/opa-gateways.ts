import { expect } from "vitest";
import type { JsonObject } from "../../../service/decide/json.ts";
import type { GatewayOptions } from "../../../service/dialects/opa-gateways/gateway.ts";
import { post } from "./post.ts";
import type { DialectSample, Got, Sent } from "./sample.ts";

const kinds = ["kong", "apisix", "higress", "contextforge", "agt"] as const;
type Kind = (typeof kinds)[number];

export const opaGateways: Readonly<Record<string, GatewayOptions>> = {
  ...Object.fromEntries(
    kinds.map((kind) => [`gateways/${kind}`, { kind, protocol: "mcp", mcpHeaders: true, asksAgain: true, servers: [], roles: [] }]),
  ),
  "gateways/blind": { kind: "apisix", protocol: "mcp", mcpHeaders: false, asksAgain: true, servers: [], roles: [] },
};

const ask = (kind: Kind | "blind", input: unknown): Sent => post(`/v1/data/gateways/${kind}`, input === undefined ? {} : { input });
const rpc = (params: object, more: object = {}) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params, ...more });
const find = (args: JsonObject) => rpc({ name: "find", arguments: args });
const named = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "find" };
const json = { "content-type": "application/json" };

/** Status 200 and a `result` whose `allow` is a boolean, whatever happens. */
const object = (more: object) => ({
  passes: ({ status, text }: Got) => status === 200 && Boolean((JSON.parse(text) as { result?: { allow?: unknown } }).result?.allow),
  check({ status, text }: Got) {
    const { result } = JSON.parse(text) as { result: { allow: unknown } };
    expect([status, typeof result.allow]).toEqual([200, "boolean"]);
    if (result.allow === false) expect(result).toMatchObject(more);
  },
});
const bare = {
  passes: ({ status, text }: Got) => status === 200 && Boolean((JSON.parse(text) as { result?: unknown }).result),
  check({ status, text }: Got) {
    expect([status, typeof (JSON.parse(text) as { result: unknown }).result]).toEqual([200, "boolean"]);
  },
};

const wrong = [undefined, null, 7, "x", [], {}];
const notRpc = [{}, [], { jsonrpc: "1.0", method: "tools/call" }, rpc({ name: "find", Name: "drop" }), [find({}), rpc({ name: "" })]];

const kong = (http: object, more: object = {}) =>
  ask("kong", {
    request: { http: { method: "POST", path: "/mcp", querystring: {}, headers: json, ...http } },
    client_ip: "192.0.2.7",
    ...more,
  });
const kongReply = object({ status: expect.any(Number), message: { message: expect.any(String) } });
const kongBodies = notRpc.map((parsed_body) => kong({ parsed_body }));

const kongSample: DialectSample = {
  ...{ dialect: "opa", form: "kong, parsed body", seesArguments: true, failsOpen: true, ...kongReply },
  ask: (args) => kong({ parsed_body: find(args) }),
  garbage: [
    ...wrong.map((input) => ask("kong", input)),
    ...kongBodies,
    kong({}),
    kong({ parsed_body: find({}), method: 7 }),
    kong({ parsed_body: find({}), headers: { ...json, "mcp-name": "other" } }),
    kong({ parsed_body: find({}), headers: { ...json, "mcp-name": ["find", "other"] } }),
    // Kong has chosen one of two members; the body shows both.
    kong({ parsed_body: find({}), body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"find","name":"drop"}}' }),
    kong({ parsed_body: find({}), body: "" }),
    // Cut: the size is the whole body's.
    kong({ parsed_body: find({}), body: JSON.stringify(find({})), body_size: 9999 }),
  ],
  blind: [kong({ headers: { ...json, ...named } })],
};

const kongRawSample: DialectSample = {
  ...{ dialect: "opa", form: "kong, raw body", seesArguments: true, failsOpen: true, ...kongReply },
  ask(args) {
    const body = JSON.stringify(find(args));
    return kong({ body, body_size: Buffer.byteLength(body) });
  },
  garbage: [kong({ body: "{" }), kong({ body: "null" })],
};

const apisix = (request: object, more: object = {}, kind: "apisix" | "blind" = "apisix") =>
  ask(kind, { type: "http", request: { method: "POST", path: "/mcp", query: {}, headers: json, ...request }, var: {}, ...more });

const apisixSample: DialectSample = {
  ...{ dialect: "opa", form: "apisix", seesArguments: false, failsOpen: true },
  ...object({ status_code: expect.any(Number), reason: { message: expect.any(String) } }),
  ask: () => apisix({ headers: { ...json, ...named } }),
  garbage: [
    ...wrong.map((input) => ask("apisix", input)),
    apisix({}),
    apisix({ headers: { ...json, ...named } }, { type: "stream" }),
    apisix({ headers: { ...json, ...named, "mcp-protocol-version": "2025-11-25" } }),
    apisix({ headers: { ...json, ...named, "mcp-name": ["find", "drop"] } }),
    apisix({ headers: { ...json, ...named } }, {}, "blind"),
  ],
};

const higress = (body: string | undefined, headers: readonly (readonly [string, string])[] = []) =>
  ask("higress", {
    request: {
      ...{ method: "POST", scheme: "https", path: "/mcp?x=1", query: { x: ["1"] } },
      headers: [[":method", "POST"], ["content-type", "application/json"], ...headers],
      ...(body === undefined ? {} : { body: Buffer.from(body).toString("base64") }),
    },
  });

const higressSample: DialectSample = {
  ...{ dialect: "opa", form: "higress", seesArguments: true, failsOpen: true, ...bare },
  ask: (args) => higress(JSON.stringify(find(args))),
  garbage: [
    ...wrong.map((input) => ask("higress", input)),
    ...notRpc.map((body) => higress(JSON.stringify(body))),
    higress("{"),
    higress("\u0000"),
    // No body is told of, or one that Higress would not read: it would not ask again.
    higress(undefined),
    higress(undefined, [["content-length", "0"]]),
    higress(undefined, [["transfer-encoding", "chunked"]]),
    higress(undefined, [
      ["content-length", "80"],
      ["content-encoding", "gzip"],
    ]),
    higress(undefined, [
      ["content-length", "80"],
      ["content-length", "0"],
    ]),
    higress(undefined, [
      ["content-length", "80"],
      ["content-type", "application/octet-stream"],
    ]),
  ],
};

const unified = (more: object = {}, resource: object = {}, context: object = {}) =>
  ask("contextforge", {
    subject: { email: "emma@example.com", roles: [], team_id: null, mfa_verified: false, clearance_level: null },
    action: "tools.invoke.find",
    resource: { type: "tool", id: "find", server: "8f14e45f", classification_level: null, args_keys: [], ...resource },
    context: { ip: null, timestamp: "2026-11-25T00:00:00+00:00", user_agent: null, session_id: "1", ...context },
    ...more,
  });
const forgeReply = object({ deny: [expect.any(String)] });

const contextForgeSample: DialectSample = {
  ...{ dialect: "opa", form: "contextforge, unified PDP", seesArguments: true, failsOpen: true, ...forgeReply },
  ask: (args) => unified({}, {}, { tool_args: args }),
  garbage: [
    ...wrong.map((input) => ask("contextforge", input)),
    unified({ action: "tools.invoke.drop" }),
    unified({ action: "tools.list" }),
    unified({ action: 7 }),
    unified({}, { id: 7 }),
    unified({}, { type: "resource" }),
    unified({}, {}, { tool_args: [] }),
    unified({ subject: { email: 7 } }),
    unified({ kind: "tool_pre_invoke" }),
    unified({ action: "resources.fetch" }, { type: "resource", id: "file:///a" }, { resource_metadata: { id: "file:///b" } }),
  ],
  blind: [unified()],
};

const filter = (kind: string, payload: object, more: object = {}) =>
  ask("contextforge", {
    kind,
    user: "none",
    request_ip: "none",
    headers: {},
    response: null,
    payload,
    context: {},
    mode: "input",
    ...more,
  });

const filterSample: DialectSample = {
  ...{ dialect: "opa", form: "contextforge, OPA filter", seesArguments: true, failsOpen: true, ...forgeReply },
  ask: (args) => filter("tool_pre_invoke", { name: "find", args, headers: null }),
  garbage: [
    filter("tool_pre_invoke", { args: {} }),
    filter("tool_pre_invoke", { name: "find", args: [] }),
    filter("tool_post_invoke", { text: ["found"] }, { mode: "output" }),
    filter("tool_pre_invoke", { name: "find", args: {} }, { mode: "output" }),
    filter("resource_pre_fetch", { name: "find" }),
    filter("prompt_pre_fetch", {}),
  ],
};

const agt = (input: object) => ask("agt", input);

const agtSample: DialectSample = {
  ...{ dialect: "opa", form: "agt", seesArguments: true, failsOpen: true, ...bare },
  ask: (args) => agt({ agent_id: "bot", action_type: "tool_call", tool_name: "find", tool_args: args }),
  garbage: [
    ...wrong.map((input) => ask("agt", input)),
    agt({ tool_name: 7 }),
    agt({ tool_name: "a b" }),
    agt({ tool_name: "find", tool_args: [] }),
    agt({ tool_name: "find", tool_args: {}, arguments: {} }),
    agt({ tool_name: "find", tool_args: {}, agent_id: {} }),
  ],
  blind: [agt({ tool_name: "find" }), agt({ action: "find", agent: { role: "analyst" } })],
};

export const opaGatewaySamples: readonly DialectSample[] = [
  ...[kongSample, kongRawSample, apisixSample, higressSample],
  ...[contextForgeSample, filterSample, agtSample],
];
