import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../service/decide/json.ts";
import { porc } from "../../../service/dialects/porc.ts";
import { RemitError } from "../../../service/errors.ts";
import { allowed, asks, bodyOf, broken, callsOf, denied, renders, underObligation } from "./wire.ts";

const principal = { sub: "emma", mroles: ["support"], mgroups: ["eu"], scopes: "a b", mannotations: {} };
const ask = (more: JsonObject = {}) =>
  asks(porc, "/decision", {
    principal,
    operation: "mcp:tool:call",
    resource: "mrn:mcp:crm:tool:find",
    context: { mcp: { args: { q: 1 } } },
    ...more,
  });
const callOf = (more: JsonObject = {}) => callsOf(ask(more))[0];

describe("what is asked", () => {
  test("a tool, with the arguments when they are sent", () => {
    expect(callOf()).toMatchObject({
      method: "tools/call",
      server: "crm",
      tool: "find",
      arguments: { q: 1 },
      argumentsKnown: true,
      subject: { id: "emma", roles: ["support"], groups: ["eu"], properties: { scopes: "a b", mannotations: {} } },
    });
    expect(callOf({ context: {} })).toMatchObject({ arguments: {}, argumentsKnown: false });
  });

  test("the claims of either mapping", () => {
    expect(callOf({ principal: { sub: "emma", roles: ["r"], groups: ["g"] } })).toMatchObject({ subject: { roles: ["r"], groups: ["g"] } });
    expect(callOf({ principal: {} })).toMatchObject({ subject: null });
  });

  test("prompts and resources are tools of their method's name", () => {
    expect(callOf({ operation: "mcp:prompt:get", resource: "mrn:mcp:crm:prompt:hello", context: {} })).toMatchObject({
      method: "prompts/get",
      tool: "prompts/get",
      arguments: { name: "hello" },
      argumentsKnown: false,
    });
    expect(callOf({ operation: "mcp:resource:read", resource: "mrn:mcp:crm:resource:file:///a:b", context: {} })).toMatchObject({
      tool: "resources/read",
      arguments: { uri: "file:///a:b" },
      argumentsKnown: true,
    });
  });

  test("lists run nothing: their entries are asked about one by one", () => {
    expect(ask({ operation: "mcp:tool:list", resource: "mrn:mcp:crm:tool:" })).toMatchObject({
      kind: "reply",
      reply: { body: '{"allow":true}' },
    });
  });

  test("ids may have colons, servers may not", () => {
    expect(callOf({ resource: "mrn:mcp:crm:tool:a:tool:b" })).toMatchObject({ server: "crm", tool: "a:tool:b" });
  });
});

test("what is answered", () => {
  expect(renders(ask(), allowed)).toEqual({ status: 200, body: { allow: true, decision_id: "d-1", reasons: [] } });
  expect(renders(ask(), denied)).toEqual({
    status: 200,
    body: { allow: false, decision_id: "d-1", reasons: [{ code: "not_now", message: "not now", remedy: "later" }] },
  });
  expect(renders(ask(), underObligation)).toMatchObject({ status: 200, body: { allow: false, reasons: [{ code: "obligation_unknown" }] } });
  expect(renders(ask(), broken(new RemitError("policy_error", "?")))).toMatchObject({ status: 500, body: { allow: false } });
  expect(renders(ask())).toMatchObject({ status: 500, body: { allow: false } });
  const head = { method: "POST", path: "/decision", query: "probe=true", headers: {}, requestId: "r" };
  expect(bodyOf(porc.refuse(new RemitError("pep_forbidden", "no"), head))).toMatchObject({ status: 403, body: { allow: false } });
});
