import { createHmac } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import type { PolicyInput } from "../../../service/decide/policy-input-schema.ts";
import type { Query } from "../../../service/decide/query.ts";
import type { Dialect, Question, WireRequest } from "../../../service/dialects/dialect.ts";
import { jsonReply } from "../../../service/dialects/dialect.ts";
import { isAllow, toCall } from "../../../service/dialects/wire-call.ts";
import { RemitError } from "../../../service/errors.ts";
import { createPepAuthenticator } from "../../../service/identity/pep.ts";
import { startApp } from "../../helpers/session-app.ts";

const ask = { method: "tools/call", tool: "pay/send", arguments: { to: "bob" }, argumentsKnown: true, context: {} };
const secret = "0123456789abcdef0123456789abcdef";

/** Shows what it got, asks about one call named by its path, and is told what became of it at `/t/outcome`. */
function testDialect(seen: WireRequest[], more: (request: WireRequest) => Question | null = () => null): Dialect {
  const translate = (request: WireRequest): Question => {
    seen.push(request);
    const own = more(request);
    if (own !== null) return own;
    return {
      kind: "calls",
      calls: [toCall(request, ask)],
      references: ["call-1"],
      reply: ([answer]) => jsonReply(answer !== undefined && isAllow(answer) ? 200 : 403, {}),
    };
  };
  const outcome = (request: WireRequest): Question => ({
    ...{ kind: "outcome", reference: request.query, status: "completed", result: { sent: true } },
    reply: (error: RemitError | null) => jsonReply(error === null ? 200 : error.status, { code: error?.code ?? null }),
  });
  const signed = {
    signed: (head: { readonly path: string; readonly headers: Readonly<Record<string, unknown>> }) => ({
      pepId: head.path.slice("/s/".length),
      signedBytes: (body: Buffer) => Buffer.concat([Buffer.from(`${String(head.headers["x-time"])}.`), body]),
      mac: Buffer.from(String(head.headers["x-mac"]), "hex"),
      signedAtMs: Number(head.headers["x-time"]) * 1000,
    }),
  };
  return {
    name: "native",
    routes: [
      { method: "any", path: "/t/*", summary: "", body: "any", translate },
      { method: "post", path: "/outcome", summary: "", body: "any", results: true, translate: outcome },
      { method: "post", path: "/strict", summary: "", body: "json", translate },
      { method: "post", path: "/s/*", summary: "", body: "any", ...signed, translate },
      { method: "get", path: "/published", summary: "", body: "any", published: true, translate },
    ],
    refuse: (error) => jsonReply(200, { closed: error.code }),
  };
}

let app: Awaited<ReturnType<typeof startApp>>;
afterEach(() => app.close());

