import { describe, expect, it } from "vitest";
import type { PolicyInput } from "../../../../service/decide/policy-input-schema.ts";
import type { StateStore } from "../../../../service/decide/ports.ts";
import { declareGrant } from "../../../../service/decide/session/sessions.ts";
import { RemitError } from "../../../../service/errors.ts";
import { createMemoryStore } from "../../../../service/sessions/memory.ts";
import { decisions } from "../../../helpers/decisions.ts";

const tools = {
  "s/read": { class: "read", returns: ["untrusted"] },
  "s/pay": { class: "update", destinations: ["/to"], amounts: ["/amount"], external: true },
  "s/try": { class: "update", on_expiry: "release", outcome_within_s: 60 },
};
const deny = { allow: false, reasons: [{ code: "no", message: "m", remedy: "r", rule: "x", controls: [] }] };
const counting = (name: string, add: number, max: number | null) => ({ effects: { labels_add: [], counters: { [name]: { add, max } } } });
/** A budget as a policy judges it: by what was used before. */
const budget = (name: string, max: number) => (input: PolicyInput) =>
  (input.session.budgets[name]?.used ?? 0) + 1 > max ? deny : counting(name, 1, max);

/** The same store, but each answer comes later, and in the meantime others go on. */
function slow(store: StateStore): StateStore {
  const later = async <T>(value: () => T | Promise<T>): Promise<T> => {
    await new Promise((resolve) => setImmediate(resolve));
    return value();
  };
  return {
    lostAtMs: null,
    read: (...asked) => later(() => store.read(...asked)),
    change: (...asked) => later(() => store.change(...asked)),
    close: () => store.close(),
  };
}

