import { afterEach, describe, expect, it } from "vitest";
import type { TokenResult } from "../../../service/decide/ports.ts";
import { RemitError } from "../../../service/errors.ts";
import { startApp } from "../../helpers/session-app.ts";

type App = Awaited<ReturnType<typeof startApp>>;
const apps: App[] = [];

async function start(options: Parameters<typeof startApp>[0] = {}): Promise<App> {
  const app = await startApp(options);
  apps.push(app);
  return app;
}

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

const mine = "/sessions/s-1?subject=emma&agent=bot";
const who = { subject: { id: "emma" }, agent: { id: "bot" } };
const verified = (subject: string, agent: string | null, details: readonly unknown[] = []): TokenResult => ({
  ...{
    kind: "verified",
    issuer: "i",
    subject: { type: "user", id: subject, roles: [], groups: [] },
    agent,
    chain: agent === null ? [] : [agent],
  },
  ...{ audience: [], scopes: [], acr: null, amr: [], authTimeS: null, issuedAtS: 0, expiresAtS: 1, senderConstrained: false },
  ...{ authorizationDetails: details, claims: {}, digest: "sha256:aa" },
});

describe("outcomes", () => {
  const tools = { "pay/find": { class: "read", returns: ["pii", "trusted"] } };

  it("mark the session, once", async () => {
    const app = await start({ tools, policy: () => ({ effects: { labels_add: ["pii"], counters: {} } }) });
    const { body: allowed } = await app.decide("find");
    const report = { decision_id: allowed.decision_id, status: "completed", result: [{ email: "dora@bank.example" }], labels: ["seen"] };

    const first = await app.send("gateway", "POST", "/outcomes", report);
    const again = await app.send("gateway", "POST", "/outcomes", report);

    expect(first).toMatchObject({ status: 200, body: { decision_id: allowed.decision_id, status: "completed", labels: ["pii", "seen"] } });
    expect(first.body.values_recorded).toBeGreaterThan(0);
    expect(again).toMatchObject({ status: 200, body: { ...first.body, values_recorded: 0 } });
    expect(app.events.map(({ event }) => event)).toEqual(["outcome_reported"]);
    expect(app.events[0]).toMatchObject({
      ...{ type: "remit/session_event", pep: { id: "gateway", tenant: "acme" }, timestamp: "2027-01-01T00:00:00.000Z" },
      result: { decision_id: allowed.decision_id, status: "completed", tool: "pay/find", result_digest: expect.stringMatching(/^sha256:/) },
    });
    expect(JSON.stringify(app.events)).not.toContain("dora");
  });

  it("are final", async () => {
    const app = await start({ tools });
    const { decision_id } = (await app.decide("find")).body;
    await app.send("gateway", "POST", "/outcomes", { decision_id, status: "failed" });

    expect(await app.send("gateway", "POST", "/outcomes", { decision_id, status: "completed" })).toMatchObject({
      status: 409,
      body: { code: "outcome_conflict", allow: false },
    });
    expect(app.events).toHaveLength(1);
  });

  it("of another tenant, of a denied call and of nothing are all the same unknown", async () => {
    const app = await start({ policy: ({ call }) => (call.tool === "no" ? denied : {}) });
    const allowed = (await app.decide("find")).body.decision_id;
    const no = (await app.decide("no")).body.decision_id;
    const report = (pep: string, decision_id: string) => app.send(pep, "POST", "/outcomes", { decision_id, status: "completed" });

    for (const answer of [
      await report("other", allowed),
      await report("gateway", no),
      await report("gateway", "01a20b7b-1e9b-7841-b2cf-57a2227c0656"),
    ])
      expect(answer).toMatchObject({ status: 404, body: { code: "decision_unknown" } });
  });

  it("may be larger than other bodies, and no larger than that", async () => {
    const app = await start();
    const { decision_id } = (await app.decide("find")).body;
    const report = (length: number) =>
      app.send("gateway", "POST", "/outcomes", { decision_id, status: "completed", result: "x".repeat(length) });

    expect((await report(199_000)).status).toBe(200);
    expect(await report(201_000)).toMatchObject({ status: 413, body: { code: "body_too_large" } });
  });

  it("change nothing when they cannot be recorded", async () => {
    const app = await start();
    const { decision_id } = (await app.decide("find")).body;
    app.room.full = true;
    expect(await app.send("gateway", "POST", "/outcomes", { decision_id, status: "failed" })).toMatchObject({
      status: 500,
      body: { code: "record_failed" },
    });

    app.room.full = false;
    expect((await app.send("gateway", "POST", "/outcomes", { decision_id, status: "completed" })).status).toBe(200);
  });
});

