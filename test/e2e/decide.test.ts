import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { allowedCall, cleanUp, deniedCall, post, type RunningService, startService } from "../helpers/service.ts";

let service: RunningService;

beforeAll(async () => {
  service = await startService({ config: { limits: { body_bytes_max: 4096, batch_max: 3, drain_wait_ms: 0 } } });
});
afterAll(async () => {
  await service.stop();
  cleanUp(service);
});

const decide = (body: unknown, headers?: Record<string, string>) => post(`${service.url}/decide`, body, headers);

describe("POST /decide", () => {
  it("allows, with the policy named", async () => {
    const { status, body } = await decide(allowedCall);

    expect(status).toBe(200);
    expect(body).toMatchObject({ allow: true, policy: { bundle: "default", digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) } });
  });

  it("denies with reasons that say what to do", async () => {
    const { status, body } = await decide(deniedCall);

    expect(status).toBe(200);
    expect(body.allow).toBe(false);
    expect(body.reasons).toContainEqual(expect.objectContaining({ code: "role_not_permitted", remedy: expect.stringMatching(/.+/) }));
  });

  it("answers the same under /v1/decide", async () => {
    expect((await post(`${service.url}/v1/decide`, allowedCall)).body.allow).toBe(true);
  });

  it.each([
    ["no content type", ""],
    ["text/plain", "text/plain"],
    ["a form", "application/x-www-form-urlencoded"],
    ["another JSON type", "application/vnd.x+json"],
    ["another charset", "application/json; charset=utf-16"],
  ])("refuses %s with 415", async (_name, type) => {
    const headers: Record<string, string> = { "content-type": type };
    expect(await decide(allowedCall, headers)).toMatchObject({ status: 415, body: { allow: false, code: "content_type_unsupported" } });
  });

  it.each([
    ["a content encoding", { "content-encoding": "gzip" }, 415],
    ["a charset it can read", { "content-type": "application/json; charset=UTF-8" }, 200],
  ])("answers %s with its status", async (_name, headers, status) => {
    expect((await decide(allowedCall, headers)).status).toBe(status);
  });

  it.each([
    ["a duplicate key", '{"tool":{"name":"a"},"tool":{"name":"b"}}', 400, "body_unsafe", "/tool"],
    ["a lone surrogate", '{"tool":{"name":"a"},"arguments":{"x":"\\ud800"}}', 400, "body_unsafe", "/arguments/x"],
    ["an unsafe integer", '{"tool":{"name":"a"},"arguments":{"x":9007199254740993}}', 400, "body_unsafe", "/arguments/x"],
    ["an unknown member", '{"tool":{"name":"a"},"tooll":1}', 400, "request_invalid", "/tooll"],
    ["an empty body", "", 400, "body_not_json", undefined],
    ["null", "null", 400, "request_invalid", "/"],
    ["a list", "[]", 400, "request_invalid", "/"],
    ["a body over the limit", JSON.stringify({ tool: { name: "a" }, context: { x: "y".repeat(5000) } }), 413, "body_too_large", undefined],
  ])("refuses %s and never allows", async (_name, text, status, code, path) => {
    const answer = await decide(text);

    expect(answer).toMatchObject({ status, body: { allow: false, code } });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    if (path !== undefined) expect(answer.body.errors).toContainEqual(expect.objectContaining({ path }));
  });

  it("keeps a plain request id and replaces one that is not", async () => {
    expect((await decide(allowedCall, { "x-request-id": "r-42" })).headers.get("x-request-id")).toBe("r-42");
    expect((await decide(allowedCall, { "x-request-id": "a b" })).headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("records allow, deny and trace under the id of the answer", async () => {
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const allowed = await decide(allowedCall, { traceparent });
    const denied = await decide(deniedCall);
    await expect.poll(() => service.records().map((record) => record.decision_id)).toContain(denied.body.decision_id);

    const byId = new Map(service.records().map((record) => [record.decision_id, record]));
    expect(byId.get(allowed.body.decision_id)).toMatchObject({
      result: { outcome: "allow" },
      trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    expect(byId.get(denied.body.decision_id)).toMatchObject({
      result: { outcome: "deny" },
      call: { tool: "delete_customer", subject: "emma" },
    });
  });

  it("keeps secrets out of records and log", async () => {
    const canary = "canary-7f3a-secret";
    const { body } = await decide({ ...allowedCall, arguments: { q: "x", password: canary }, token: canary });
    await expect.poll(() => service.records().map((record) => record.decision_id)).toContain(body.decision_id);

    expect(JSON.stringify(service.records())).not.toContain(canary);
    expect(service.logs()).not.toContain(canary);
  });

  it("denies and records a token it cannot verify", async () => {
    const { status, body } = await decide({ ...allowedCall, token: "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0." });

    expect(status).toBe(200);
    expect(body.allow).toBe(false);
    expect(JSON.stringify(body.reasons)).toMatch(/"code":"token_/);
  });
});

describe("POST /decide/batch", () => {
  it("answers in order, and a bad item spoils no other", async () => {
    const { status, body } = await post(`${service.url}/decide/batch`, { calls: [allowedCall, { tool: {} }, deniedCall] });

    expect(status).toBe(200);
    expect(body.decisions).toMatchObject([
      { allow: true },
      { allow: false, code: "request_invalid" },
      { allow: false, reasons: expect.any(Array) },
    ]);
  });

  it("refuses more calls than the limit", async () => {
    const { status, body } = await post(`${service.url}/decide/batch`, { calls: [1, 2, 3, 4] });

    expect({ status, body }).toMatchObject({ status: 400, body: { allow: false, errors: [{ path: "/calls" }] } });
  });
});

describe("the rest of the surface", () => {
  it.each([
    ["GET", "/decide", 405],
    ["POST", "/DECIDE", 404],
    ["POST", "/decide/", 404],
    ["GET", "/nowhere", 404],
    ["POST", "/health/live", 405],
  ])("%s %s gives %i as a problem", async (method, path, status) => {
    const response = await fetch(`${service.url}${path}`, { method });

    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ allow: false, status });
  });

  it("serves a valid OpenAPI 3.1 document", async () => {
    const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as Record<string, unknown>;

    expect(document.openapi).toBe("3.1.0");
    expect(await new Validator().validate(document)).toMatchObject({ valid: true });
  });

  it("counts decisions by what came out", async () => {
    await decide(allowedCall);
    const text = await (await fetch(`${service.url}/metrics`)).text();

    expect(text).toMatch(/remit_decisions_total\{[^}]*decision="allow"[^}]*class="query"[^}]*\} \d+/);
    expect(text).toMatch(/remit_decisions_total\{[^}]*decision="deny"/);
  });
});