describe("what an allow moves", () => {
  it("shows the history of allowed calls, and of no others", async () => {
    const { ask, clock } = decisions({ tools, policy: (input) => (input.call.tool === "pay" ? deny : {}) });

    const first = await ask("read");
    await ask("pay");
    clock.ms += 5000;
    const last = await ask("read");

    expect(first.input.session).toMatchObject({ id: "s-1", known: false, available: true, age_s: 0, calls: 0, recent: [] });
    expect(last.input.session).toMatchObject({ known: true, age_s: 5, calls: 1, counts: { class: { read: 1 }, tool: { "s/read": 1 } } });
    expect(last.input.session.recent).toEqual([{ tool: "s/read", class: "read", age_s: 5, outcome: "reserved" }]);
  });

  it("takes a question for no call", async () => {
    const { ask, changes } = decisions({ tools });

    await ask("read", {}, { request: { method: "tools/list" } });

    expect(changes).toEqual([]);
  });

  it("keeps labels for as long as the session lives", async () => {
    const { ask } = decisions({ tools, policy: () => ({ effects: { labels_add: ["untrusted"], counters: {} } }) });

    await ask("read");
    for (let i = 0; i < 50; i++) await ask("pay");

    expect((await ask("read")).input.session.labels).toEqual(["untrusted"]);
  });

  it("forgets a session that was idle, and nothing of it comes back", async () => {
    const { ask, clock, sessions } = decisions({ tools, policy: () => ({ effects: { labels_add: ["untrusted"], counters: {} } }) });

    await ask("read");
    clock.ms += sessions.idleMs;

    expect((await ask("read")).input.session).toMatchObject({ known: false, labels: [], age_s: 0 });
  });

  it("shows a session to its own principal only", async () => {
    const { ask } = decisions({ tools, policy: () => ({ effects: { labels_add: ["secret"], counters: {} } }) });
    await ask("read");

    const others = [
      await ask("read", {}, { subject: { id: "mallory" } }),
      await ask("read", {}, { agent: { id: "other" } }),
      await ask("read", {}, { session: { id: "s-2" } }),
      await ask("read", {}, {}, { tenant: "t2" }),
    ];

    for (const { input } of others) expect(input.session).toMatchObject({ known: false, calls: 0, labels: [] });
    expect((await ask("read")).input.session).toMatchObject({ known: true, calls: 1, labels: ["secret"] });
  });

  it.each([
    ["an embedded store", (store: StateStore) => store],
    ["a store that answers later", slow],
  ])("allows exactly one of 64 parallel calls against a budget for one, with %s", async (_, wrap) => {
    const store = wrap(createMemoryStore({ docsMax: 10 }));
    const { ask } = decisions({ tools, policy: budget("once", 1), sessions: { store } });

    const answers = await Promise.all(Array.from({ length: 64 }, () => ask("pay")));

    expect(answers.filter(({ decision }) => decision.allow)).toHaveLength(1);
  });

  it.each(["agent", "tenant"])("allows exactly as many as a budget of the %s has, over all sessions", async (scope) => {
    const config = { budgets: { few: { scope, window_s: 60, max: 5 } } };
    const { ask } = decisions({ tools, config, policy: budget("few", 5), sessions: { store: slow(createMemoryStore({ docsMax: 100 })) } });

    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask("pay", {}, { session: { id: `s-${i}` } })));

    expect(answers.filter(({ decision }) => decision.allow)).toHaveLength(5);
  });

  it("begins a budget anew with its window, counts it for calls without a session, and separates agents", async () => {
    const config = { budgets: { few: { scope: "agent", window_s: 60, max: 1 } } };
    const { ask, clock } = decisions({ tools, config, policy: budget("few", 1) });
    const allowed = async (more = {}) => (await ask("pay", {}, { session: undefined, ...more })).decision.allow;

    expect([await allowed(), await allowed(), await allowed({ agent: { id: "other" } })]).toEqual([true, false, true]);
    clock.ms += 60_000;
    expect([await allowed(), await allowed()]).toEqual([true, false]);
  });

  it("adds money up exactly", async () => {
    const policy = (input: PolicyInput) => {
      const spent = (input.session.budgets.spent?.used ?? 0) + 0.1;
      return spent > 0.3 + 1e-9 ? deny : counting("spent", 0.1, 0.3);
    };
    const { ask } = decisions({ tools, policy });

    const answers = [];
    for (let i = 0; i < 4; i++) answers.push((await ask("pay")).decision.allow);

    expect(answers).toEqual([true, true, true, false]);
  });

  it("gives back what a call took whose outcome never came, if the catalog says so", async () => {
    const config = { budgets: { few: { scope: "tenant", window_s: null, max: 1 } } };
    const policy = (input: PolicyInput) => ({
      effects: { labels_add: ["seen"], counters: { own: { add: 1, max: 1 }, few: { add: 1, max: 1 } } },
      ...((input.session.budgets.own?.used ?? 0) > 0 ? deny : {}),
    });
    const { ask, clock } = decisions({ tools, config, policy });

    expect((await ask("try")).decision.allow).toBe(true);
    clock.ms += 59_999;
    expect((await ask("try")).decision.allow).toBe(false);
    clock.ms += 1;
    const after = await ask("try");

    expect(after.decision.allow).toBe(true);
    expect(after.input.session).toMatchObject({ calls: 0, labels: ["seen"], recent: [{ outcome: "expired" }] });
    expect((await ask("read")).input.session.budgets).toMatchObject({ own: { used: 1 }, few: { used: 1, scope: "tenant" } });
  });

  it("remembers the definition of a tool at its first call", async () => {
    const { ask } = decisions({ tools });
    const digest = (letter: string) => ({ tool: { server: "s", name: "read", definition_digest: `sha256:${letter.repeat(64)}` } });

    const first = await ask("read", {}, digest("a"));
    await ask("read", {}, digest("b"));
    const last = await ask("read");

    expect(first.input.session.pinned_digest).toBeNull();
    expect(last.input.session.pinned_digest).toBe(`sha256:${"a".repeat(64)}`);
  });

  it("never takes a tool that there was no room for to be new or unchanged", async () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`s/t${i}`, { class: "read" }]));
    const { ask } = decisions({ tools: many });
    const digest = (letter: string, name: string) => ({ tool: { server: "s", name, definition_digest: `sha256:${letter.repeat(64)}` } });
    for (let i = 0; i < 70; i++) await ask(`t${i}`, {}, digest("a", `t${i}`));

    const { session } = (await ask("t69", {}, digest("b", "t69"))).input;

    expect(session.counts.tool["s/t69"]).toBe(6);
    expect(session.pinned_digest).toBe("not remembered");
    expect((await ask("t69")).input.session.pinned_digest).toBeNull();
  });

  it("remembers where completed calls of an agent have sent for a subject, over sessions", async () => {
    const { ask, report } = decisions({ tools });
    const iban = "GB29 NWBK 6016 1331 9268 19";
    const usedBefore = async (more = {}) => (await ask("pay", { to: "gb29nwbk60161331926819" }, more)).input.values["/to"]?.used_before;

    await ask("pay", { to: iban });
    await report((await ask("pay", { to: iban })).id, { status: "not_run" });
    expect(await usedBefore()).toBe(false);
    await report((await ask("pay", { to: iban })).id);

    expect([await usedBefore({ session: { id: "s-2" } }), await usedBefore({ agent: { id: "other" } })]).toEqual([true, false]);
  });

  it("takes only a listing of MCP for a question, not whatever ends like one", async () => {
    const { ask } = decisions({ tools });

    for (const method of ["tools/call/list", "x/list", "/list", "list"]) await ask("pay", {}, { request: { method } });

    expect((await ask("read")).input.session.calls).toBe(4);
  });

  it("counts amounts however small", async () => {
    const policy = (input: PolicyInput) =>
      (input.session.budgets.spent?.used ?? 0) + 0.000_000_1 > 0.000_01 ? deny : counting("spent", 0.000_000_1, 0.000_01);
    const { ask } = decisions({ tools, policy });

    const answers = [];
    for (let i = 0; i < 20; i++) answers.push((await ask("pay")).decision.allow);

    expect(answers.filter(Boolean).length).toBeLessThanOrEqual(10);
    expect(answers.at(-1)).toBe(false);
  });

  it("denies, and does not break, when a session has become too large for the store", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `t${i}${"x".repeat(120)}`);
    const large = Object.fromEntries(names.map((name) => [`s/${name}`, { class: "update", on_expiry: "release" }]));
    const policy = () => ({
      effects: { labels_add: [], counters: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`c${i}`, { add: 1, max: null }])) },
    });
    const { ask, report } = decisions({ tools: large, policy });

    const answers = [];
    for (let i = 0; i < 64; i++) answers.push(await ask(names[i % 40] ?? ""));

    const denied = answers.filter(({ decision }) => !decision.allow);
    expect(denied.length).toBeGreaterThan(0);
    expect(denied[0]?.decision).toMatchObject({ reasons: [{ code: "session_limit" }] });
    const first = answers[0];
    expect(await report(first?.id ?? "", { status: "not_run" })).toMatchObject({ fresh: true });
  });
});