const denied = { allow: false, reasons: [{ code: "no", message: "m", remedy: "r", rule: "x", controls: [] }] };

describe("grants", () => {
  const grant = { purpose: "rent", task: "pay Dora", tools: ["pay/*"], expires_in_s: 600 };

  it("bind the session that decisions see", async () => {
    const app = await start({ policy: ({ session }) => (session.grant?.purpose === "rent" ? {} : denied) });
    expect((await app.decide("find")).body.allow).toBe(false);

    const put = await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant });

    expect(put).toMatchObject({ status: 200, body: { id: "s-1", subject: "emma", agent: "bot", known: true, calls: 0, ended: null } });
    expect(put.body.grant).toEqual({
      ...{ purpose: "rent", tools: ["pay/*"], classes: null, destinations_limited: false, budgets: {} },
      ...{ expires_in_s: 600, task_known: true, signed: false },
    });
    expect((await app.decide("find")).body.allow).toBe(true);
    expect((await app.send("gateway", "GET", mine)).body).toMatchObject({ known: true, calls: 1 });
  });

  it("are recorded without the task", async () => {
    const app = await start();
    await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant }, { "x-request-id": "r-7" });

    expect(app.events).toMatchObject([
      {
        ...{ event: "grant_declared", req_id: "r-7", input: { subject: { id: "emma" }, agent: { id: "bot" }, session: { id: "s-1" } } },
        result: { signed: false, approval: null, token_digest: null, grant: { purpose: "rent", task_known: true } },
      },
    ]);
    expect(JSON.stringify(app.events)).not.toContain("Dora");
  });

  it("may only narrow, and the refusal says what widens and is recorded", async () => {
    const app = await start();
    await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant });
    const wider = await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant: { tools: ["pay/*", "mail/*"] } });

    expect(wider).toMatchObject({ status: 409, body: { code: "grant_widens", allow: false, errors: [{ path: "/grant/tools" }] } });
    expect(wider.headers.get("content-type")).toBe("application/problem+json");
    expect(wider.body.access_request).toEqual({
      ...{ endpoint: "/access-requests", expires_at: "2027-01-01T01:00:00.000Z", codes: ["grant_widens"] },
      ...{ binding: expect.stringMatching(/^sha256:/), binding_token: expect.any(String) },
    });
    expect(app.events.at(-1)).toMatchObject({
      event: "grant_refused",
      event_id: wider.body.instance,
      result: { widens: ["/grant/tools"] },
    });
    expect((await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant: { tools: ["pay/find"] } })).body.grant.tools).toEqual([
      "pay/find",
    ]);
  });

  it("change nothing when they cannot be recorded", async () => {
    const app = await start();
    app.room.full = true;
    expect((await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant })).body.code).toBe("record_failed");
    expect((await app.send("gateway", "GET", mine)).body.known).toBe(false);
  });

  it("are stopped even when that cannot be recorded in time", async () => {
    const app = await start();
    app.room.full = true;

    expect((await app.send("gateway", "DELETE", mine)).status).toBe(200);
    expect((await app.send("ops", "PUT", "/terminations/agent/bot", {})).status).toBe(200);
    expect(app.events.map(({ event }) => event)).toEqual(["session_ended", "terminated"]);
    expect((await app.send("ops", "DELETE", "/terminations/agent/bot")).body.code).toBe("record_failed");
  });
});

