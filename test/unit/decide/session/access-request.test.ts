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
import { bindingOf } from "../../../../service/decide/session/binding.ts";
import type { Denial } from "../../../../service/decide/session/binding-token.ts";
import { block, unblock } from "../../../../service/decide/session/block.ts";
import { grantBinding } from "../../../../service/decide/session/grant.ts";
import { openRequestsDoc, sessionDoc } from "../../../../service/decide/session/keys.ts";
import { declareGrant, endSession } from "../../../../service/decide/session/sessions.ts";
import { parseState } from "../../../../service/decide/session/state.ts";
import { uuid7 } from "../../../../service/ids.ts";
import { decisions } from "../../../helpers/decisions.ts";

const tools = { "s/pay": { class: "update", destinations: ["/to"] }, "s/send": { class: "update" } };
const reason = { code: "destination_untrusted", message: "m", remedy: "r", rule: "x", controls: [] };
/** Asks for an approval of every call, as a policy does. */
const policy = (input: PolicyInput) =>
  input.session.approvals.some(({ codes }) => codes.includes(reason.code))
    ? {}
    : { allow: false, reasons: [reason], access_request: { codes: [reason.code], expires_in_s: 900 } };
const sessionKey = { tenant: "t1", subject: "emma", agent: "bot", id: "s-1" };
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
    expect(await openAccessRequests(sessions, "t1", clock.ms)).toMatchObject({
      requests: [{ id: "q-1", status: "pending", arguments: { to: "kim" } }],
      more: false,
    });

    expect(await decideIt("q-1")).toMatchObject({ status: "approved", approver: "chief" });

    const others = [{ to: "eve", note: { b: 1, a: 2 } }, { to: "kim" }, { to: "kim", note: { b: 1, a: 2 }, more: 1 }];
    for (const args of others) expect(await allowed(args)).toBe(false);
    for (const more of [{ session: { id: "s-2" } }, { agent: { id: "other" } }, { subject: { id: "mallory" } }, { arguments_known: false }])
      expect(await allowed({ to: "kim", note: { b: 1, a: 2 } }, more)).toBe(false);
    expect((await accessRequest(sessions, "t1", "q-1", clock.ms)).status).toBe("approved");
    expect([await allowed({ note: { a: 2, b: 1 }, to: "kim" }), await allowed({ to: "kim", note: { b: 1, a: 2 } })]).toEqual([true, false]);
    expect((await accessRequest(sessions, "t1", "q-1", clock.ms)).status).toBe("used");
    expect(await openAccessRequests(sessions, "t1", clock.ms)).toEqual({ requests: [], more: false });
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
    expect(await openAccessRequests(sessions, "t1", clock.ms)).toEqual({ requests: [], more: false });
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
    await request({ to: "kim" });
    await endSession(sessions, { tenant: "t1", subject: "emma", agent: "bot", id: "s-1" }, { reason: "x", life: "y" }, clock.ms);

    await expect(decideIt("q-1")).rejects.toMatchObject({ code: "session_ended" });
  });

  it("cannot come from a subject that asked without an agent", async () => {
    const { request, decideIt } = setUp();
    await request({ to: "kim" }, "q-1", { agent: undefined });

    await expect(decideIt("q-1", true, { ...chief, id: "emma" })).rejects.toMatchObject({
      code: "approval_forbidden",
      message: expect.stringContaining("without an agent"),
    });
    expect((await decideIt("q-1")).status).toBe("approved");
  });

  it("may come from the subject when it was its agent that asked", async () => {
    const { request, decideIt } = setUp();
    await request({ to: "kim" });

    expect((await decideIt("q-1", true, { ...chief, id: "emma" })).status).toBe("approved");
  });

  it.each([
    ["agent", "bot"],
    ["subject", "emma"],
  ] as const)("is not given while the %s is terminated, and a refusal is", async (kind, id) => {
    const { request, decideIt, allowed, sessions, clock } = setUp();
    await request({ to: "kim" });
    await request({ to: "lee" }, "q-2");
    await block(sessions, { tenant: "t1", kind, id }, "astray", clock.ms);

    await expect(decideIt("q-1")).rejects.toMatchObject({ code: "session_ended", message: expect.stringContaining(`${kind}: astray`) });
    expect((await decideIt("q-2", false)).status).toBe("refused");
    await unblock(sessions, { tenant: "t1", kind, id }, clock.ms);
    expect(await allowed({ to: "kim" })).toBe(false);
  });

  it("is not given to a session from before a block that was lifted", async () => {
    const { ask, request, decideIt, sessions, clock } = setUp();
    await declareGrant(sessions, sessionKey, { request: {}, signed: false, approval: null, life: "a" }, clock.ms);
    await request({ to: "kim" });
    const target = { tenant: "t1", kind: "agent", id: "bot" } as const;
    await block(sessions, target, "astray", clock.ms);
    await unblock(sessions, target, clock.ms);

    await expect(decideIt("q-1")).rejects.toMatchObject({ code: "session_ended" });
    expect((await ask("pay", { to: "kim" })).decision.allow).toBe(false);
  });

  it("leaves a session with its grant, and values that outlive it", async () => {
    const { request, decideIt, sessions, clock, changes } = setUp();
    const grant = { task: "pay Kim", expires_in_s: 9000 };
    await declareGrant(sessions, sessionKey, { request: grant, signed: false, approval: null, life: "a" }, clock.ms);
    const endMs = clock.ms + 9_000_000;
    await request({ to: "kim" });
    await decideIt("q-1");

    const session = changes.at(-1)?.docs.find(({ key }) => key === sessionDoc(sessions.mark, sessionKey));
    expect(session?.expiresMs).toBe(endMs);
    expect(parseState(session?.text ?? "").valuesUntilMs).toBeGreaterThanOrEqual(endMs);
  });

  it("keeps the values of a session that only approvals keep alive", async () => {
    const { ask, request, decideIt, sessions, clock } = setUp();
    await declareGrant(
      sessions,
      sessionKey,
      { request: { task: "pay kim@shop.example" }, signed: false, approval: null, life: "a" },
      clock.ms,
    );
    const originOf = async () => (await ask("pay", { to: "kim@shop.example" })).input.values["/to"]?.origin;
    expect(await originOf()).toBe("task");

    for (const id of ["q-1", "q-2", "q-3"]) {
      clock.ms += 3_000_000;
      await request({ to: "kim@shop.example" }, id);
      await decideIt(id);
    }

    expect(await originOf()).toBe("task");
  });
});