async function start(deps: Parameters<typeof startApp>[0] = {}, more?: (request: WireRequest) => Question | null) {
  const seen: WireRequest[] = [];
  app = await startApp({ ...deps, deps: { dialects: [testDialect(seen, more)], ...deps?.deps } });
  const send = async (path: string, init: { method?: string; headers?: Record<string, string>; body?: BodyInit; pep?: string } = {}) => {
    const { method = "POST", headers = {}, body, pep = "gateway" } = init;
    const response = await app.raw(pep, { method, path, headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return { seen, send };
}

describe("a route of a dialect", () => {
  it("takes any method and any path below, and leaves the path as it was sent", async () => {
    const { seen, send } = await start();
    const path = "/t/%2Fetc/a%zz//b?x=%&y";
    for (const method of ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"]) expect((await send(path, { method })).status).toBe(200);
    expect(seen.map(({ method, path, query }) => `${method} ${path} ${query}`)).toContain("PATCH /t/%2Fetc/a%zz//b x=%&y");
    expect((await send("/tea")).status).toBe(404);
  });

  it("has no body, a JSON body, or bytes that are something else", async () => {
    const { seen, send } = await start();
    await send("/t/x", { method: "GET" });
    await send("/t/x", { body: '{"a":1}' });
    await send("/t/x", { body: '{"a":1,"a":2}' });
    expect(seen.map(({ body }) => body)).toMatchObject([
      { kind: "none" },
      { kind: "json", value: { a: 1 } },
      { kind: "other", error: { code: "body_unsafe" } },
    ]);
  });

  it("unpacks gzip, within the bounds of what comes out", async () => {
    const { seen, send } = await start();
    const headers = { "content-encoding": "gzip", "content-type": "application/json" };
    await send("/strict", { headers, body: gzipSync('{"a":1}') });
    expect(seen[0]?.body).toEqual({ kind: "json", value: { a: 1 } });
    expect((await send("/strict", { headers, body: gzipSync(Buffer.alloc(10_000_000, " ")) })).text).toBe('{"closed":"body_too_large"}');
    expect((await send("/strict", { headers, body: "no gzip" })).text).toBe('{"closed":"body_not_json"}');
    expect((await send("/strict", { headers: { ...headers, "content-encoding": "br" }, body: "x" })).text).toBe(
      '{"closed":"content_type_unsupported"}',
    );
  });

  it.each<[string, string, Parameters<Awaited<ReturnType<typeof start>>["send"]>[1]]>([
    ["no credential", "pep_unauthenticated", { pep: "nobody", body: "{}" }],
    ["a dialect that it may not use", "pep_forbidden", { pep: "ops", body: "{}" }],
    ["a body that is not JSON", "body_not_json", { body: "{" }],
    ["a content type that is not JSON", "content_type_unsupported", { body: "{}", headers: { "content-type": "text/plain" } }],
    ["a body that is too large", "body_too_large", { body: JSON.stringify("x".repeat(70_000)) }],
  ])("renders %s in its own closed form", async (_name, code, init) => {
    const { seen, send } = await start();
    const got = await send("/strict", { headers: { "content-type": "application/json" }, ...init });
    expect(got.text).toBe(JSON.stringify({ closed: code }));
    expect(seen).toEqual([]);
  });

  it("renders what its translator throws, overload and a repeated header in its closed form", async () => {
    const { send } = await start({ deps: { inFlightMax: 0 } });
    expect((await send("/t/x")).text).toBe('{"closed":"overloaded"}');
    await app.close();
    const thrower = await start({ deps: { identityHeaders: { subject: "x-user" } } }, () => {
      throw new RemitError("request_invalid", "no");
    });
    expect((await thrower.send("/t/x")).text).toBe('{"closed":"request_invalid"}');
  });

  it("does not answer before there is a bundle", async () => {
    const { seen, send } = await start({ deps: { engine: { current: () => undefined } } });
    expect((await send("/t/x")).text).toBe('{"closed":"not_ready"}');
    expect(seen).toEqual([]);
  });
});

describe("a published route", () => {
  const text = { kind: "reply", reply: jsonReply(200, "hello", { "x-request-id": "own" }) } as const;

  it("answers whoever asks, even under load, and reads nothing", async () => {
    const { seen, send } = await start({ deps: { inFlightMax: 0 } }, () => text);
    const got = await send("/published", { method: "GET", pep: "nobody" });
    expect([got.status, got.text, got.headers.get("x-request-id")]).toEqual([200, '"hello"', "own"]);
    expect(seen[0]?.bytes.length).toBe(0);
  });

  it("never asks", async () => {
    const { send } = await start();
    expect((await send("/published", { method: "GET" })).text).toBe('{"closed":"internal"}');
  });

  it("says nothing before there is a bundle", async () => {
    const { send } = await start({ deps: { engine: { current: () => undefined } } }, () => text);
    expect((await send("/published", { method: "GET" })).text).toBe('{"closed":"not_ready"}');
  });
});

describe("queries", () => {
  it("end where the dialect says so", async () => {
    const asked: unknown[] = [];
    const query: Query = ({ input }) => {
      asked.push(input);
      return { kind: "value", value: input ?? null, decisionId: "d", evalNs: 1 };
    };
    const { send } = await start({ deps: { query } }, () => ({
      kind: "queries",
      queries: [1, 2, 3].map((input) => ({ entrypoint: "x", input, builtinErrors: "deny" })),
      until: (answer) => answer.kind === "value" && answer.value === 2,
      reply: (answers) => jsonReply(200, answers.length),
    }));
    expect([(await send("/t/x")).text, asked]).toEqual(["2", [1, 2]]);
  });
});

describe("who the agent is", () => {
  const headers = { "x-user": "emma", "x-roles": "support, clerk", "x-agent": "bot", "x-session": "s-1", "x-server": "crm" };
  const identityHeaders = { subject: "x-user", roles: "x-roles", agent: "x-agent", session: "x-session", server: "x-server" };

  it("is read from the configured headers and no others", async () => {
    const { seen, send } = await start({ deps: { identityHeaders } });
    await send("/t/x", { headers });
    expect(seen[0]?.claims).toEqual({
      subject: { type: "user", id: "emma", roles: ["support", "clerk"], groups: [], properties: {} },
      agent: { id: "bot", properties: {} },
      ...{ sessionId: "s-1", server: "crm", originIp: null },
    });
    await app.close();
    const none = await start();
    await none.send("/t/x", { headers });
    expect(none.seen[0]?.claims).toEqual({ subject: null, agent: null, sessionId: null, server: null, originIp: null });
  });

  it("is not believed when a configured header is too long", async () => {
    const { send } = await start({ deps: { identityHeaders } });
    expect((await send("/t/x", { headers: { "x-user": "e".repeat(257) } })).text).toBe('{"closed":"request_invalid"}');
  });

  it.each<[string, Record<string, string>, object, string | null]>([
    ["no issuer", { authorization: "Bearer t" }, { agentTokens: false }, null],
    ["a bearer beside an API key", { authorization: "Bearer t" }, { agentTokens: true }, "t"],
    ["a header of its own", { authorization: "Bearer t", "x-remit-token": "u" }, { agentTokens: true }, "u"],
    ["another scheme, which cannot be verified", { authorization: "Basic eDp5" }, { agentTokens: true }, "Basic eDp5"],
    ["none at all", {}, { agentTokens: true, anonymous: true }, null],
  ])("has a token: %s", async (_name, sent, deps, token) => {
    const { seen, send } = await start({ deps });
    await send("/t/x", { headers: sent });
    expect(seen[0]?.token).toBe(token);
  });
});

describe("a signed webhook", () => {
  const peps = createPepAuthenticator({
    mode: "required",
    peps: [
      {
        ...{ id: "toolhive", tenant: "acme", dialects: ["native"], permissions: ["decide"], assertsSubject: true },
        ...{ annotationsTrusted: false, webhookSecrets: ["another secret of thirty-two characters", secret] },
      },
      {
        ...{
          id: "unsigned",
          tenant: "acme",
          dialects: ["native"],
          permissions: ["decide"],
          assertsSubject: true,
          annotationsTrusted: false,
          apiKeysSha256: ["ab".repeat(32)],
        },
      }, // prettier-ignore
    ],
  });
  const deps = {
    authenticateSigned: ({ pepId, mac }: { pepId: string; mac: Buffer }, signed: Buffer) => peps.authenticateSigned(pepId, mac, signed),
    signatureAgeMsMax: 60_000,
  };
  const macOf = (time: number, body: string, key = secret) => createHmac("sha256", key).update(`${time}.${body}`).digest("hex");
  const nowS = Date.UTC(2027, 0, 1) / 1000;

  it.each<[string, { time?: number; body?: string; key?: string; mac?: string; pep?: string }, string]>([
    ["by the PEP's secret", {}, "{}"],
    ["by another secret", { key: "x".repeat(32) }, '{"closed":"pep_unauthenticated"}'],
    ["for another PEP", { pep: "unsigned" }, '{"closed":"pep_unauthenticated"}'],
    ["for nobody", { pep: "" }, '{"closed":"pep_unauthenticated"}'],
    ["by the word that stands for nobody's secret", { pep: "ghost", key: "nobody" }, '{"closed":"pep_unauthenticated"}'],
    ["by a MAC of another length", { mac: "ab" }, '{"closed":"pep_unauthenticated"}'],
    ["by no MAC", { mac: "" }, '{"closed":"pep_unauthenticated"}'],
    ["too long ago", { time: nowS - 61 }, '{"closed":"pep_unauthenticated"}'],
    ["in the future", { time: nowS + 61 }, '{"closed":"pep_unauthenticated"}'],
    ["at no time", { time: Number.NaN }, '{"closed":"pep_unauthenticated"}'],
  ])("signed %s", async (_name, { time = nowS, body = '{"a":1}', key = secret, mac, pep = "toolhive" }, text) => {
    const { send } = await start({ deps });
    const headers = { "x-time": String(time), "x-mac": mac ?? macOf(time, body, key) };
    expect((await send(`/s/${pep}`, { headers, body, pep: "nobody" })).text).toBe(text);
  });

  it("is over the bytes as they were sent", async () => {
    const { send } = await start({ deps });
    const headers = { "x-time": String(nowS), "x-mac": macOf(nowS, '{"a":1}') };
    expect((await send("/s/toolhive", { headers, body: '{"a": 1}' })).text).toBe('{"closed":"pep_unauthenticated"}');
  });
});

describe("an outcome that is told by the PEP's own name of the call", () => {
  const who = { "x-user": "emma", "x-agent": "bot", "x-session": "s-1" };
  const deps = { identityHeaders: { subject: "x-user", agent: "x-agent", session: "x-session" } };

  it("commits the call", async () => {
    const { send } = await start({ deps, tools: { "pay/send": { class: "update" } } });
    await send("/t/x", { headers: who });
    expect(await send("/outcome?call-1")).toMatchObject({ status: 200, text: '{"code":null}' });
    expect(app.events).toMatchObject([{ event: "outcome_reported", result: { status: "completed", tool: "pay/send" } }]);
  });

  it("changes nothing when nobody waits under that name, or it is another PEP's", async () => {
    const { send } = await start({ deps });
    await send("/t/x", { headers: who });
    expect((await send("/outcome?call-2")).status).toBe(200);
    expect((await send("/outcome?call-1", { pep: "everything" })).status).toBe(200);
    expect(app.events).toEqual([]);
  });

  it("is not remembered for a call that was denied", async () => {
    const deny = (_: PolicyInput) => ({ allow: false, reasons: [{ code: "no", message: "", remedy: "", rule: "", controls: [] }] });
    const { send } = await start({ deps, policy: deny });
    expect((await send("/t/x", { headers: who })).status).toBe(403);
    expect((await send("/outcome?call-1")).status).toBe(200);
    expect(app.events).toEqual([]);
  });
});
