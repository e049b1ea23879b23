import { describe, expect, it } from "vitest";
import { createMemorySessions } from "../../../service/sessions/memory.ts";

const key = (id: string, subject: string | null = "emma", agent: string | null = "bot") => ({ tenant: "t", subject, agent, id });

describe("memory sessions", () => {
  it("knows the age and the allowed calls of a session", () => {
    const sessions = createMemorySessions({ sessionsMax: 10, idleS: 60 });

    expect(sessions.view(key("s"), 1000)).toEqual({ id: "s", known: true, ageS: 0, calls: 0 });
    sessions.commit(key("s"), 2000);

    expect(sessions.view(key("s"), 31_000)).toEqual({ id: "s", known: true, ageS: 30, calls: 1 });
  });

  it.each([
    ["another subject", key("s", "eve")],
    ["another agent", key("s", "emma", "other")],
    ["no subject", key("s", null)],
    ["another tenant", { ...key("s"), tenant: "u" }],
  ])("is another session for %s", (_name, other) => {
    const sessions = createMemorySessions({ sessionsMax: 10, idleS: 60 });
    sessions.commit(key("s"), 0);

    expect(sessions.view(other, 50_000)).toMatchObject({ ageS: 0, calls: 0 });
  });

  it("never evicts a living session: a new one stays unknown", () => {
    const sessions = createMemorySessions({ sessionsMax: 2, idleS: 60 });
    sessions.view(key("a"), 0);
    sessions.view(key("b"), 0);

    expect(sessions.view(key("c"), 1000)).toEqual({ id: "c", known: false, ageS: null, calls: 0 });
    expect(sessions.view(key("a"), 30_000).ageS).toBe(30);
  });

  it("makes room by forgetting an idle session", () => {
    const sessions = createMemorySessions({ sessionsMax: 1, idleS: 60 });
    sessions.view(key("a"), 0);

    expect(sessions.view(key("b"), 61_000)).toMatchObject({ known: true, ageS: 0 });
  });

  it("does not get younger when the clock steps back", () => {
    const sessions = createMemorySessions({ sessionsMax: 1, idleS: 60 });
    sessions.view(key("a"), 10_000);

    expect(sessions.view(key("a"), 0).ageS).toBe(0);
  });
});
