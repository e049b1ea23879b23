import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../service/decide/canonical.ts";
import type { Json } from "../../../service/decide/json.ts";
import type { VerifiedToken } from "../../../service/decide/ports.ts";
import {
  outcomeToWire,
  parse,
  SessionRequest,
  SessionView,
  sessionToWire,
  Termination,
  TerminationRequest,
  terminationToWire,
  toClaims,
  toOutcome,
  toSignedGrant,
} from "../../../service/dialects/sessions.ts";
import { RemitError } from "../../../service/errors.ts";

const decision_id = "01a20b7b-1e9b-7841-b2cf-57a2227c0656";

/** `code` and the failing paths, or nothing. */
function refusal(run: () => unknown): { code?: string; paths?: string[]; message?: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof RemitError)) throw error;
    return { code: error.code, paths: error.errors.map(({ path }) => path), message: error.message };
  }
  return {};
}

describe("outcomes", () => {
  it("take a status alone", () => {
    expect(toOutcome({ decision_id, status: "not_run" })).toEqual({
      report: { decisionId: decision_id, status: "not_run", result: undefined, labels: [], records: null },
      digest: null,
    });
  });

  it("know null as a result, and a result that is left out as none", () => {
    expect(toOutcome({ decision_id, status: "completed", result: null })).toMatchObject({
      report: { result: null },
      digest: digestOf(null),
    });
  });

  it("name the digest of any result, whoever computed it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const result = JSON.parse(JSON.stringify(value)) as Json;
        const digest = digestOf(result);
        expect(toOutcome({ decision_id, status: "completed", result, result_digest: digest }).digest).toBe(digest);
        expect(toOutcome({ decision_id, status: "completed", result_digest: digest }).digest).toBe(digest);
      }),
    );
  });

  const good = { decision_id, status: "completed" };
  it.each([
    ["an unknown member", { ...good, reslt: 1 }, ["/reslt"]],
    ["no decision", { status: "completed" }, ["/decision_id"]],
    ["a decision that would name another document", { ...good, decision_id: "x:../../y" }, ["/decision_id"]],
    ["a decision in upper case", { ...good, decision_id: decision_id.toUpperCase() }, ["/decision_id"]],
    ["another status", { ...good, status: "done" }, ["/status"]],
    ["a digest that is none", { ...good, result_digest: "sha256:00" }, ["/result_digest"]],
    ["a digest of something else", { ...good, result: 1, result_digest: digestOf(2) }, ["/result_digest"]],
    ["too many labels", { ...good, labels: Array.from({ length: 33 }, (_, i) => `l${i}`) }, ["/labels"]],
    ["a label with a line break", { ...good, labels: ["a\nb"] }, ["/labels/0"]],
    ["a long label", { ...good, labels: ["x".repeat(65)] }, ["/labels/0"]],
    ["fewer than no records", { ...good, records: -1 }, ["/records"]],
    ["half a record", { ...good, records: 0.5 }, ["/records"]],
    ["a list", [], ["/"]],
  ])("refuse %s and name the path", (_name, body, paths) => {
    expect(refusal(() => toOutcome(body as Json))).toMatchObject({ code: "request_invalid", paths });
  });

  it("are answered with what the session holds now", () => {
    const result = {
      decisionId: decision_id,
      status: "completed",
      labels: ["pii"],
      valuesRecorded: 3,
      fresh: true,
      tool: "crm/find",
    } as const;

    expect(outcomeToWire(result)).toEqual({ decision_id, status: "completed", labels: ["pii"], values_recorded: 3 });
  });
});

describe("grants", () => {
  const whole = {
    purpose: "billing",
    task: "Send the invoice to Dora\nand file it",
    tools: ["crm/find", "mail/*"],
    classes: ["read", "update"],
    destinations: ["dora@bank.example", "https://bank.example/a?b"],
    budgets: { transfers: 2.5 },
    expires_in_s: 600,
  };

  it("are taken as they are: what is approved later is exactly this", () => {
    expect(parse(SessionRequest, { grant: whole }).grant).toEqual(whole);
    expect(parse(SessionRequest, { grant: {} }).grant).toEqual({});
  });

  it.each([
    ["neither grant nor token", {}, ["/"]],
    ["both", { grant: {}, grant_jwt: "x" }, ["/"]],
    ["an unknown member", { grant: { tolls: [] } }, ["/grant/tolls"]],
    ["an unknown member of the subject", { grant: {}, subject: { id: "emma", admin: true } }, ["/subject/admin"]],
    ["a task that is too long", { grant: { task: "x".repeat(16_385) } }, ["/grant/task"]],
    ["too many tools", { grant: { tools: Array.from({ length: 257 }, (_, i) => `t${i}`) } }, ["/grant/tools"]],
    ["a star inside a tool", { grant: { tools: ["crm/*/find"] } }, ["/grant/tools/0"]],
    ["every tool", { grant: { tools: ["*"] } }, ["/grant/tools/0"]],
    ["another class", { grant: { classes: ["write"] } }, ["/grant/classes/0"]],
    ["a destination with a line break", { grant: { destinations: ["a\r\nb"] } }, ["/grant/destinations/0"]],
    ["a budget below zero", { grant: { budgets: { transfers: -1 } } }, ["/grant/budgets/transfers"]],
    ["a budget without a limit", { grant: { budgets: { transfers: null } } }, ["/grant/budgets/transfers"]],
    ["a budget whose name is none", { grant: { budgets: { "a b": 1 } } }, ["/grant/budgets/a b"]],
    [
      "too many budgets",
      { grant: { budgets: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`b${i}`, 1])) } },
      ["/grant/budgets"],
    ],
    ["no time at all", { grant: { expires_in_s: 0 } }, ["/grant/expires_in_s"]],
    ["parts of a second", { grant: { expires_in_s: 1.5 } }, ["/grant/expires_in_s"]],
    ["more than a session may hold", { grant: { destinations: Array.from({ length: 40 }, () => "x".repeat(1000)) } }, ["/grant"]],
    ["an approval that is no id", { grant: {}, approval: "r:1" }, ["/approval"]],
  ])("refuse %s and name the path", (_name, body, paths) => {
    expect(refusal(() => parse(SessionRequest, body))).toMatchObject({ code: "request_invalid", paths });
  });

  it("speak for the same identity as a decision", () => {
    expect(toClaims({ subject: { id: "emma" }, agent: { id: "bot" }, token: "t" })).toMatchObject({
      subject: { type: "user", id: "emma" },
      agent: { id: "bot" },
      token: "t",
    });
    expect(toClaims({})).toMatchObject({ subject: null, agent: null, token: null });
  });
});

