import { describe, expect, it } from "vitest";
import type { Decision } from "../../../service/decide/decision.ts";
import { toToolCall, toWire } from "../../../service/dialects/native.ts";
import { RemitError } from "../../../service/errors.ts";

function paths(body: unknown): string[] {
  try {
    toToolCall(body);
  } catch (error) {
    if (error instanceof RemitError) return error.errors.map(({ path }) => path);
    throw error;
  }
  return [];
}

const bundle = { name: "default", revision: "r1", digest: "sha256:00" };
const none = { obligations: [], requiredScopes: [], acrValues: [], ttlS: 0 };
const reason = { code: "no", message: "m", remedy: "r", rule: "x", controls: [] };

describe("native dialect: request", () => {
  it("takes a tool name alone and fills in what is not known", () => {
    const call = toToolCall({ tool: { name: "search" } });

    expect(call).toMatchObject({
      tool: "search",
      server: null,
      arguments: {},
      argumentsKnown: false,
      subject: null,
      token: null,
      sessionId: null,
    });
  });

  it.each([
    ["an unknown member at the top", { tool: { name: "a" }, toool: 1 }, ["/toool"]],
    ["an unknown member inside", { tool: { name: "a", nmae: "b" }, subject: { id: "x", admin: true } }, ["/tool/nmae", "/subject/admin"]],
    ["no tool", {}, ["/tool"]],
    ["a tool name with a zero-width space", { tool: { name: "shell\u200bexec" } }, ["/tool/name"]],
    ["a tool name in full width letters", { tool: { name: "ｓhell" } }, ["/tool/name"]],
    ["a control character in an identifier", { tool: { name: "a" }, subject: { id: "emma\n" } }, ["/subject/id"]],
    ["an address that is none", { tool: { name: "a" }, request: { origin: { ip: "10.0.0.999" } } }, ["/request/origin/ip"]],
    ["arguments that are a list", { tool: { name: "a" }, arguments: [1] }, ["/arguments"]],
    ["roles that are text", { tool: { name: "a" }, subject: { id: "x", roles: "admin" } }, ["/subject/roles"]],
    ["a list as body", [], ["/"]],
    ["null as body", null, ["/"]],
  ])("refuses %s and names the path", (_name, body, expected) => {
    expect(paths(body)).toEqual(expected);
  });
});

describe("native dialect: answer", () => {
  it("carries the reasons of a deny and no way to reuse it", () => {
    const offer = { expires_at: "2026-01-01T00:00:00.000Z", binding: "sha256:00", binding_token: "a.b.c", codes: ["unsure"] };
    const decision: Decision = { allow: false, reasons: [reason], accessRequest: null, offer, ...none, ttlS: 30 };

    const body = toWire({ kind: "decided", decisionId: "d", timeMs: 0, decision, bundle });

    expect(body).toMatchObject({
      decision_id: "d",
      allow: false,
      reasons: [reason],
      access_request: { endpoint: "/access-requests", ...offer },
    });
    expect(body).not.toHaveProperty("expires_at");
  });

  it("says how long an allow may be reused, only when the policy says so", () => {
    const decision: Decision = { allow: true, reasons: [], effects: { labels_add: [], counters: {} }, ...none };
    const wire = (ttlS: number) => toWire({ kind: "decided", decisionId: "d", timeMs: 1000, decision: { ...decision, ttlS }, bundle });

    expect(wire(30)).toMatchObject({ allow: true, expires_at: "1970-01-01T00:00:31.000Z" });
    expect(wire(0)).not.toHaveProperty("expires_at");
  });

  it("renders an error as a problem that says no and tells nothing of the cause", () => {
    const error = new RemitError("internal", "the secret path /etc/x");

    const body = toWire({ kind: "error", decisionId: "d", timeMs: 0, error });

    expect(body).toMatchObject({ allow: false, code: "internal", instance: "d", status: 500 });
    expect(JSON.stringify(body)).not.toContain("/etc/x");
  });
});
