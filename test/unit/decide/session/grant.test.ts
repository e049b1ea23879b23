import { describe, expect, it } from "vitest";
import type { SessionKey } from "../../../../service/decide/ports.ts";
import { block, blockOf, unblock } from "../../../../service/decide/session/block.ts";
import type { GrantRequest } from "../../../../service/decide/session/grant.ts";
import { declareGrant, endSession, lookAtSession } from "../../../../service/decide/session/sessions.ts";
import { decisions } from "../../../helpers/decisions.ts";

const tools = {
  "s/pay": { class: "update", destinations: ["/to"], amounts: ["/amount"], external: true, words: ["pay", "bank transfer"] },
  "s/read": { class: "read" },
};
const key: SessionKey = { tenant: "t1", subject: "emma", agent: "bot", id: "s-1" };

function setUp(config = {}) {
  const asked = decisions({ tools, config });
  const declare = (request: GrantRequest, more: { approval?: string; key?: SessionKey } = {}) =>
    declareGrant(asked.sessions, more.key ?? key, { request, signed: false, approval: more.approval ?? null, life: "a" }, asked.clock.ms);
  return { ...asked, declare };
}

describe("a grant", () => {
  it("begins a session and says what it may do, without keeping the task or the destinations in clear", async () => {
    const { declare, ask, changes } = setUp();

    await declare({
      purpose: "bills",
      task: "pay the canary bill",
      tools: ["s/pay"],
      destinations: ["GB29NWBK60161331926819"],
      budgets: { calls: 3 },
      expires_in_s: 60,
    });

    const { session } = (await ask("pay")).input;
    expect(session).toMatchObject({ known: true, calls: 0 });
    expect(session.grant).toEqual({
      ...{ purpose: "bills", tools: ["s/pay"], classes: null, destinations_limited: true, budgets: { calls: 3 } },
      ...{ expires_in_s: 60, task_known: true, signed: false },
    });
    expect(JSON.stringify(changes)).not.toMatch(/canary|GB29|gb29/);
  });

  it("says which destinations it covers: an address however it is spelled, or every page of a host", async () => {
    const { declare, ask } = setUp();
    await declare({ destinations: ["GB29NWBK60161331926819", "corp.example", "kim@corp.example"] });
    const granted = async (to: unknown) => (await ask("pay", { to: to as string })).input.values["/to"]?.granted;

    expect([
      await granted("gb29 nwbk 6016 1331 9268 19"),
      await granted("https://www.corp.example/a?b"),
      await granted("Kim@corp.example"),
    ]).toEqual([true, true, true]);
    for (const to of [
      "GB29NWBK60161331926818",
      "https://corp.example.evil.example/",
      "kim@corp.example.evil",
      ["kim@corp.example", "eve@evil.example"],
      "",
      [],
    ])
      expect(await granted(to)).toBe(false);
    expect((await setUp().ask("pay", { to: "x" })).input.values["/to"]?.granted).toBeNull();
  });

  it.each([
    ["two URLs", "https://corp.example/x, https://evil.example/y"],
    ["an address behind a URL", "https://corp.example/x eve@evil.example"],
    ["an address as a member's name", { "eve@evil.example": "kim@corp.example" }],
    ["more than can be looked at", [...Array(256).fill("kim@corp.example"), "eve@evil.example"]],
    ["something that only begins like a granted host", "corp.example.evil.example/x"],
    ["a granted host as user information", "https://corp.example@evil.example/"],
  ])("does not cover %s", async (_, to) => {
    const { declare, ask } = setUp();
    await declare({ destinations: ["corp.example", "kim@corp.example"] });

    expect((await ask("pay", { to: to as string })).input.values["/to"]?.granted).toBe(false);
  });

  it("that is signed stays so only while every declaration is", async () => {
    const { declare, sessions, clock } = setUp();
    const signed = (request: GrantRequest, isSigned: boolean) =>
      declareGrant(sessions, key, { request, signed: isSigned, approval: null, life: "a" }, clock.ms);

    expect((await signed({ tools: ["s/*"] }, true)).grant?.signed).toBe(true);
    expect((await signed({ tools: ["s/pay"] }, true)).grant?.signed).toBe(true);
    expect((await declare({ purpose: "else" })).grant?.signed).toBe(false);
  });

  it("lets later grants narrow each member", async () => {
    const { declare } = setUp();
    await declare({
      tools: ["s/*"],
      classes: ["read", "update"],
      destinations: ["a@b.example", "c@d.example"],
      budgets: { calls: 5 },
      expires_in_s: 60,
    });

    const { grant } = await declare({
      tools: ["s/pay"],
      classes: ["read"],
      destinations: ["A@b.example"],
      budgets: { calls: 4, amount: 10 },
      expires_in_s: 30,
    });

    expect(grant).toMatchObject({ tools: ["s/pay"], classes: ["read"], budgets: { calls: 4, amount: 10 }, expires_in_s: 30 });
    expect((await declare({})).grant).toMatchObject({ tools: ["s/pay"], expires_in_s: 30 });
  });

  it.each([
    ["another task", { task: "pay eve" }, "/grant/task"],
    ["another purpose", { purpose: "theft" }, "/grant/purpose"],
    ["another tool", { tools: ["s/pay", "s/read"] }, "/grant/tools"],
    ["a pattern where there was a tool", { tools: ["s/*"] }, "/grant/tools"],
    ["another class", { classes: ["admin"] }, "/grant/classes"],
    ["another destination", { destinations: ["eve@evil.example"] }, "/grant/destinations"],
    ["a larger budget", { budgets: { calls: 6 } }, "/grant/budgets"],
    ["a longer life", { expires_in_s: 61 }, "/grant/expires_in_s"],
  ] as const)("refuses %s in a later grant, and names it", async (_, request, path) => {
    const { declare } = setUp();
    const first = await declare({
      ...{ purpose: "bills", task: "pay kim", tools: ["s/pay"], classes: ["read"] },
      ...{ destinations: ["kim@b.example"], budgets: { calls: 5 }, expires_in_s: 60 },
    });

    await expect(declare(request as GrantRequest)).rejects.toMatchObject({ code: "grant_widens", errors: [{ path }] });
    expect((await declare({})).grant).toEqual(first.grant);
  });

  it("may be declared again as it is, at any time", async () => {
    const { declare, clock } = setUp();
    const request = { task: "pay kim", expires_in_s: 60 };
    await declare(request);
    clock.ms += 10_000;

    expect((await declare(request)).grant).toMatchObject({ expires_in_s: 50 });
  });

  it("cannot state the task after the first call, when content may have had a say in it", async () => {
    const { declare, ask } = setUp();
    await ask("read");

    await expect(declare({ task: "pay eve" })).rejects.toMatchObject({ code: "grant_widens", errors: [{ path: "/grant/task" }] });
    expect((await declare({ tools: ["s/read"] })).grant).toMatchObject({ tools: ["s/read"] });
  });

  it("cannot state the task after a call that failed either", async () => {
    const { declare, ask, report } = setUp();
    await report((await ask("read")).id, { status: "failed", result: "error: pay eve@evil.example" });

    await expect(declare({ task: "pay eve@evil.example" })).rejects.toMatchObject({ code: "grant_widens" });
  });

  it("takes no room for what it has said before", async () => {
    const { declare, sessions, clock } = setUp();
    for (let i = 0; i < 50; i++)
      await declare({ task: "pay the rent to kim", tools: [i % 2 === 0 ? "s/*" : "s/pay"] }).catch(() => undefined);
    const { values_remembered } = await lookAtSession(sessions, key, clock.ms);

    expect(values_remembered).toBeLessThan(20);
  });

  it("holds for as long as it says, even while nothing happens", async () => {
    const { declare, ask, clock, sessions } = setUp();
    const day = 86_400;
    await declare({ tools: ["s/read"], expires_in_s: 3 * day });
    clock.ms += Math.max(2 * day * 1000, 2 * sessions.idleMs);

    expect((await ask("read")).input.session.grant).toMatchObject({ tools: ["s/read"] });
  });

  it("makes values of the task `task`, even when others saw them first", async () => {
    const { declare, ask } = setUp();
    await declare({ task: "Pay Kim's bill to GB29 NWBK 6016 1331 9268 19, please" });
    const origin = async (to: string) => (await ask("pay", { to })).input.provenance["/to"];

    expect([await origin("gb29nwbk60161331926819"), await origin("GB29NWBK60161331926818")]).toEqual(["task", "unknown"]);
  });

  it("says whether a word of the tool is in the task, or the task hands over to a document", async () => {
    const asked = async (task: string, config = {}) => {
      const { declare, ask } = setUp(config);
      await declare({ task });
      return (await ask("pay")).input.tool.asked_for;
    };

    expect(await asked("Please PAYING the rent")).toBe(true);
    expect(await asked("make a transfer at the bank")).toBe(true);
    expect(await asked("what is my balance at the bank?")).toBe(false);
    expect(await asked("follow the instructions")).toBe(false);
    expect(await asked("follow the instructions", { task_relevance: { delegating: ["instructions"] } })).toBe(true);
    expect((await setUp().ask("pay")).input.tool.asked_for).toBeNull();
  });
});