describe("whose session it is", () => {
  const tokens = { good: verified("emma", "bot"), human: verified("emma", null), eve: verified("eve", "bot") };

  it("nobody sees another principal's or tenant's session of the same id", async () => {
    const app = await start();
    await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant: {} });
    const known = async (pep: string, path: string) => (await app.send(pep, "GET", path)).body.known;

    expect(await known("gateway", mine)).toBe(true);
    expect(await known("everything", mine)).toBe(true);
    for (const path of [
      "/sessions/s-1",
      "/sessions/s-1?subject=emma",
      "/sessions/s-1?subject=eve&agent=bot",
      "/sessions/s-2?subject=emma&agent=bot",
    ])
      expect(await known("gateway", path)).toBe(false);
    expect(await known("other", mine)).toBe(false);
  });

  it("a token says it better than the enforcement point, in the body and in the header", async () => {
    const app = await start({ tokens });
    const put = await app.send("gateway", "PUT", "/sessions/s-1", {
      subject: { id: "eve" },
      agent: { id: "eve-bot" },
      token: "good",
      grant: {},
    });

    expect(put.body).toMatchObject({ subject: "emma", agent: "bot" });
    expect((await app.send("gateway", "GET", mine)).body.known).toBe(true);
    expect((await app.send("silent", "GET", "/sessions/s-1", undefined, { "x-remit-token": "good" })).body).toMatchObject({
      known: true,
      subject: "emma",
    });
    expect((await app.send("silent", "GET", mine, undefined, { "x-remit-token": "eve" })).body).toMatchObject({
      known: false,
      subject: "eve",
    });
    // Decisions see the same session.
    expect((await app.decide("find", {}, { token: "good", subject: undefined, agent: undefined })).body.allow).toBe(true);
    expect((await app.send("gateway", "GET", mine)).body.calls).toBe(1);
  });

  it("the agent of a token without one counts only from an enforcement point that may say so", async () => {
    const app = await start({ tokens });
    const look = async (pep: string) =>
      (await app.send(pep, "GET", "/sessions/s-1?agent=bot", undefined, { "x-remit-token": "human" })).body;

    expect(await look("gateway")).toMatchObject({ subject: "emma", agent: "bot" });
    expect(await look("silent")).toMatchObject({ subject: "emma", agent: null });
  });

  it("claims of an enforcement point that may not make them are dropped, as in decisions", async () => {
    const app = await start();
    await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant: {} });

    expect((await app.send("silent", "GET", mine)).body).toMatchObject({ known: false, subject: null, agent: null });
  });

  it("a token that is rejected is a mistake, and never falls back to what is claimed", async () => {
    const app = await start({ tokens });
    const at = (path: string) => ({
      status: 400,
      body: { code: "request_invalid", errors: [{ path, message: expect.stringContaining("token_signature") }] },
    });
    expect(await app.send("gateway", "PUT", "/sessions/s-1", { ...who, token: "bad", grant: {} })).toMatchObject(at("/token"));
    for (const method of ["GET", "DELETE"])
      expect(await app.send("gateway", method, mine, undefined, { "x-remit-token": "bad" })).toMatchObject(at("x-remit-token"));
    expect((await app.send("gateway", "GET", mine)).body.known).toBe(false);
    expect((await app.send("gateway", "GET", mine)).body.ended).toBe(null);
  });
});

describe("signed grants", () => {
  const tokens = {
    good: verified("emma", null, [{ type: "remit_grant", session: "s-1", tools: ["pay/*"] }]),
    eve: verified("eve", null, [{ type: "remit_grant" }]),
  };

  it("are taken from their issuer, and recorded by digest", async () => {
    const app = await start({ tokens });
    const put = await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant_jwt: "good" });

    expect(put.body.grant).toMatchObject({ tools: ["pay/*"], signed: true });
    expect(app.events[0]).toMatchObject({ event: "grant_declared", result: { signed: true, token_digest: "sha256:aa" } });
  });

  it.each([
    ["another subject", { ...who, grant_jwt: "eve" }],
    ["a signature that does not fit", { ...who, grant_jwt: "forged" }],
  ])("are refused for %s", async (_name, body) => {
    const app = await start({ tokens });
    expect(await app.send("gateway", "PUT", "/sessions/s-1", body)).toMatchObject({ status: 400, body: { code: "grant_rejected" } });
    expect((await app.send("gateway", "GET", mine)).body.known).toBe(false);
  });

  it("are the only ones where that is configured", async () => {
    const app = await start({ tokens, deps: { signedGrantsOnly: true } });

    expect(await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant: {} })).toMatchObject({
      status: 400,
      body: { code: "grant_rejected" },
    });
    expect((await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant_jwt: "good" })).status).toBe(200);
  });
});

