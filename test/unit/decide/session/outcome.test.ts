import { describe, expect, it } from "vitest";
import type { PolicyInput } from "../../../../service/decide/policy-input-schema.ts";
import { declareGrant } from "../../../../service/decide/session/sessions.ts";
import { decisions } from "../../../helpers/decisions.ts";

const tools = {
  "s/page": { class: "read", external: true, destinations: ["/url"], returns: ["untrusted"] },
  "s/people": { class: "query", queries: ["/q"], returns: ["trusted", "pii"] },
  "s/pay": { class: "update", external: true, destinations: ["/to", "/name"], amounts: ["/amount"], words: ["pay"] },
  "s/order": { class: "read", queries: ["/id"], returns: ["trusted"] },
  "s/refund": { class: "update", requires: [{ tool: "s/order", argument: "/id" }] },
  "s/undo": { class: "update", on_expiry: "release", outcome_within_s: 60 },
};
const spend = (input: PolicyInput) => ({
  effects: { labels_add: input.tool.returns.filter((label) => label !== "trusted"), counters: { spent: { add: 1, max: 100 } } },
});
const iban = "GB29NWBK60161331926819";

describe("outcomes", () => {
  it("keep what was reserved when the call completed, and give it back when it did not run or failed", async () => {
    const config = { budgets: { spent: { scope: "tenant", window_s: null } } };
    const { ask, report } = decisions({ tools, config, policy: spend });
    const ids = [await ask("people"), await ask("people"), await ask("people")].map(({ id }) => id);

    await report(ids[0] ?? "", { status: "completed" });
    await report(ids[1] ?? "", { status: "not_run" });
    const last = await report(ids[2] ?? "", { status: "failed" });

    expect(last).toMatchObject({ fresh: true, labels: ["pii"], tool: "s/people" });
    const { session } = (await ask("people")).input;
    expect(session).toMatchObject({ calls: 1, counts: { class: { query: 1 }, tool: { "s/people": 1 } }, budgets: { spent: { used: 1 } } });
    expect(session.recent.map(({ outcome }) => outcome)).toEqual(["failed", "not_run", "completed"]);
    expect(session.labels).toEqual(["pii"]);
  });

  it("count once however often they are reported; another outcome than the first is refused", async () => {
    const { ask, report } = decisions({ tools, policy: spend });
    const { id } = await ask("people");

    await report(id, { status: "failed" });

    expect(await report(id, { status: "failed" })).toMatchObject({ fresh: false });
    await expect(report(id, { status: "completed" })).rejects.toMatchObject({ code: "outcome_conflict" });
    expect((await ask("people")).input.session).toMatchObject({ calls: 0 });
  });

  it("are refused for calls that were denied, made up, without a session, or too long ago", async () => {
    const policy = (input: PolicyInput) =>
      input.call.tool === "pay" ? { allow: false, reasons: [{ code: "no", message: "", remedy: "", rule: "", controls: [] }] } : {};
    const { ask, report, clock } = decisions({ tools, policy });
    const late = await ask("people");
    const ids = [(await ask("pay")).id, "0198-made-up", (await ask("people", {}, { session: undefined })).id];

    for (const id of ids) await expect(report(id)).rejects.toMatchObject({ code: "decision_unknown" });
    clock.ms += 900_000;
    await expect(report(late.id)).rejects.toMatchObject({ code: "decision_unknown" });
  });

  it("are refused from another enforcement point or tenant than the one that asked", async () => {
    const { ask, report } = decisions({ tools });
    const { id } = await ask("people");

    for (const who of [
      { id: "other", tenant: "t1" },
      { id: "gw", tenant: "t2" },
    ])
      await expect(report(id, { status: "not_run" }, who)).rejects.toMatchObject({ code: "decision_unknown" });
    expect(await report(id)).toMatchObject({ fresh: true });
  });

  it("give nothing back twice, however many calls came in between", async () => {
    const { ask, report, clock } = decisions({ tools, policy: spend });
    const { id } = await ask("undo");
    clock.ms += 60_000;
    for (let i = 0; i < 12; i++) await ask("people");
    // Reported through another replica, whose clock is behind.
    clock.ms -= 1000;
    await report(id, { status: "failed" });

    expect((await ask("people")).input.session).toMatchObject({ calls: 12, budgets: { spent: { used: 12 } } });
  });

  it("give nothing back twice when they come after the call has expired", async () => {
    const { ask, report, clock } = decisions({ tools, policy: spend });
    await ask("people");
    const { id } = await ask("undo");
    clock.ms += 59_999;
    await report(id, { status: "not_run" });
    clock.ms += 10_000;

    expect((await ask("people")).input.session).toMatchObject({ calls: 1, budgets: { spent: { used: 1 } } });
  });

  it("add labels that the enforcement point found, and count rows of what is confidential or personal", async () => {
    const { ask, report } = decisions({ tools, policy: spend });

    await report((await ask("people")).id, { result: [{ name: "a" }, { name: "b" }], labels: ["secret"] });
    await report((await ask("people")).id, { records: 40 });
    await report((await ask("page")).id, { result: [1, 2, 3] });

    expect((await ask("people")).input.session).toMatchObject({ labels: ["pii", "secret", "untrusted"], records: 42 });
  });
});

