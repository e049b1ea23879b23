import { expect, test } from "vitest";
import { obot } from "../../../service/dialects/obot.ts";
import { RemitError } from "../../../service/errors.ts";
import { allowed, asks, bodyOf, broken, callsOf, denied, renders, underObligation } from "./wire.ts";

const call = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "find", arguments: { q: 1 } } };
const ask = (body: object) => asks(obot, "/hooks/obot", body as never);

test("a call is asked about; results, of whichever side, are never taken as such", () => {
  expect(callsOf(ask(call))).toMatchObject([{ tool: "find", arguments: { q: 1 } }]);
  const claims = { subject: null, agent: null, sessionId: "s", server: null, originIp: null };
  expect(asks(obot, "/hooks/obot", { jsonrpc: "2.0", id: 1, result: {} }, { claims })).toMatchObject({
    kind: "reply",
    reply: { status: 200 },
  });
});

test("200 accepts, anything else rejects with the reason", () => {
  expect(renders(ask(call), allowed)).toEqual({ status: 200, body: { allow: true, decision_ids: ["d-1"] } });
  expect(renders(ask(call), denied)).toEqual({
    status: 403,
    body: { allow: false, decision_ids: ["d-1"], reason: "not now (not_now); later" },
  });
  expect(renders(ask(call), underObligation)).toMatchObject({ status: 403, body: { allow: false } });
  expect(renders(ask(call), broken(new RemitError("policy_error", "?")))).toMatchObject({ status: 500, body: { allow: false } });
  expect(renders(ask(call))).toMatchObject({ status: 403, body: { allow: false } });
  const head = { method: "POST", path: "/hooks/obot", query: "", headers: {}, requestId: "r" };
  expect(bodyOf(obot.refuse(new RemitError("pep_unauthenticated", "who?"), head))).toEqual({
    status: 401,
    body: { allow: false, reason: "who?" },
  });
});