describe("endings", () => {
  it("stop the session at the very next decision, for good", async () => {
    const app = await start();
    await app.decide("find");
    const ended = await app.send("gateway", "DELETE", `${mine}&reason=all%20done`);

    expect(ended).toMatchObject({ status: 200, body: { ended: { by: "session", reason: "all done" } } });
    expect((await app.decide("find")).body).toMatchObject({ allow: false, reasons: [{ code: "session_ended" }] });
    expect((await app.decide("find", {}, { session: { id: "s-2" } })).body.allow).toBe(true);
    expect(await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant: {} })).toMatchObject({
      status: 409,
      body: { code: "session_ended" },
    });
    expect(app.events).toMatchObject([{ event: "session_ended", result: { reason: "all done" } }]);
  });

  it("stop a session that has not begun", async () => {
    const app = await start();
    await app.send("gateway", "DELETE", mine);
    expect((await app.decide("find")).body.allow).toBe(false);
  });

  it.each(["agent", "subject"])("by %s stop every session, old and new, until lifted, and the old ones for good", async (kind) => {
    const app = await start();
    await app.decide("find");
    const path = `/terminations/${kind}/${kind === "agent" ? "bot" : "emma"}`;
    const other = kind === "agent" ? { agent: { id: "calm" } } : { subject: { id: "finn" } };
    expect((await app.send("ops", "GET", path)).body).toMatchObject({ kind, terminated: false, since: null });

    const made = await app.send("ops", "PUT", path, { reason: "astray" });
    expect(made).toMatchObject({ status: 200, body: { terminated: true, since: "2027-01-01T00:00:00.000Z", reason: "astray" } });
    expect((await app.decide("find")).body).toMatchObject({ allow: false, reasons: [{ code: "session_ended" }] });
    expect((await app.decide("find", {}, { session: { id: "s-2" } })).body.allow).toBe(false);
    expect((await app.decide("find", {}, other)).body.allow).toBe(true);
    expect((await app.decide("find", {}, {}, "other")).body.allow).toBe(true);
    expect((await app.send("gateway", "GET", mine)).body.ended).toEqual({ by: kind, reason: "astray" });

    app.clock.ms += 1000;
    expect((await app.send("ops", "DELETE", path)).body).toMatchObject({ terminated: false, reason: "astray" });
    expect((await app.decide("find")).body.allow).toBe(false);
    expect((await app.decide("find", {}, { session: { id: "s-3" } })).body.allow).toBe(true);
    expect(app.events.map(({ event }) => event)).toEqual(["terminated", "termination_lifted"]);
    expect(app.events[0]?.input).toMatchObject({ [kind]: { id: kind === "agent" ? "bot" : "emma" } });
  });

  it("by nothing else, and are not lifted when there are none", async () => {
    const app = await start();
    expect(await app.send("ops", "PUT", "/terminations/tool/x", {})).toMatchObject({ status: 404, body: { code: "not_found" } });
    expect(await app.send("ops", "DELETE", "/terminations/agent/bot")).toMatchObject({ status: 404, body: { code: "not_found" } });
  });

  it("are never refused because of load", async () => {
    const app = await start({ deps: { inFlightMax: 0 } });
    expect((await app.send("gateway", "GET", mine)).body.code).toBe("overloaded");
    expect((await app.send("gateway", "DELETE", mine)).status).toBe(200);
    expect((await app.send("ops", "PUT", "/terminations/agent/bot", {})).status).toBe(200);
  });
});