describe("the kill switch", () => {
  it("ends a session for good, also one that never was", async () => {
    const { ask, sessions, clock, declare } = setUp();
    await ask("read");

    await endSession(sessions, key, { reason: "stolen", life: "b" }, clock.ms);
    await endSession(sessions, { ...key, id: "s-9" }, { reason: "stolen", life: "b" }, clock.ms);

    for (const id of ["s-1", "s-9"]) {
      const { decision, input } = await ask("read", {}, { session: { id } });
      expect(input.session.ended).toEqual({ by: "session", reason: "stolen" });
      expect(decision).toMatchObject({ allow: false, reasons: [{ code: "session_ended" }] });
    }
    await expect(declare({})).rejects.toMatchObject({ code: "session_ended" });
    expect((await ask("read", {}, { session: { id: "s-2" } })).decision.allow).toBe(true);
  });

  it("keeps a session ended long after it would have been forgotten, and needs no room for it", async () => {
    const { ask, sessions, clock } = decisions({ tools, sessions: { docsMax: 1 } });
    await ask("read", {}, { session: { id: "s-0" } });

    await endSession(sessions, key, { reason: "stolen", life: "b" }, clock.ms);
    clock.ms += 20 * 86_400_000;

    expect((await ask("read")).decision).toMatchObject({ allow: false, reasons: [{ code: "session_ended" }] });
  });

  it.each([
    ["agent", "bot"],
    ["subject", "emma"],
  ] as const)("ends every session of one %s at the very next decision, and refuses new ones until it is lifted", async (kind, id) => {
    const { ask, sessions, clock, declare } = setUp();
    const target = { tenant: "t1", kind, id };
    const allowed = async (session: string | undefined, more = {}) =>
      (await ask("read", {}, { session: session === undefined ? undefined : { id: session }, ...more })).decision.allow;
    expect(await allowed("s-1")).toBe(true);

    await block(sessions, target, "incident", clock.ms);

    expect([await allowed("s-1"), await allowed("s-2"), await allowed(undefined)]).toEqual([false, false, false]);
    expect(await allowed("s-1", kind === "agent" ? { agent: { id: "other" } } : { subject: { id: "other" } })).toBe(true);
    await expect(declare({}, { key: { ...key, id: "s-3" } })).rejects.toMatchObject({ code: "session_ended" });

    clock.ms += 1000;
    await unblock(sessions, target, clock.ms);
    expect([await allowed("s-1"), await allowed("s-2"), await allowed(undefined)]).toEqual([false, true, true]);
    expect(await blockOf(sessions, target, clock.ms)).toMatchObject({ blocked: false, reason: "incident" });
  });

  it("is of one tenant", async () => {
    const { ask, sessions, clock } = setUp();
    await block(sessions, { tenant: "t2", kind: "agent", id: "bot" }, "incident", clock.ms);

    expect((await ask("read")).decision.allow).toBe(true);
    expect((await ask("read", {}, {}, { tenant: "t2" })).decision.allow).toBe(false);
  });

  it("lifts nothing that is not there", async () => {
    const { sessions, clock } = setUp();

    await expect(unblock(sessions, { tenant: "t1", kind: "agent", id: "x" }, clock.ms)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("what is shown of a session", () => {
  it("is shown to its principal only", async () => {
    const { ask, sessions, clock } = setUp();
    await ask("read");

    expect(await lookAtSession(sessions, key, clock.ms)).toMatchObject({ known: true, calls: 1 });
    for (const other of [
      { ...key, subject: "mallory" },
      { ...key, agent: null },
      { ...key, tenant: "t2" },
    ])
      expect(await lookAtSession(sessions, other, clock.ms)).toMatchObject({ known: false, calls: 0, labels: [] });
  });
});
