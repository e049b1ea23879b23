import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecisionRecord, SessionEvent } from "../../../service/decide/decision-record.ts";
import { maskPlain, maskRecord } from "../../../service/decision-log/mask.ts";

const jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJlbW1hIn0.c2lnbmF0dXJlLW9mLXRoaXM";
const record = (args: unknown, more: object = {}) =>
  ({ input: { call: { arguments: args }, token: { present: true, ...more } }, result: { reasons: [] } }) as unknown as DecisionRecord;
const noRules = () => [];

describe("default masking", () => {
  it.each([
    ["password", "hunter2"],
    ["api_key", "k-1"],
    ["API-Key", "k-1"],
    ["clientSecret", "hush-hush"],
    ["Authorization", "Basic eA=="],
    ["pin", 1234],
  ])("hides the value of %s", (name, value) => {
    const masked = maskRecord(record({ form: [{ [name]: value }] }), noRules);

    expect(JSON.stringify(masked.input)).not.toContain(String(value));
    expect(masked.masked).toEqual([`/input/call/arguments/form/0/${name}`]);
  });

  it.each([
    ["a JWT", `see ${jwt}`],
    ["a bearer header", "Bearer abcdefgh12345678"],
    ["a private key", "-----BEGIN EC PRIVATE KEY-----\nMHc"],
    ["an AWS key id", "AKIAIOSFODNN7EXAMPLE"],
    ["a GitHub token", "ghp_0123456789abcdefghijABCDEFGHIJ012345"],
    ["a Slack token", "xoxb-0123456789-abcdef"],
  ])("hides %s under any name", (_name, value) => {
    const masked = maskRecord(record({ note: value }), noRules);

    expect(masked.input).toMatchObject({ call: { arguments: { note: "**MASKED**" } } });
  });

  it("hides a token that a reason repeats", () => {
    const given = {
      ...record({}),
      result: { outcome: "deny", allow: false, reasons: [{ message: `bad ${jwt}` }], obligations: [] },
    } as unknown as DecisionRecord;

    expect(JSON.stringify(maskRecord(given, noRules).result)).not.toContain(jwt);
  });

  it("leaves what is not secret alone, and the facts about the token", () => {
    const given = record({ text: "a token of appreciation", tokens: 12, amount: 4 }, { verified: true });

    expect(maskRecord(given, noRules)).toBe(given);
  });

  it("does not change the record it was given", () => {
    const given = record({ password: "hunter2" });

    maskRecord(given, noRules);

    expect(given.input).toMatchObject({ call: { arguments: { password: "hunter2" } } });
  });

  it("hides a canary under a secret name wherever it stands", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 6 }), fc.constantFrom("password", "Secret", "access_token"), (path, name) => {
        const inner: unknown = { [name]: "canary-7f3a" };
        const args = path.reduceRight<unknown>((value, key) => (key.length % 2 === 0 ? [value] : { [`k${key}`]: value }), inner);
        expect(JSON.stringify(maskRecord(record(args), noRules))).not.toContain("canary-7f3a");
      }),
    );
  });
});

describe("what a caller could abuse", () => {
  it("takes time in proportion to the text, however it is made", () => {
    const time = (length: number) => {
      const given = record({ note: "-eyJ".repeat(length / 4), other: "eyJ".repeat(length / 3), third: "bearer ".repeat(length / 7) });
      const started = process.cpuUsage();
      maskRecord(given, noRules);
      return process.cpuUsage(started).user + 1000;
    };
    time(20_000);

    // Sixteen times the text took about two hundred times the time when the search was quadratic.
    expect(time(320_000) / time(20_000)).toBeLessThan(80);
  });

  it("hides a secret wherever the record repeats it", () => {
    const given = {
      ...record({}),
      call: { session: jwt, subject: "x" },
      error: { code: "policy_error", message: `about ${jwt}` },
    } as unknown as DecisionRecord;

    expect(JSON.stringify(maskRecord(given, noRules))).not.toContain(jwt);
  });

  it("keeps nothing of the identity in a record whose masking failed", () => {
    const given = {
      ...record({}),
      call: { session: "s", subject: "emma", agent: "bot", tool: "t" },
      error: { code: "c", message: "emma" },
    };

    expect(maskRecord(given as unknown as DecisionRecord, () => null)).toMatchObject({
      call: { session: null, subject: null, agent: null, tool: "t" },
      error: { code: "c", message: "**MASKED**" },
    });
  });

  it("does not repeat in clear what a policy removed", () => {
    const given = {
      ...record({}),
      input: { subject: { id: "emma" } },
      call: { subject: "emma", agent: null, session: null },
    } as unknown as DecisionRecord;

    expect(JSON.stringify(maskRecord(given, () => [{ op: "remove", path: "/input/subject/id" }]).call)).not.toContain("emma");
  });
});

describe("policy masking", () => {
  it("removes and replaces what the policy names, and skips what is not there", () => {
    const masked = maskRecord(record({ iban: "GB29", name: "emma" }), () => [
      { op: "remove", path: "/input/call/arguments/iban" },
      { op: "upsert", path: "/input/call/arguments/name", value: "x" },
      { op: "remove", path: "/input/nowhere/at/all" },
    ]);

    expect(masked.input).toMatchObject({ call: { arguments: { name: "x" } } });
    expect(JSON.stringify(masked)).not.toContain("GB29");
    expect(masked.erased).toEqual(["/input/call/arguments/iban"]);
    expect(masked.masked).toEqual(["/input/call/arguments/name"]);
  });

  it("removes the input and keeps the record when masking failed", () => {
    const masked = maskRecord(record({ iban: "GB29" }), () => null);

    expect(masked.input).toBeUndefined();
    expect(masked.erased).toEqual(["/input"]);
    expect(masked.result).toBeDefined();
  });

  it("cannot reach the prototype", () => {
    maskRecord(record({}), () => [{ op: "upsert", path: "/input/__proto__/polluted", value: true }]);

    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe("events of sessions", () => {
  const event = {
    type: "remit/session_event",
    event: "session_ended",
    input: { subject: { id: "emma" }, agent: { id: "bot" }, session: { id: "s-1" } },
    result: { reason: "done" },
  } as unknown as SessionEvent;

  it("are left alone when they hold no secret", () => {
    expect(maskPlain(event, noRules, null)).toBe(event);
  });

  it("hide secrets wherever a text holds them", () => {
    const given = { ...event, input: { ...event.input, session: { id: jwt } }, result: { reason: `leaked ${jwt}` } } as SessionEvent;
    const masked = maskPlain(given, noRules, null);

    expect(JSON.stringify(masked)).not.toContain(jwt);
    expect(masked.masked).toEqual(["/input/session/id", "/result/reason"]);
  });

  it("hide what the policy hides in decisions", () => {
    const masked = maskPlain(event, () => [{ op: "remove", path: "/input/subject/id" }], null);

    expect(masked).toMatchObject({ erased: ["/input/subject/id"], input: { subject: {}, agent: { id: "bot" } } });
    expect(JSON.stringify(masked)).not.toContain("emma");
  });

  it("lose their input, and stay, when masking failed", () => {
    const masked = maskPlain(event, () => null, null);

    expect(masked).toMatchObject({ event: "session_ended", erased: ["/input"] });
    expect(masked).not.toHaveProperty("input");
  });
});
