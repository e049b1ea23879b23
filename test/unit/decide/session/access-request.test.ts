import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../service/decide/json.ts";
import type { PolicyInput } from "../../../../service/decide/policy-input-schema.ts";
import {
  type Approver,
  accessRequest,
  decideAccessRequest,
  openAccessRequest,
  openAccessRequests,
} from "../../../../service/decide/session/access-request.ts";
import { grantBinding } from "../../../../service/decide/session/grant.ts";
import { sessionDoc } from "../../../../service/decide/session/keys.ts";
import { declareGrant } from "../../../../service/decide/session/sessions.ts";
import { decisions } from "../../../helpers/decisions.ts";

const tools = { "s/pay": { class: "update", destinations: ["/to"] }, "s/send": { class: "update" } };
const reason = { code: "destination_untrusted", message: "m", remedy: "r", rule: "x", controls: [] };
/** Asks for an approval of every call, as a policy does. */
const policy = (input: PolicyInput) =>
  input.session.approvals.some(({ codes }) => codes.includes(reason.code))
    ? {}
    : { allow: false, reasons: [reason], access_request: { codes: [reason.code], expires_in_s: 900 } };
const chief: Approver = { id: "chief", verified: true, delegate: null, pep: "desk" };

function setUp() {
  const asked = decisions({ tools, policy });
  const { sessions, clock, bindingTokens } = asked;
  /** Asks about a call until it is denied, and asks for its approval. */
  const request = async (args: JsonObject, id = "q-1", more = {}) => {
    const { decision } = await asked.ask("pay", args, more);
    const offer = decision.allow ? null : decision.offer;
    const denial = bindingTokens.read(offer?.binding_token ?? "", clock.ms);
    if (denial === null) throw new Error("no approval was offered");
    return openAccessRequest(sessions, { id, denial, args, justification: "rent" }, clock.ms);
  };
  const decideIt = (id: string, approve = true, approver: Approver = chief) =>
    decideAccessRequest(sessions, "t1", id, { approve, approver, comment: null, life: "z" }, clock.ms);
  const allowed = async (args: JsonObject, more = {}) => (await asked.ask("pay", args, more)).decision.allow;
  return { ...asked, request, decideIt, allowed };
}

