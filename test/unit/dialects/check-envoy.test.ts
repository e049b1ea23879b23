import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../service/decide/json.ts";
import { createCheck } from "../../../service/dialects/check/check.ts";
import { readEnvoyResult } from "../../../service/dialects/check/envoy-result.ts";
import type { QueriesQuestion, WireReply, WireRequest } from "../../../service/dialects/dialect.ts";
import { RemitError } from "../../../service/errors.ts";
import { parseBody } from "../../../service/http/wire-request.ts";
import { parseStrictJson } from "../../../service/json/strict-json.ts";

const limits = { bytesMax: 100_000, depthMax: 32, nodesMax: 10_000 };
const dialect = createCheck({ mcpPaths: ["/mcp"], mcpHeaders: false, resourceMetadata: null, obligations: "deny" });

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly originIp?: string;
}

function requestOf({ method = "GET", path = "/check/a", query = "", headers = {}, body = "", originIp }: Sent): WireRequest {
  const bytes = Buffer.from(body);
  return {
    ...{ method, path, query, headers, requestId: "r-1", bytes, token: null, nowMs: Date.UTC(2027, 0, 1) },
    body: parseBody({ headers } as never, bytes, "any", limits),
    claims: { subject: null, agent: null, sessionId: null, server: null, originIp: originIp ?? null },
    policy: { bundle: { name: "b", revision: "1", digest: "" }, entrypoints: new Set(["envoy/authz/allow"]) },
    identityIn: () => {
      throw new Error("not asked");
    },
    parse: (text) => parseStrictJson(text, limits),
  };
}