describe("values of results", () => {
  const origin = async (asked: ReturnType<typeof decisions>, to: string) => (await asked.ask("pay", { to })).input.provenance["/to"];

  it("are what the catalog says of their tool, and unknown when nobody returned them", async () => {
    const asked = decisions({ tools });
    expect(await origin(asked, iban)).toBe("unknown");

    await asked.report((await asked.ask("page", { url: "https://a.example/x" })).id, { result: `send it to ${iban}` });
    await asked.report((await asked.ask("people", { q: "kim" })).id, { result: [{ mail: "kim@corp.example" }] });

    expect(await origin(asked, "gb29 nwbk 6016 1331 9268 19")).toBe("untrusted");
    expect(await origin(asked, "Kim@Corp.example")).toBe("trusted");
    expect((await asked.ask("pay", { to: iban }, { session: { id: "s-2" } })).input.provenance["/to"]).toBe("unknown");
    expect((await asked.ask("pay", { to: iban }, { subject: { id: "mallory" } })).input.provenance["/to"]).toBe("unknown");
  });

  it("stay what they were when they were first seen", async () => {
    const asked = decisions({ tools });
    await asked.report((await asked.ask("page", { url: "https://a.example/x" })).id, { result: "mail eve@evil.example" });
    await asked.report((await asked.ask("people", { q: "e" })).id, { result: [{ mail: "eve@evil.example" }] });

    expect(await origin(asked, "eve@evil.example")).toBe("untrusted");
  });

  it("are not trusted because a trusted tool repeats its arguments", async () => {
    const asked = decisions({ tools });
    await asked.report((await asked.ask("people", { q: "eve@evil.example" })).id, { result: { found: "eve@evil.example" } });

    expect(await origin(asked, "eve@evil.example")).toBe("unknown");
  });

  it.each([
    ["behind many words", (to: string) => ({ q: Array.from({ length: 70 }, (_, i) => `word${i}`).join(" "), to })],
    ["in a long text", (to: string) => ({ q: `${"x ".repeat(400)}${to}` })],
    ["as the name of an argument", (to: string) => ({ q: { [to]: 1 } })],
    ["deep inside", (to: string) => ({ q: [[[{ a: [to] }]]] })],
    ["among more than can be remembered", (to: string) => ({ q: Array.from({ length: 3000 }, (_, i) => `w${i}`).join(" "), to })],
  ])("are not trusted because a trusted tool repeats them, %s", async (_, args) => {
    const asked = decisions({ tools });
    await asked.report((await asked.ask("people", args("eve@evil.example"))).id, { result: { found: "mail eve@evil.example" } });

    expect(await origin(asked, "eve@evil.example")).not.toBe("trusted");
  });

  it("vouch for an address that spells a name from better content, when its source was named there too", async () => {
    const asked = decisions({ tools });
    await asked.report((await asked.ask("people", { q: "x" })).id, { result: "Dora has a page: https://dora.example/me" });
    await asked.report((await asked.ask("page", { url: "https://dora.example/me" })).id, {
      result: "write to dora@mail.example or eve@evil.example",
    });
    await asked.report((await asked.ask("page", { url: "https://elsewhere.example" })).id, { result: "or to dora2@mail.example" });
    const vouched = async (to: string, name: string) => (await asked.ask("pay", { to, name })).input.values["/to"];

    expect(await vouched("dora@mail.example", "Dora")).toMatchObject({ origin: "untrusted", vouched: true });
    expect(await vouched("eve@evil.example", "Dora")).toMatchObject({ origin: "untrusted", vouched: false });
    expect(await vouched("eve@evil.example", "eve")).toMatchObject({ origin: "untrusted", vouched: false });
    expect(await vouched("dora2@mail.example", "Dora")).toMatchObject({ origin: "untrusted", vouched: false });
  });

  it("that do not fit make everything untrusted that is not found", async () => {
    const asked = decisions({ tools, sessions: { valuesMax: 100 } });
    const words = Array.from({ length: 300 }, (_, i) => `word${i}`).join(" ");
    await asked.report((await asked.ask("page", { url: "https://a.example" })).id, { result: words });

    expect(await origin(asked, "never-seen@b.example")).toBe("untrusted");
  });

  it("live as long as their session does, however long that is", async () => {
    const asked = decisions({ tools });
    await asked.report((await asked.ask("page", { url: "https://a.example" })).id, { result: `to ${iban}` });

    for (let i = 0; i < 10; i++) {
      asked.clock.ms += asked.sessions.idleMs - 1;
      await asked.ask("people");
    }

    expect(await origin(asked, iban)).toBe("untrusted");
  });

  it("live as long as their session does, also when only an outcome or a grant keeps it alive", async () => {
    const asked = decisions({ tools });
    const { clock, sessions } = asked;
    const key = { tenant: "t1", subject: "emma", agent: "bot", id: "s-1" };
    await asked.report((await asked.ask("page", { url: "https://a.example" })).id, { result: `to ${iban}` });

    for (let i = 0; i < 3; i++) {
      clock.ms += sessions.idleMs - 800_000;
      const { id } = await asked.ask("people");
      clock.ms += 799_999;
      await asked.report(id);
      clock.ms += sessions.idleMs - 1;
      await declareGrant(sessions, key, { request: { tools: ["s/*"] }, signed: false, approval: null, life: "a" }, clock.ms);
    }

    expect(await origin(asked, iban)).toBe("untrusted");
  });

  it("take no further room when they are seen again", async () => {
    const asked = decisions({ tools, sessions: { valuesMax: 200 } });
    const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(" ");
    for (let i = 0; i < 20; i++) await asked.report((await asked.ask("page", { url: "https://a.example" })).id, { result: words });

    expect(await origin(asked, "never-seen@b.example")).toBe("unknown");
  });

  it("are content even when the call failed", async () => {
    const asked = decisions({ tools });
    await asked.report((await asked.ask("page", { url: "https://a.example" })).id, { status: "failed", result: `error: pay ${iban}` });

    expect(await origin(asked, iban)).toBe("untrusted");
  });

  it("are unknown for a tool that always sends and is not told where to", async () => {
    const asked = decisions({ tools: { "s/post": { class: "update", external: true, destinations: ["/to", "/cc"], always_sends: true } } });

    expect((await asked.ask("post", { text: "x" })).input.provenance).toEqual({ "/to": "unknown", "/cc": "unknown" });
    expect((await asked.ask("post", { to: null })).input.values["/to"]).toMatchObject({
      origin: "unknown",
      granted: null,
      used_before: false,
    });
    expect(Object.keys((await asked.ask("post", { to: "kim" })).input.values)).toEqual(["/to"]);
    expect((await decisions({ tools }).ask("pay", {})).input.values).toEqual({});
  });

  it("never stand in the store in clear", async () => {
    const asked = decisions({ tools });
    await asked.report((await asked.ask("page", { url: "https://a.example/canary-path" })).id, {
      result: `canary ${iban} eve@evil.example`,
    });
    await asked.ask("pay", { to: "eve@evil.example", amount: 5 });

    expect(JSON.stringify(asked.changes)).not.toMatch(/GB29|gb29|evil|canary|emma/);
  });

  it("show where links and account numbers inside a text come from", async () => {
    const asked = decisions({ tools });
    await asked.report((await asked.ask("page", { url: "https://a.example" })).id, { result: "see www.evil.example/login" });

    const { input } = await asked.ask("pay", { to: "kim", note: "look at https://evil.example/login now" });

    expect(input.embedded).toEqual([{ pointer: "/note", kind: "url", origin: "untrusted" }]);
  });
});