describe("when the store is away", () => {
  const down = () => {
    throw new RemitError("session_store_unavailable", "down");
  };
  const broken = (over: Partial<StateStore>): StateStore => ({ ...slow(createMemoryStore({ docsMax: 10 })), ...over });

  it.each([
    ["throws", down],
    ["rejects", async () => down()],
  ])("tells the policy that nothing is known, when reading %s", async (_, read) => {
    const { ask } = decisions({ tools, sessions: { store: broken({ read }) } });

    const { input } = await ask("pay", { to: "x@y.example" });

    expect(input.session).toMatchObject({ id: "s-1", known: false, available: false, age_s: null, calls: 0 });
    expect(input.provenance).toEqual({ "/to": "unknown" });
  });

  it.each([
    ["throws", down],
    ["rejects", async () => down()],
  ])("asks the policy again without memory, when reserving %s", async (_, change) => {
    const policy = (input: PolicyInput) => (input.session.available ? {} : deny);
    const { ask, inputs } = decisions({ tools, policy, sessions: { store: broken({ change }) } });

    const { decision } = await ask("pay");

    expect(decision.allow).toBe(false);
    expect(inputs.map(({ session }) => session.available)).toEqual([true, false]);
  });

  it("never allows what cannot be reserved because others are always in between, or because there is no room", async () => {
    const conflict = decisions({ tools, sessions: { store: broken({ change: () => "conflict" }) } });
    const full = decisions({ tools, sessions: { docsMax: 1 } });
    await full.ask("read");

    expect((await conflict.ask("read")).decision).toMatchObject({ allow: false, reasons: [{ code: "session_conflict" }] });
    expect((await full.ask("read", {}, { session: { id: "s-2" } })).decision).toMatchObject({
      allow: false,
      reasons: [{ code: "session_limit" }],
    });
    expect((await full.ask("read")).decision.allow).toBe(true);
  });

  it("says that a session that was not declared may be an old one, when the store lost what it held", async () => {
    const { ask, clock, sessions } = decisions({ tools, sessions: { store: broken({ lostAtMs: 1_800_000_000_000 }) } });

    const lost = async (id: string) => (await ask("read", {}, { session: { id } })).input.session.lost;
    expect([await lost("s-2"), await lost("s-2")]).toEqual([true, true]);
    const key = { tenant: "t1", subject: "emma", agent: "bot", id: "s-4" };
    await declareGrant(sessions, key, { request: { task: "t" }, signed: false, approval: null, life: "a" }, clock.ms);
    expect(await lost("s-4")).toBe(false);
    clock.ms += sessions.idleMs;
    expect((await ask("read", {}, { session: { id: "s-3" } })).input.session.lost).toBe(false);
  });

  it("takes a session that cannot be read for a store that is away", async () => {
    const read: StateStore["read"] = (_, { docs }) => ({ docs: docs.map(() => ({ version: 1, text: "{" })), counters: [], fields: [] });
    const { ask } = decisions({ tools, sessions: { store: broken({ read }) } });

    expect((await ask("read")).input.session.available).toBe(false);
  });
});