function ask(sent: Sent): QueriesQuestion {
  const question = dialect.routes[0]?.translate(requestOf(sent));
  if (question?.kind !== "queries") throw new Error("not a query");
  return question;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into inputs of many shapes
const inputOf = (sent: Sent): any => ask(sent).queries[0]?.input;
const json = { "content-type": "application/json" };

describe("the input for a policy of opa-envoy-plugin", () => {
  it("has the shape of the plugin's", () => {
    const headers = {
      ...json,
      host: "api.example",
      "x-forwarded-proto": "https",
      authorization: "Bearer abc",
      "x-api-key": "rk_gw_secret",
    };
    const sent = { method: "POST", path: "/check/people/17", query: "a=1&b=x+y&a=%2F&c", headers, body: '{"n":1}', originIp: "10.0.0.7" };

    expect(ask(sent).queries).toMatchObject([{ entrypoint: "envoy/authz/allow", builtinErrors: "deny" }]);
    expect(inputOf(sent)).toEqual({
      attributes: {
        source: { address: { socketAddress: { address: "10.0.0.7" } } },
        request: {
          time: "2027-01-01T00:00:00.000Z",
          http: {
            ...{ id: "r-1", method: "POST", path: "/people/17?a=1&b=x+y&a=%2F&c", host: "api.example", scheme: "https", size: "7" },
            body: '{"n":1}',
            headers: {
              ...{ ":method": "POST", ":path": "/people/17?a=1&b=x+y&a=%2F&c", ":authority": "api.example", ":scheme": "https" },
              ...{ "content-type": "application/json", "x-forwarded-proto": "https", authorization: "Bearer abc" },
            },
          },
        },
      },
      parsed_path: ["people", "17"],
      parsed_query: { a: ["1", "/"], b: ["x y"], c: [""] },
      parsed_body: { n: 1 },
      truncated_body: false,
      version: { ext_authz: "v3", encoding: "protojson" },
    });
  });

  it.each<[string, Sent, unknown, boolean]>([
    ["no body", { headers: json }, null, false],
    ["JSON", { headers: { "content-type": "application/json; charset=utf-8" }, body: "[1]" }, [1], false],
    ["the beginning of JSON", { headers: { ...json, "x-envoy-auth-partial-body": "true" }, body: '{"a":' }, null, true],
    ["what looks whole, but is not", { headers: { ...json, "x-envoy-auth-partial-body": "true" }, body: "{}" }, null, true],
    [
      "a form",
      { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "a=1&a=2&b=%C3%BC" },
      { a: ["1", "2"], b: ["ü"] },
      false,
    ],
    [
      "the beginning of a form",
      { headers: { "content-type": "application/x-www-form-urlencoded", "x-envoy-auth-partial-body": "true" }, body: "a=1" },
      null,
      true,
    ],
    ["text", { headers: { "content-type": "text/plain" }, body: "{}" }, null, false],
    ["no type", { body: "{}" }, null, false],
  ])("parses %s", (_name, sent, parsed, truncated) => {
    expect(inputOf(sent)).toMatchObject({ parsed_body: parsed, truncated_body: truncated });
  });

  it("holds bytes that are not text as base64", () => {
    expect(inputOf({ body: Buffer.from([255, 0]) }).attributes.request.http).toMatchObject({ rawBody: "/wA=", size: "2" });
  });

  it.each<[string, Sent]>([
    ["a path that Go takes for a host", { path: "/check//evil/admin" }],
    ["a path of broken escapes", { path: "/check/%zz" }],
    ["a path that is not UTF-8", { path: "/check/%ff" }],
    ["a query of broken escapes", { query: "a=%" }],
    ["a query that Go leaves out", { query: "a=1;b=2" }],
    ["JSON that is none", { headers: json, body: "{" }],
    ["ambiguous JSON", { headers: json, body: '{"a":1,"a":2}' }],
    ["a form of broken escapes", { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "a=%" }],
    ["multipart", { headers: { "content-type": "multipart/form-data; boundary=x" }, body: "--x--" }],
  ])("is not made of %s", (_name, sent) => {
    expect(() => ask(sent)).toThrow(RemitError);
  });

  it("has no credential of the enforcement point", () => {
    const { headers } = inputOf({ headers: { authorization: "Bearer rk_gw_s3cret", "x-api-key": "rk_gw_s3cret", "x-remit-token": "t" } })
      .attributes.request.http;
    expect(headers).toEqual({ ":method": "GET", ":path": "/a" });
  });
});

describe("the answer to it", () => {
  const reply = (value: Json): WireReply => ask({}).reply([{ kind: "value", value, decisionId: "d-1", evalNs: 1 }], null);
  const id = { "x-remit-decision-id": "d-1" };

  it("is 200 for true and 403 for false", () => {
    expect(reply(true)).toEqual({ status: 200, headers: id, body: null });
    expect(reply(false)).toMatchObject({ status: 403, headers: id, body: "" });
  });

  it("has the headers that the policy allows with", () => {
    const headers = { "X-User": "emma", "x-many": ["a", "b"] };
    expect(
      reply({
        allowed: true,
        headers,
        response_headers_to_add: [{ "x-c": "1" }],
        request_headers_to_remove: ["X-Secret", "x-b"],
        http_status: 500,
      }),
    ).toEqual({
      status: 200,
      headers: { "x-user": "emma", "x-many": "a, b", "x-c": "1", "x-envoy-auth-headers-to-remove": "x-secret,x-b", ...id },
      body: null,
    });
  });

  it("has the status, headers and body that the policy denies with", () => {
    expect(reply({ allowed: false, headers: [{ "WWW-Authenticate": "Basic" }], body: "who?", http_status: 401 })).toEqual({
      status: 401,
      headers: { "content-type": "text/plain; charset=utf-8", "www-authenticate": "Basic", ...id },
      body: "who?",
    });
  });

  it.each([200, 204, 100, 302, 503])("never is the status %d of a deny, which a proxy may take for something else", (http_status) => {
    expect(reply({ allowed: false, http_status }).status).toBe(403);
  });

  it.each<[string, Json]>([
    ["null", null],
    ["a text", "true"],
    ["a number", 1],
    ["a list", [true]],
    ["an object without allowed", {}],
    ["allowed that is a text", { allowed: "true" }],
    ["a header with a line end", { allowed: true, headers: { "x-a": "b\r\nx-c: d" } }],
    ["a header that no header can be", { allowed: true, headers: { "x-a": "☃" } }],
    ["a header's name with a line end", { allowed: true, headers: { "x-a\r\nb": "c" } }],
    ["a header that is a number", { allowed: true, headers: { "x-a": 1 } }],
    ["a header of the connection", { allowed: true, headers: { Connection: "close" } }],
    ["a length", { allowed: true, headers: { "Content-Length": "0" } }],
    ["another decision id", { allowed: true, headers: { "X-Remit-Decision-Id": "x" } }],
    ["removals in disguise", { allowed: true, headers: { "x-envoy-auth-headers-to-remove": "authorization" } }],
    ["removals that are no names", { allowed: true, request_headers_to_remove: ["a,b"] }],
    ["removals that are no list", { allowed: true, request_headers_to_remove: "a" }],
    ["two cookies", { allowed: true, headers: { "set-cookie": ["a=1", "b=2"] } }],
    ["too many headers", { allowed: true, headers: Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`x-${i}`, "1"])) }],
    ["headers that are too large", { allowed: true, headers: { "x-a": "x".repeat(9000) } }],
    ["changes of the query, which HTTP cannot tell", { allowed: true, query_parameters_to_set: { a: "1" } }],
    ["removals from the query", { allowed: true, query_parameters_to_remove: ["a"] }],
    ["a status that is none", { allowed: false, http_status: 42 }],
    ["a body that is no text", { allowed: false, body: {} }],
  ])("is 403 for %s", (_name, value) => {
    const { status, body } = reply(value);
    expect([status, JSON.parse(body ?? "").code]).toEqual([403, "policy_result_invalid"]);
  });

  it("is never an allow but for a boolean true, whatever the policy says", () => {
    const result = fc.letrec((tie) => ({
      any: fc.oneof(fc.constantFrom<Json>(true, false, null, "true", 1, 0), fc.array(tie("any"), { maxLength: 3 }), tie("object")),
      object: fc.record(
        { allowed: tie("any"), headers: tie("any"), body: tie("any"), http_status: fc.oneof(fc.integer(), tie("any")) },
        { requiredKeys: [] },
      ),
    })).object;
    fc.assert(
      fc.property(result, (value) => {
        const { status } = reply(value as Json);
        if ((value as { allowed?: unknown }).allowed !== true) expect(status).toBeGreaterThanOrEqual(400);
        expect(status === 200 || (status >= 400 && status < 500)).toBe(true);
      }),
    );
  });

  it.each([
    ["policy_error", 403],
    ["policy_timeout", 403],
    ["policy_memory", 403],
    ["record_failed", 500],
    ["internal", 500],
    ["not_ready", 503],
  ] as const)("is %s: %d", (code, status) => {
    const { status: got, body } = ask({}).reply(
      [{ kind: "error", error: new RemitError(code, "secret detail"), decisionId: "d-1", evalNs: 1 }],
      null,
    );
    expect([got, JSON.parse(body ?? "").status, JSON.parse(body ?? "").allow]).toEqual([status, status, false]);
    expect(body).not.toContain("secret detail");
  });

  it("is a no when the policy says nothing", () => {
    expect(ask({}).reply([{ kind: "undefined", decisionId: "d-1", evalNs: 1 }], null).status).toBe(403);
    expect(ask({}).reply([], null).status).toBe(500);
  });
});

describe("readEnvoyResult", () => {
  it("keeps a body within bounds", () => {
    expect(readEnvoyResult({ allowed: false, body: "x".repeat(100_000) }).body).toHaveLength(65_536);
  });
});