describe("an approval", () => {
  it("lets exactly the approved call pass, once", async () => {
    const { request, decideIt, allowed, sessions, clock } = setUp();
    await request({ to: "kim", note: { b: 1, a: 2 } });
    expect(await openAccessRequests(sessions, "t1", clock.ms)).toMatchObject([{ id: "q-1", status: "pending", arguments: { to: "kim" } }]);

    expect(await decideIt("q-1")).toMatchObject({ status: "approved", approver: "chief" });

    const others = [{ to: "eve", note: { b: 1, a: 2 } }, { to: "kim" }, { to: "kim", note: { b: 1, a: 2 }, more: 1 }];
    for (const args of others) expect(await allowed(args)).toBe(false);
    for (const more of [{ session: { id: "s-2" } }, { agent: { id: "other" } }, { subject: { id: "mallory" } }, { arguments_known: false }])
      expect(await allowed({ to: "kim", note: { b: 1, a: 2 } }, more)).toBe(false);
    expect((await accessRequest(sessions, "t1", "q-1", clock.ms)).status).toBe("approved");
    expect([await allowed({ note: { a: 2, b: 1 }, to: "kim" }), await allowed({ to: "kim", note: { b: 1, a: 2 } })]).toEqual([true, false]);
    expect((await accessRequest(sessions, "t1", "q-1", clock.ms)).status).toBe("used");
    expect(await openAccessRequests(sessions, "t1", clock.ms)).toEqual([]);
  });

  it("is used by one of many parallel calls", async () => {
    const { request, decideIt, allowed } = setUp();
    await request({ to: "kim" });
    await decideIt("q-1");

    const answers = await Promise.all(Array.from({ length: 16 }, () => allowed({ to: "kim" })));

    expect(answers.filter(Boolean)).toHaveLength(1);
  });

  it.each([
    ["the requesting agent", { id: "bot" }],
    ["somebody whose token an agent holds", { delegate: "bot" }],
    ["the enforcement point that asked, in the name of a person", { verified: false, pep: "gw" }],
  ] as const)("cannot come from %s", async (_, who) => {
    const { request, decideIt, allowed } = setUp();
    await request({ to: "kim" });

    await expect(decideIt("q-1", true, { ...chief, ...who })).rejects.toMatchObject({ code: "approval_forbidden" });
    expect(await allowed({ to: "kim" })).toBe(false);
  });

  it("expires, as a request and as an approval", async () => {
    const { request, decideIt, allowed, clock, sessions } = setUp();
    await request({ to: "kim" });
    await request({ to: "lee" }, "q-2");
    await decideIt("q-1");
    clock.ms += 900_000;

    expect(await allowed({ to: "kim" })).toBe(false);
    await expect(decideIt("q-2")).rejects.toMatchObject({ code: "approval_conflict" });
    expect(await openAccessRequests(sessions, "t1", clock.ms)).toEqual([]);
  });

  it("is decided once, and a refusal lets nothing pass", async () => {
    const { request, decideIt, allowed } = setUp();
    await request({ to: "kim" });

    expect(await decideIt("q-1", false)).toMatchObject({ status: "refused" });

    await expect(decideIt("q-1")).rejects.toMatchObject({ code: "approval_conflict" });
    await expect(decideIt("q-9")).rejects.toMatchObject({ code: "approval_unknown" });
    expect(await allowed({ to: "kim" })).toBe(false);
  });

  it("is asked for with the arguments that were refused, and with no others", async () => {
    const { ask, bindingTokens, sessions, clock } = setUp();
    const { decision } = await ask("pay", { to: "kim" });
    const token = (decision.allow ? null : decision.offer)?.binding_token ?? "";
    const denial = bindingTokens.read(token, clock.ms);
    if (denial === null) throw new Error("no approval was offered");

    await expect(
      openAccessRequest(sessions, { id: "q", denial, args: { to: "eve" }, justification: null }, clock.ms),
    ).rejects.toMatchObject({
      code: "request_invalid",
      errors: [{ path: "/arguments" }],
    });
    expect(bindingTokens.read(`${token.slice(0, -2)}AA`, clock.ms)).toBeNull();
    expect(
      bindingTokens.read(
        token.replace(/\.[^.]*\./, `.${Buffer.from(JSON.stringify({ ...denial, what: "s/send" })).toString("base64url")}.`),
        clock.ms,
      ),
    ).toBeNull();
    expect(bindingTokens.read(token, clock.ms + 900_000)).toBeNull();
    for (const garbage of ["", "a", "a.b.c", `${token}.x`]) expect(bindingTokens.read(garbage, clock.ms)).toBeNull();
  });

  it("is offered only where there is a session to keep it in, and arguments to bind it to", async () => {
    const { ask } = setUp();
    const offers = [await ask("pay", { to: "kim" }, { session: undefined }), await ask("pay", {}, { arguments_known: false })];

    for (const { decision } of offers) expect(decision).toMatchObject({ allow: false, offer: null });
  });

  it("of a wider grant lets exactly that grant widen, once", async () => {
    const { sessions, clock, decideIt } = setUp();
    const key = { tenant: "t1", subject: "emma", agent: "bot", id: "s-1" };
    const declare = (request: object, approval: string | null = null) =>
      declareGrant(sessions, key, { request, signed: false, approval, life: "a" }, clock.ms);
    await declare({ tools: ["s/pay"] });
    const wider = { tools: ["s/pay", "s/send"] };
    const session = sessionDoc(sessions.mark, key);
    const denial = {
      ...{ decisionId: "d", tenant: "t1", pep: "gw", subject: "emma", agent: "bot", session, what: "@grant" },
      ...{ binding: grantBinding(session, wider), codes: ["grant_widens"], expiresMs: clock.ms + 1000 },
    };
    await openAccessRequest(sessions, { id: "q-1", denial, args: wider, justification: null }, clock.ms);
    await decideIt("q-1");

    await expect(declare({ tools: ["s/other"] }, "q-1")).rejects.toMatchObject({ code: "approval_unknown" });
    expect((await declare(wider, "q-1")).grant?.tools).toEqual(["s/pay", "s/send"]);
    await expect(declare(wider, "q-1")).rejects.toMatchObject({ code: "approval_unknown" });
  });

  it("wakes no session that was ended", async () => {
    const { request, decideIt, sessions, clock } = setUp();
    const { endSession } = await import("../../../../service/decide/session/sessions.ts");
    await request({ to: "kim" });
    await endSession(sessions, { tenant: "t1", subject: "emma", agent: "bot", id: "s-1" }, { reason: "x", life: "y" }, clock.ms);

    await expect(decideIt("q-1")).rejects.toMatchObject({ code: "session_ended" });
  });
});