describe("signed grants", () => {
  const session = { subject: "emma", agent: "bot", id: "s-1" };
  const token = (details: readonly unknown[], more: Partial<VerifiedToken> = {}) =>
    ({ kind: "verified", subject: { id: "emma" }, agent: null, authorizationDetails: details, ...more }) as unknown as VerifiedToken;

  it("give the grant without what binds it", () => {
    const details = { type: "remit_grant", session: "s-1", tools: ["crm/*"], task: "find Dora" };

    expect(toSignedGrant(token([details], { agent: "bot" }), session)).toEqual({ tools: ["crm/*"], task: "find Dora" });
    expect(toSignedGrant(token([{ type: "remit_grant" }]), session)).toEqual({});
  });

  it.each([
    ["no details", token([]), "exactly one object"],
    ["two details", token([{ type: "remit_grant" }, { type: "remit_grant" }]), "exactly one object"],
    ["another type", token([{ type: "payment" }]), "/type"],
    ["an unknown member", token([{ type: "remit_grant", scope: "all" }]), "/scope"],
    ["a member of the wrong type", token([{ type: "remit_grant", tools: "all" }]), "/tools"],
    ["another subject", token([{ type: "remit_grant" }], { subject: { id: "eve" } as VerifiedToken["subject"] }), "another subject"],
    ["another agent", token([{ type: "remit_grant" }], { agent: "eve-bot" }), "another agent"],
    ["another session", token([{ type: "remit_grant", session: "s-2" }]), "another session"],
  ])("refuse %s", (_name, given, message) => {
    expect(refusal(() => toSignedGrant(given, session))).toMatchObject({
      code: "grant_rejected",
      message: expect.stringContaining(message),
    });
  });

  it("refuse a session of nobody", () => {
    expect(refusal(() => toSignedGrant(token([{ type: "remit_grant" }]), { ...session, subject: null })).code).toBe("grant_rejected");
  });
});

describe("answers", () => {
  it("show a session and whom it is bound to, as documented", () => {
    const summary = {
      ...{ id: "s-1", known: true, age_s: 4, calls: 2, labels: ["pii"], records: 1, budgets: { transfers: 0.5 } },
      grant: {
        ...{ purpose: null, tools: ["crm/*"], classes: null, destinations_limited: true, budgets: {}, expires_in_s: 7 },
        ...{ task_known: true, signed: false },
      },
      ...{ ended: { by: "agent", reason: "stop" } as const, values_remembered: 9, values_full: false },
    };
    const wire = sessionToWire(summary, { subject: "emma", agent: null });

    expect(SessionView.parse(wire)).toEqual({ ...summary, subject: "emma", agent: null });
  });

  it("show a termination, one that was lifted, and none, as documented", () => {
    const target = { kind: "agent", id: "bot" } as const;
    const atMs = Date.UTC(2027, 0, 2, 3, 4, 5);
    const made = terminationToWire(target, { atMs, blocked: true, reason: "astray" });

    expect(Termination.parse(made)).toEqual({ ...target, terminated: true, since: "2027-01-02T03:04:05.000Z", reason: "astray" });
    expect(terminationToWire(target, { atMs, blocked: false, reason: "astray" })).toMatchObject({ terminated: false, reason: "astray" });
    expect(Termination.parse(terminationToWire(target, null))).toMatchObject({ terminated: false, since: null, reason: null });
  });

  it("take a reason of one line, or none", () => {
    expect(parse(TerminationRequest, {})).toEqual({});
    expect(refusal(() => parse(TerminationRequest, { reason: "a\u2028b" })).paths).toEqual(["/reason"]);
    expect(refusal(() => parse(TerminationRequest, { why: "x" })).paths).toEqual(["/why"]);
  });
});
