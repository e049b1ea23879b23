import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../../service/decide/json.ts";
import { toolhive } from "../../../service/dialects/toolhive.ts";
import { RemitError } from "../../../service/errors.ts";
import { allowed, asks, bodyOf, broken, callsOf, denied, renders, underObligation } from "./wire.ts";

const call = { jsonrpc: "2.0", id: 7, method: "tools/call", params: { name: "find", arguments: { q: 1 } } };
const principal = {
  sub: "emma",
  platform_user_id: "u-1",
  name: "Emma",
  email: "emma@example.org",
  claims: { sub: "emma", roles: ["support"], groups: ["eu"], client_id: "bot" },
};
const context = { server_name: "crm", source_ip: "10.0.0.7:4711", transport: "sse" };
const ask = (more: JsonObject = {}) =>
  asks(toolhive, "/hooks/toolhive", { version: "v0.1.0", uid: "u-7", timestamp: "", principal, mcp_request: call, context, ...more });
const callOf = (more: JsonObject = {}) => callsOf(ask(more))[0];
const delegated = (delegation: Json) => ({ principal: { ...principal, delegation } });

describe("what is asked", () => {
  test("the call, and who asks as ToolHive has verified it", () => {
    expect(callOf()).toMatchObject({
      server: "crm",
      tool: "find",
      arguments: { q: 1 },
      argumentsKnown: true,
      subject: {
        type: "user",
        id: "emma",
        roles: ["support"],
        groups: ["eu"],
        properties: { name: "Emma", email: "emma@example.org", platform_user_id: "u-1", claims: principal.claims },
      },
      agent: { id: "bot", properties: {} },
      request: { origin: { ip: "10.0.0.7" } },
    });
  });

  test("the outermost actor of a delegation is the agent, and the chain goes with it", () => {
    const delegation = {
      chain: [{ sub: "current", iss: "i" }, { sub: "earlier" }],
      truncated: false,
      omitted: 0,
      malformed: false,
    };
    expect(callOf(delegated(delegation))).toMatchObject({ agent: { id: "current", properties: { delegation } } });
    const act = { sub: "a", act: { sub: "b" } };
    expect(callOf({ principal: { ...principal, claims: { act } } })).toMatchObject({ agent: { id: "a", properties: { act } } });
  });

  test.each<[string, Json]>([
    ["malformed", { chain: [{ sub: "a" }], malformed: true }],
    ["empty", { chain: [], malformed: false }],
    ["without a chain", {}],
    ["of an actor without a name", { chain: [{ iss: "i" }], malformed: false }],
    ["of an actor with a hidden name", { chain: [{ sub: "a\u0000" }], malformed: false }],
    ["a text", "a"],
  ])("a delegation that is %s is refused: it must not look like none", (_, delegation) => {
    expect(() => ask(delegated(delegation))).toThrow(expect.objectContaining({ code: "request_invalid" }));
  });

  test("without a principal nobody asks; the server behind a virtual one is meant", () => {
    expect(callOf({ principal: null, context: { ...context, backend_server: "crm-eu" } })).toMatchObject({
      subject: null,
      agent: null,
      server: "crm-eu",
    });
  });

  test.each([
    ["[2001:db8::1]:4711", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["127.0.0.1", "127.0.0.1"],
    ["example.org:80", null],
    ["", null],
    [7, null],
  ])("the address %j is %j", (source_ip, ip) => {
    expect(callOf({ context: { ...context, source_ip } })).toMatchObject({ request: { origin: { ip } } });
  });

  test("roles in one text, and none of what is no list", () => {
    expect(callOf({ principal: { ...principal, claims: { roles: "support, billing" } } })).toMatchObject({
      subject: { roles: ["support", "billing"] },
    });
    for (const roles of [{}, 7, [[]], [""], Array.from({ length: 300 }, () => "r")])
      expect(() => ask({ principal: { ...principal, claims: { roles } } })).toThrow(expect.objectContaining({ code: "request_invalid" }));
  });
});

describe("what is answered", () => {
  test("an allow, a deny, an allow under an obligation, a fault: always 200", () => {
    const base = { version: "v0.1.0", uid: "u-7" };
    expect(renders(ask(), allowed)).toEqual({ status: 200, body: { ...base, allowed: true } });
    expect(renders(ask(), denied)).toEqual({
      status: 200,
      body: {
        ...base,
        allowed: false,
        code: 403,
        message: "not now (not_now); later",
        reason: "not_now",
        details: { decision_ids: "d-1" },
      },
    });
    expect(renders(ask(), underObligation)).toMatchObject({ status: 200, body: { allowed: false, reason: "obligation_unknown" } });
    expect(renders(ask(), broken(new RemitError("policy_error", "?")))).toMatchObject({
      status: 200,
      body: { allowed: false, reason: "policy_error" },
    });
    expect(renders(ask())).toMatchObject({ status: 200, body: { allowed: false } });
  });

  test("what asks for nothing passes", () => {
    expect(ask({ mcp_request: { jsonrpc: "2.0", id: 1, method: "tools/list" } })).toMatchObject({
      kind: "reply",
      reply: { status: 200, body: '{"version":"v0.1.0","uid":"u-7","allowed":true}' },
    });
  });

  test("a failure", () => {
    const head = { method: "POST", path: "/hooks/toolhive", query: "", headers: {}, requestId: "r" };
    expect(bodyOf(toolhive.refuse(new RemitError("overloaded", "busy"), head))).toMatchObject({
      status: 200,
      body: { version: "v0.1.0", allowed: false, code: 503, reason: "overloaded" },
    });
  });
});