describe("what is refused", () => {
  it.each([
    ["?subject=emma&subject=eve", "?subject"],
    ["?subjekt=emma", "?subjekt"],
    ["?subject=emma&__proto__=1", "?__proto__"],
    ["?subject=a+b", "?subject"],
    ["?subject=%ff", "?subject"],
    ["?subject=", "?subject"],
    ["?subject", "?subject"],
    ["?agent=a%0Ab", "?agent"],
    ["?reason=x", "?reason"],
    ["?&", "?"],
  ])("a query %s, and the parameter is named", async (query, path) => {
    const app = await start();
    expect(await app.send("gateway", "GET", `/sessions/s-1${query}`)).toMatchObject({
      status: 400,
      body: { code: "request_invalid", errors: [{ path }] },
    });
  });

  it("reads values as they were encoded", async () => {
    const app = await start();
    expect((await app.send("gateway", "GET", "/sessions/a%2Fb%20c?subject=x%2By%3D1&agent=a%26b=c")).body).toMatchObject({
      ...{ id: "a/b c", subject: "x+y=1", agent: "a&b=c" },
    });
  });

  it.each([
    ["/sessions/%ff", "request_invalid"],
    ["/sessions/a%0Ab", "request_invalid"],
    [`/sessions/${"x".repeat(257)}`, "request_invalid"],
  ])("the path %s", async (path, code) => {
    const app = await start();
    expect(await app.send("gateway", "GET", path)).toMatchObject({ status: 400, body: { code, allow: false } });
  });

  it("a token header that is empty, or sent twice", async () => {
    const app = await start();
    expect((await app.send("gateway", "GET", mine, undefined, { "x-remit-token": "" })).body.errors).toMatchObject([
      { path: "x-remit-token" },
    ]);
  });

  it.each([
    ["POST", "/sessions/s-1", "GET, PUT, DELETE"],
    ["PATCH", "/terminations/agent/x", "GET, PUT, DELETE"],
    ["DELETE", "/access-requests", "POST, GET"],
    ["GET", "/outcomes", "POST"],
    ["GET", "/access-requests/x/decision", "POST"],
  ])("%s %s with 405 and what is allowed", async (method, path, allowed) => {
    const app = await start();
    const answer = await app.send("gateway", method, path);
    expect(answer).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
    expect(answer.headers.get("allow")).toBe(allowed);
  });

  const id = "01a20b7b-1e9b-7841-b2cf-57a2227c0656";
  it.each([
    ["ops", "POST", "/decide"],
    ["desk", "POST", "/outcomes"],
    ["desk", "GET", "/sessions/s-1"],
    ["ops", "PUT", "/sessions/s-1"],
    ["desk", "DELETE", "/sessions/s-1"],
    ["gateway", "GET", "/terminations/agent/x"],
    ["gateway", "PUT", "/terminations/agent/x"],
    ["desk", "DELETE", "/terminations/agent/x"],
    ["desk", "POST", "/access-requests"],
    ["gateway", "GET", "/access-requests"],
    ["ops", "GET", `/access-requests/${id}`],
    ["gateway", "POST", `/access-requests/${id}/decision`],
  ])("%s, which has no permission to %s %s; and whoever is unknown", async (pep, method, path) => {
    const app = await start();
    const body = method === "GET" || method === "DELETE" ? undefined : {};
    expect(await app.send(pep, method, path, body)).toMatchObject({ status: 403, body: { code: "pep_forbidden", allow: false } });
    expect(await app.send("nobody", method, path, body)).toMatchObject({ status: 401, body: { code: "pep_unauthenticated" } });
  });

  it("everything, when the store does not answer, and says so", async () => {
    const down = () => {
      throw new RemitError("session_store_unavailable", "down");
    };
    const app = await start({ sessions: { store: { read: down, change: down, lostAtMs: null, close: async () => undefined } } });
    for (const answer of [
      await app.send("gateway", "GET", mine),
      await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant: {} }),
      await app.send("gateway", "POST", "/outcomes", { decision_id: id, status: "failed" }),
      await app.send("ops", "PUT", "/terminations/agent/bot", {}),
    ])
      expect(answer).toMatchObject({ status: 503, body: { code: "session_store_unavailable", allow: false } });
    expect(app.events).toEqual([]);
  });
});
