import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../../service/decide/json.ts";
import type { WireRequest } from "../../../service/dialects/dialect.ts";
import { mcp } from "../../../service/dialects/mcp.ts";
import { RemitError } from "../../../service/errors.ts";
import { allowed, asks, bodyOf, broken, callsOf, denied, renders, underObligation } from "./wire.ts";

const rpc = (id: Json, more: JsonObject): JsonObject => ({ jsonrpc: "2.0", id, ...more });
const call = (id: Json = 1, name = "find") => rpc(id, { method: "tools/call", params: { name, arguments: { q: 1 } } });
const claims = { subject: null, agent: null, sessionId: "s-1", server: "crm", originIp: null };
const client = (body: Json, more: Partial<WireRequest> = {}) => asks(mcp, "/mcp", body, { claims, ...more });
const server = (body: Json, more: Partial<WireRequest> = {}) => asks(mcp, "/mcp/server", body, { claims, ...more });
const referenceOf = (question: ReturnType<typeof client>) =>
  question.kind === "calls" ? question.references?.[0] : question.kind === "outcome" ? question.reference : null;

describe("a message of the client", () => {
  test("a call is asked about as the headers say who asks", () => {
    expect(callsOf(client(call()))).toMatchObject([{ server: "crm", tool: "find", arguments: { q: 1 }, sessionId: "s-1" }]);
  });

  test("what asks for nothing passes, and so does an answer of the client, which is no result", () => {
    for (const body of [rpc(1, { method: "ping" }), rpc(1, { result: { content: [] } })])
      expect(client(body)).toMatchObject({ kind: "reply", reply: { status: 200, body: '{"allow":true}' } });
  });

  test("an allow", () => {
    expect(renders(client(call()), allowed)).toEqual({ status: 200, body: { allow: true, decision_ids: ["d-1"] } });
  });

  test("a deny is an error of JSON-RPC that may be handed on", () => {
    expect(renders(client(call("a")), denied)).toEqual({
      status: 403,
      body: {
        jsonrpc: "2.0",
        id: "a",
        error: {
          code: 403,
          message: "not now (not_now); later",
          data: { decision_id: "d-1", reasons: [{ code: "not_now", message: "not now", remedy: "later" }] },
        },
      },
    });
  });

  test("an allow under an obligation is none: there is no place to tell it", () => {
    expect(renders(client(call()), underObligation)).toMatchObject({
      status: 403,
      body: { error: { data: { reasons: [{ code: "obligation_unknown" }] } } },
    });
  });

  test("a fault of ours is a 5xx that does not say why", () => {
    const { status, body } = renders(client(call()), broken(new RemitError("policy_error", "secret detail")));
    expect([status, JSON.stringify(body)]).toEqual([500, expect.not.stringContaining("secret")]);
  });

  test("of a batch all calls must be allowed; the errors of the others come back", () => {
    const batch = client([call(1), rpc(2, { method: "ping" }), call(3)]);
    expect(callsOf(batch)).toHaveLength(2);
    expect(renders(batch, allowed, allowed)).toMatchObject({ status: 200, body: { decision_ids: ["d-1", "d-1"] } });
    expect(renders(batch, allowed, denied)).toMatchObject({ status: 403, body: [{ id: 3 }] });
    expect(renders(batch, allowed)).toMatchObject({ status: 403, body: [] });
  });
});

describe("a message of the server", () => {
  test("a result tells what became of the call of the same id, server and session", () => {
    const result = { content: [{ type: "text", text: "x" }] };
    const told = server(rpc(1, { result }));
    expect(told).toMatchObject({ kind: "outcome", status: "completed", result });
    expect(referenceOf(told)).toBe(referenceOf(client(call(1))));
    expect(server(rpc(1, { error: { code: 1, message: "" } }))).toMatchObject({ status: "failed" });
  });

  test("ids of another type, server or session are others", () => {
    const reference = referenceOf(client(call(1)));
    expect(referenceOf(client(call("1")))).not.toBe(reference);
    for (const other of [{ server: "web" }, { server: null }, { sessionId: "s-2" }])
      expect(referenceOf(server(rpc(1, { result: {} }), { claims: { ...claims, ...other } }))).not.toBe(reference);
  });

  test("without a session or an id there is nothing to tell", () => {
    expect(server(rpc(1, { result: {} }), { claims: { ...claims, sessionId: null } })).toMatchObject({ kind: "reply" });
    expect(referenceOf(client(rpc(null, { method: "tools/call", params: { name: "f" } })))).toBeNull();
  });

  test("a call that goes on has no outcome yet", () => {
    expect(server(rpc(1, { result: { resultType: "input_required" } }))).toMatchObject({ kind: "reply", reply: { status: 200 } });
  });

  test("what cannot be remembered passes all the same, and says so", () => {
    const told = server(rpc(1, { result: {} }));
    if (told.kind !== "outcome") throw new Error("no outcome");
    expect(bodyOf(told.reply(null))).toEqual({ status: 200, body: { allow: true } });
    const lost = new RemitError("session_store_unavailable", "away");
    expect(bodyOf(told.reply(lost))).toEqual({ status: 200, body: { allow: true, not_remembered: "session_store_unavailable" } });
  });

  test("what a server asks of the client is decided, under no name of a call", () => {
    const asked = server(rpc(1, { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } }));
    expect(callsOf(asked)).toMatchObject([{ method: "sampling/createMessage", tool: "sampling/createMessage" }]);
    expect(referenceOf(asked)).toBeUndefined();
  });
});

test("a failure is an error of JSON-RPC with the status of the failure", () => {
  const request = client as never;
  expect(bodyOf(mcp.refuse(new RemitError("pep_unauthenticated", "who?"), request))).toMatchObject({
    status: 401,
    body: { jsonrpc: "2.0", id: null, error: { data: { reasons: [{ code: "pep_unauthenticated" }] } } },
  });
});