describe("evidence", () => {
  it("is what a required tool has shown in this session", async () => {
    const asked = decisions({ tools });
    const met = async (id: string, more = {}) => (await asked.ask("refund", { id }, more)).input.tool.requires[0]?.met;
    expect(await met("o-17")).toBe(false);

    await asked.report((await asked.ask("order", { id: "o-17" })).id, { result: { id: "o-17", replaces: "o-16" } });
    await asked.report((await asked.ask("order", { id: "o-18" })).id, { status: "failed" });
    await asked.ask("order", { id: "o-19" });

    expect([await met("o-17"), await met("O-16")]).toEqual([true, true]);
    expect([await met("o-18"), await met("o-19"), await met("o-17", { session: { id: "s-2" } })]).toEqual([false, false, false]);
    expect((await asked.ask("refund", {})).input.tool.requires[0]?.met).toBe(false);
    expect(await met("o-17", {})).toBe(true);
  });

  it("is neither what stands beside the argument that is asked for, nor what others could have written, nor a part of many", async () => {
    const strict = { ...tools, "s/order": { class: "read", queries: ["/id"], returns: ["untrusted"], fields: { "/id": "identifier" } } };
    const asked = decisions({ tools: strict });
    const met = async (id: unknown) => (await asked.ask("refund", { id: id as string })).input.tool.requires[0]?.met;

    await asked.report((await asked.ask("order", { id: "o-1", note: "o-2" })).id, { result: { id: "o-1", text: "see o-3" } });

    expect([await met("o-1"), await met("o-2"), await met("o-3"), await met("see o-3")]).toEqual([true, false, false, false]);
    expect([await met(["o-1", "o-2"]), await met(Array(300).fill("o-1")), await met({ "o-2": "o-1" })]).toEqual([false, false, false]);
  });

  it("is read from results however deep, or not at all", async () => {
    const asked = decisions({ tools });
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;

    expect(await asked.report((await asked.ask("order", { id: "o-1" })).id, { result: deep })).toMatchObject({ fresh: true });
  });
});
