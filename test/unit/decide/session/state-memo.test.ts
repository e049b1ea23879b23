import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { StateQuery, StateStore } from "../../../../service/decide/ports.ts";
import { declareGrant, endSession } from "../../../../service/decide/session/sessions.ts";
import {
  addLabels,
  countCall,
  newState,
  noteOutcome,
  parseState,
  pinDefinition,
  type SessionState,
  settleExpired,
  stepCounter,
} from "../../../../service/decide/session/state.ts";
import { lastLife, noteState, stateOf } from "../../../../service/decide/session/state-memo.ts";
import { createMemoryStore } from "../../../../service/sessions/memory.ts";
import { decisions } from "../../../helpers/decisions.ts";

const iban = "GB29NWBK60161331926819";
const tools = {
  "s/read": { class: "read", returns: ["trusted"] },
  "s/pay": { class: "update", destinations: ["/to"], external: true },
  "s/try": { class: "update", on_expiry: "release", outcome_within_s: 60 },
};
const key = { tenant: "t1", subject: "emma", agent: "bot", id: "s-1" };

function setUp() {
  const reads: StateQuery[] = [];
  const inner = createMemoryStore({ docsMax: 100 });
  const store: StateStore = {
    ...inner,
    lostAtMs: null,
    read(tenant, query, nowMs) {
      reads.push(query);
      return inner.read(tenant, query, nowMs);
    },
  };
  const effects = { labels_add: ["seen"], counters: { own: { add: 1.5, max: null }, constructor: { add: 1, max: null } } };
  const asked = decisions({ tools, policy: () => ({ effects }), sessions: { store } });
  const declare = (task: string, life = "a") =>
    declareGrant(asked.sessions, key, { request: { task }, signed: false, approval: null, life }, asked.clock.ms);
  const written = () => asked.changes.flatMap(({ docs }) => docs).filter((doc) => doc.key.startsWith("s:"));
  return { ...asked, reads, declare, written };
}

function textOf(state: Partial<SessionState>): string {
  return JSON.stringify({ ...newState("a", 1000), ...state });
}

describe("stateOf", () => {
  it("gives what the text says, whatever was noted for this place or another", () => {
    const place = fc.record({ tenant: fc.constantFrom("t1", "t2"), doc: fc.constantFrom("s:a", "s:b") });
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(3)), { minLength: 2, maxLength: 30 }), (asks) => {
        for (const [where, calls] of asks) expect(stateOf(where, textOf({ calls }))).toEqual(parseState(textOf({ calls })));
      }),
    );
  });

  it("gives a state of its own to everybody who asks", () => {
    const release = {
      id: "d-1",
      tool: "s/try",
      class: "update",
      untilMs: 5,
      steps: [{ key: "n", scope: "session", add: 2, expiresMs: 9 }],
    } as const;
    const text = textOf({
      ...{ calls: 3, classes: { read: 3 }, tools: { "s/read": 3 }, labels: ["x"], counters: { n: 5 }, pins: { a: "1" } },
      ...{ recent: [["d-1", "s/try", "update", 1, 60, "reserved"]], releases: [release] },
    });
    const place = { tenant: "t1", doc: "s:own" };
    const changing: ((state: SessionState) => unknown)[] = [
      (state) => countCall(state, "s/read", "read", 1),
      (state) => addLabels(state, ["y"]),
      (state) => stepCounter(state, "n", 1, null),
      (state) => pinDefinition(state, "b", "2"),
      (state) => noteOutcome(state, "d-1", "completed"),
      (state) => settleExpired(state, 10),
    ];

    for (const change of [...changing, ...changing]) {
      const mine = stateOf(place, text);
      change(mine);
      expect(mine).not.toEqual(parseState(text));
      expect(stateOf(place, text)).toEqual(parseState(text));
    }
  });

  it("refuses a text that is no session each time", () => {
    const place = { tenant: "t1", doc: "s:bad" };
    for (let i = 0; i < 2; i++) expect(() => stateOf(place, "{}")).toThrow(expect.objectContaining({ code: "session_store_unavailable" }));
  });
});

describe("what is kept in mind of sessions", () => {
  it("is what their text says, after every kind of change", async () => {
    const { ask, report, declare, written, sessions, clock } = setUp();
    const definition_digest = `sha256:${"0".repeat(64)}`;
    const ids: string[] = [];
    const steps = [
      () => declare(`pay ${iban}`),
      async () => ids.push((await ask("try", {}, { tool: { server: "s", name: "try", definition_digest } })).id),
      () => ask("pay", { to: iban }),
      () => report(ids[0] ?? "", { status: "failed", result: "no", labels: ["late"] }),
      () => ask("try"),
      async () => ids.push((await ask("read")).id),
      () => report(ids[1] ?? "", { result: { to: "kim@corp.example" } }),
      () => endSession(sessions, key, { reason: "over", life: "b" }, clock.ms),
    ];

    for (const step of steps) {
      await step();
      const { key: doc, text } = written().at(-1) ?? { key: "", text: null };
      const said: unknown = JSON.parse(text ?? "");
      const parse = vi.spyOn(JSON, "parse");
      expect(stateOf({ tenant: "t1", doc }, text ?? "")).toStrictEqual(said);
      expect(parse).not.toHaveBeenCalled();
      parse.mockRestore();
      clock.ms += 25_000;
    }
    expect(written()).toHaveLength(steps.length);
  });

  it("is bounded", () => {
    const noted = (doc: string, text = textOf({ valuesUntilMs: 1 })) => {
      stateOf({ tenant: "t1", doc }, text);
      return lastLife({ tenant: "t1", doc });
    };
    expect(noted("s:long", textOf({ valuesUntilMs: 1, labels: ["x".repeat(9000)] }))).toBeNull();
    expect(noted("s:first")).toBe("a");
    for (let i = 0; i < 300; i++) noted(`s:${i}`);
    expect([lastLife({ tenant: "t1", doc: "s:first" }), lastLife({ tenant: "t1", doc: "s:299" })]).toEqual([null, "a"]);
  });
});

describe("the values of a session", () => {
  const originOf = async (asking: ReturnType<typeof setUp>) => (await asking.ask("pay", { to: iban })).input.values["/to"]?.origin;

  it("are read with it, at one moment", async () => {
    const asking = setUp();
    await asking.declare(`pay ${iban}`);
    asking.reads.length = 0;

    expect(await originOf(asking)).toBe("task");
    expect(asking.reads).toHaveLength(1);
  });

  it("are found when others have begun another life of it", async () => {
    const asking = setUp();
    await asking.declare(`pay ${iban}`);
    const doc = asking.written().at(-1)?.key ?? "";
    noteState({ tenant: "t1", doc }, "{}", { ...newState("other", 0), valuesUntilMs: 1 });

    expect(await originOf(asking)).toBe("task");
  });

  it("are never those of an earlier life", async () => {
    const asking = setUp();
    await asking.declare(`pay ${iban}`, "early");
    const { key: doc = "", text = null } = asking.written().at(-1) ?? {};
    asking.clock.ms += asking.sessions.idleMs;
    await asking.declare("pay somebody else", "late");
    noteState({ tenant: "t1", doc }, text ?? "", parseState(text ?? ""));

    expect(lastLife({ tenant: "t1", doc })).toBe("early");
    expect(await originOf(asking)).toBe("unknown");
  });
});