describe("access requests", () => {
  const args = { to: "kim" };
  /** Opens one request per id, of denials that differ as said. */
  async function openMany(count: number, who: (i: number) => { subject?: string; session?: string }, ask = setUp()) {
    const { sessions, clock } = ask;
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const { subject = "emma", session = `s-${i}` } = who(i);
      const denial: Denial = {
        ...{
          decisionId: uuid7(clock.ms),
          tenant: "t1",
          pep: "gw",
          subject,
          agent: "bot",
          what: "s/pay",
          binding: bindingOf("s/pay", args),
        },
        ...{ session: sessionDoc(sessions.mark, { tenant: "t1", subject, agent: "bot", id: session }) },
        ...{ codes: [reason.code], expiresMs: clock.ms + 900_000 },
      };
      await openAccessRequest(sessions, { id: denial.decisionId, denial, args, justification: null }, clock.ms);
      ids.push(denial.decisionId);
    }
    return { ...ask, ids };
  }
  /** Counts what is opened until no more is taken. */
  async function untilRefused(who: (i: number) => { subject?: string; session?: string }, ask = setUp()) {
    for (let opened = 0; opened < 1000; opened++) {
      try {
        await openMany(1, () => who(opened), ask);
      } catch (thrown) {
        return { opened, thrown };
      }
    }
    throw new Error("there is no limit");
  }

  it("leave each session and each principal no more than a share", async () => {
    const ask = setUp();
    const session = await untilRefused(() => ({ session: "s-1" }), ask);
    const principal = await untilRefused((i) => ({ session: `t-${i}` }), ask);

    expect(session).toMatchObject({ opened: 16, thrown: { code: "session_limit", message: expect.stringContaining("of this session") } });
    expect(principal).toMatchObject({
      opened: 64 - 16,
      thrown: { code: "session_limit", message: expect.stringContaining("of this agent and subject") },
    });
    // Somebody else still can, and whoever gets an answer can again.
    const { ids } = await openMany(1, () => ({ subject: "liam" }), ask);
    await ask.decideIt(ids[0] ?? "", false);
    const { requests } = await openAccessRequests(ask.sessions, "t1", ask.clock.ms);
    await ask.decideIt(requests[0]?.id ?? "", false);
    await openMany(1, () => ({ session: "s-1" }), ask);
  });

  it("fill the tenant's list before the list fills its document, and room comes back with time", async () => {
    const ask = setUp();
    const { opened, thrown } = await untilRefused((i) => ({ subject: `user-${i}` }), ask);

    expect(opened).toBe(500);
    expect(thrown).toMatchObject({ code: "session_limit", message: expect.stringContaining("of this tenant") });
    const { docs } = await ask.sessions.store.read("t1", { docs: [openRequestsDoc], counters: [], fields: [] }, ask.clock.ms);
    expect(docs[0]?.text?.length).toBeLessThan(60_000);
    ask.clock.ms += 900_000;
    await openMany(1, () => ({}), ask);
  });

  it("are read a hundred at a time, oldest first", async () => {
    const ask = setUp();
    const { ids, sessions, clock, decideIt } = await openMany(101, (i) => ({ subject: `user-${i}` }), ask);
    const first = await openAccessRequests(sessions, "t1", clock.ms);
    expect(first.requests.map(({ id }) => id)).toEqual(ids.slice(0, 100));
    expect(first.more).toBe(true);

    await decideIt(ids[0] ?? "", false);
    const next = await openAccessRequests(sessions, "t1", clock.ms);
    expect(next.requests.map(({ id }) => id)).toEqual(ids.slice(1));
    expect(next.more).toBe(false);
  });

  it.each([true, false])("forget the arguments once they are decided (approved: %s)", async (approved) => {
    const { request, decideIt, sessions, clock, changes } = setUp();
    await request({ to: "kim" });
    const before = changes.length;

    expect((await decideIt("q-1", approved)).arguments).toBeNull();
    expect((await accessRequest(sessions, "t1", "q-1", clock.ms)).arguments).toBeNull();
    expect(JSON.stringify(changes.slice(before))).not.toContain("kim");
  });

  it("are kept for an hour, or until the offer ends", async () => {
    const { request, sessions, clock, bindingTokens, ask } = setUp();
    await request({ to: "kim" });
    const { decision } = await ask("pay", { to: "lee" });
    const denial = bindingTokens.read((decision.allow ? null : decision.offer)?.binding_token ?? "", clock.ms);
    if (denial === null) throw new Error("no approval was offered");
    const long = { ...denial, expiresMs: clock.ms + 7_200_000 };
    await openAccessRequest(sessions, { id: "q-2", denial: long, args: { to: "lee" }, justification: null }, clock.ms);
    const kept = async () => {
      const read = ["q-1", "q-2"].map((id) => accessRequest(sessions, "t1", id, clock.ms));
      return (await Promise.allSettled(read)).map(({ status }) => status === "fulfilled");
    };

    clock.ms += 3_599_999;
    expect(await kept()).toEqual([true, true]);
    clock.ms += 1;
    expect(await kept()).toEqual([false, true]);
    clock.ms += 3_600_000;
    expect(await kept()).toEqual([false, false]);
  });

  it("end at a whole millisecond", async () => {
    const { request, decideIt, bindingTokens, sessions, clock, ask } = setUp();
    const { decision } = await ask("pay", { to: "kim" });
    const denial = bindingTokens.read((decision.allow ? null : decision.offer)?.binding_token ?? "", clock.ms);
    if (denial === null) throw new Error("no approval was offered");
    const fraction = { ...denial, expiresMs: clock.ms + 7_200_000.5 };

    const opened = await openAccessRequest(sessions, { id: "q-1", denial: fraction, args: { to: "kim" }, justification: null }, clock.ms);

    expect(opened.expiresMs).toBe(clock.ms + 7_200_001);
    expect((await decideIt("q-1")).status).toBe("approved");
    await request({ to: "lee" }, "q-2");
  });

  it("are not taken for none when the list cannot be read", async () => {
    const { request, sessions, clock } = setUp();
    for (const text of ["{", "{}", '[{"id":"q"}]']) {
      const { docs } = await sessions.store.read("t1", { docs: [openRequestsDoc], counters: [], fields: [] }, clock.ms);
      const doc = { key: openRequestsDoc, version: docs[0]?.version ?? 0, text, expiresMs: clock.ms + 1000, limited: false };
      await sessions.store.change("t1", { docs: [doc], counters: [], fields: [] }, clock.ms);

      await expect(request({ to: "kim" })).rejects.toMatchObject({ code: "session_store_unavailable" });
      await expect(openAccessRequests(sessions, "t1", clock.ms)).rejects.toMatchObject({ code: "session_store_unavailable" });
    }
  });
});
