import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { createSigningKey, type SigningKey, signToken } from "../helpers/issuer.ts";
import { allowedCall, cleanUp, type RunningService, startService } from "../helpers/service.ts";

const peps = {
  gateway: { key: generateApiKey("gateway"), asserts_subject: true, tenant: "acme", permissions: ["decide", "grant"] },
  desk: { key: generateApiKey("desk"), asserts_subject: true, tenant: "acme", permissions: ["approve"] },
  ops: { key: generateApiKey("ops"), asserts_subject: false, tenant: "acme", permissions: ["operate"] },
  other: { key: generateApiKey("other"), asserts_subject: true, tenant: "other", permissions: ["decide", "grant", "approve", "operate"] },
};
type PepName = keyof typeof peps;
const issuer = "https://grants.example";

/** Two processes of one machine on one store. */
let a: RunningService;
let b: RunningService;
let folder: string;
let grantKey: SigningKey;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "remit-sessions-"));
  grantKey = await createSigningKey("g1");
  const grantIssuer = { issuer, audience: ["remit-grants"], algorithms: ["ES256"], jwks: { keys: [grantKey.jwk] }, typ: ["JWT"] };
  const config = {
    auth: {
      peps: Object.entries(peps).map(([id, { key, ...pep }]) => ({ id, ...pep, api_keys_sha256: [hashApiKey(key)] })),
    },
    sessions: { path: join(folder, "store"), key: "the same secret for both processes", grant_issuers: [grantIssuer] },
    decision_log: { flush_ms: 1 },
  };
  [a, b] = await Promise.all([startService({ config }), startService({ config })]);
}, 60_000);

afterAll(async () => {
  await Promise.all([a.stop(), b.stop()]);
  for (const service of [a, b]) cleanUp(service);
  rmSync(folder, { recursive: true, force: true });
});

async function send(service: RunningService, pep: PepName, method: string, path: string, body?: unknown) {
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { "x-api-key": peps[pep].key, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  return { status: response.status, body: (await response.json()) as any };
}

/** A call that the shipped bundle allows, in a session of this test. */
const call = (id: string, more: object = {}) => ({ ...allowedCall, session: { id }, ...more });
const decide = (service: RunningService, id: string, more: object = {}) => send(service, "gateway", "POST", "/decide", call(id, more));
const sessionPath = (id: string) => `/sessions/${id}?subject=emma&agent=support-bot`;
const who = { subject: { id: "emma" }, agent: { id: "support-bot" } };

describe("outcomes over processes", () => {
  it("are reported to either process, once", async () => {
    const { body: allowed } = await decide(a, "outcomes");
    expect(allowed.allow).toBe(true);
    const report = { decision_id: allowed.decision_id, status: "completed", result: { hits: ["dora@bank.example"] }, labels: ["seen"] };

    const first = await send(b, "gateway", "POST", "/outcomes", report);
    expect(first).toMatchObject({ status: 200, body: { status: "completed", labels: expect.arrayContaining(["seen"]) } });
    expect(await send(a, "gateway", "POST", "/outcomes", report)).toMatchObject({ status: 200, body: { values_recorded: 0 } });
    expect((await send(a, "gateway", "POST", "/outcomes", { ...report, status: "failed" })).body.code).toBe("outcome_conflict");
    expect((await send(a, "other", "POST", "/outcomes", report)).body.code).toBe("decision_unknown");
    expect((await send(a, "gateway", "GET", sessionPath("outcomes"))).body).toMatchObject({
      calls: 1,
      labels: expect.arrayContaining(["seen"]),
    });
  });

  it("give back what a call did not use", async () => {
    const { body: allowed } = await decide(a, "given-back");
    await send(b, "gateway", "POST", "/outcomes", { decision_id: allowed.decision_id, status: "not_run" });

    expect((await send(a, "gateway", "GET", sessionPath("given-back"))).body.calls).toBe(0);
  });
});

describe("grants over processes", () => {
  it("narrow, and widen by an approval of exactly this grant, once", async () => {
    const narrow = { task: "find smith", tools: ["crm/*"] };
    const wide = { tools: ["crm/*", "mail/*"] };
    const put = (service: RunningService, body: object) => send(service, "gateway", "PUT", "/sessions/grants", { ...who, ...body });
    expect((await put(a, { grant: narrow })).body.grant).toMatchObject({ tools: ["crm/*"], task_known: true, signed: false });

    const refused = await put(b, { grant: wide });
    expect(refused).toMatchObject({ status: 409, body: { code: "grant_widens", errors: [{ path: "/grant/tools" }] } });
    const opened = await send(b, "gateway", "POST", "/access-requests", {
      ...{ subject: { type: "user", id: "emma" }, action: { name: "declare" } },
      resource: { type: "grant", id: "grants", properties: { grant: wide } },
      denial: { binding_token: refused.body.access_request.binding_token, expires_at: refused.body.access_request.expires_at },
    });
    const { id } = opened.body.task;
    const verdict = { decision: "approve", approver: { id: "alice" } };
    expect(await send(a, "gateway", "POST", `/access-requests/${id}/decision`, verdict)).toMatchObject({
      status: 403,
      body: { code: "pep_forbidden" },
    });
    expect((await send(a, "desk", "POST", `/access-requests/${id}/decision`, verdict)).body.task.status).toBe("approved");
    expect((await put(a, { grant: wide, approval: id })).body.grant.tools).toEqual(["crm/*", "mail/*"]);
    expect((await put(b, { grant: { tools: ["pay/*"] }, approval: id })).body.code).toBe("approval_unknown");
  });

  it("count when one of the issuers signed them for this subject", async () => {
    const nowS = Math.floor(Date.now() / 1000);
    const sign = (sub: string) =>
      signToken(
        grantKey,
        {
          ...{ iss: issuer, aud: "remit-grants", sub, iat: nowS, exp: nowS + 60 },
          authorization_details: [{ type: "remit_grant", session: "signed", tools: ["crm/*"] }],
        },
        { typ: "JWT" },
      );

    expect(await send(a, "gateway", "PUT", "/sessions/signed", { ...who, grant_jwt: await sign("eve") })).toMatchObject({
      status: 400,
      body: { code: "grant_rejected" },
    });
    expect((await send(a, "gateway", "PUT", "/sessions/signed", { ...who, grant_jwt: await sign("emma") })).body.grant).toMatchObject({
      signed: true,
      tools: ["crm/*"],
    });
  });
});

describe("the kill switch over processes", () => {
  const ended = { allow: false, reasons: expect.arrayContaining([expect.objectContaining({ code: "session_ended" })]) };

  it("ends a session at the very next decision of the other process", async () => {
    expect((await decide(b, "ended")).body.allow).toBe(true);
    expect((await send(a, "gateway", "DELETE", `${sessionPath("ended")}&reason=done`)).body.ended).toEqual({
      by: "session",
      reason: "done",
    });

    expect((await decide(b, "ended")).body).toMatchObject(ended);
  });

  it.each(["agent", "subject"])("ends every session of one %s, and lets new ones begin when it is lifted", async (kind) => {
    const mine = { subject: { ...allowedCall.subject, id: `${kind}-emma` }, agent: { id: `${kind}-bot` } };
    const path = `/terminations/${kind}/${kind === "agent" ? "agent-bot" : "subject-emma"}`;
    expect((await decide(b, "old", mine)).body.allow).toBe(true);

    expect((await send(a, "ops", "PUT", path, { reason: "astray" })).body).toMatchObject({ terminated: true, reason: "astray" });
    expect((await decide(b, "old", mine)).body).toMatchObject(ended);
    expect((await decide(b, "new", mine)).body).toMatchObject(ended);
    expect((await decide(b, "old")).body.allow).toBe(true);

    expect((await send(b, "ops", "DELETE", path)).body.terminated).toBe(false);
    expect((await decide(a, "old", mine)).body).toMatchObject(ended);
    expect((await decide(a, "newer", mine)).body.allow).toBe(true);
  });
});

describe("what is kept of it", () => {
  it("is a record of each event, without what it must not hold, and a count", async () => {
    const grant = { purpose: "audit", task: "write to zelda@secret.example" };
    await send(a, "gateway", "PUT", "/sessions/recorded", { ...who, grant });
    const { body: allowed } = await decide(a, "recorded");
    await send(a, "gateway", "POST", "/outcomes", { decision_id: allowed.decision_id, status: "completed", result: "link@secret.example" });
    await expect
      .poll(() =>
        eventsOf(a)
          .filter(({ event }) => event === "outcome_reported")
          .at(-1),
      )
      .toMatchObject({
        ...{
          type: "remit/session_event",
          event_id: expect.any(String),
          pep: { id: "gateway", tenant: "acme" },
          labels: expect.any(Object),
        },
        result: { decision_id: allowed.decision_id, status: "completed", tool: "crm/search_customers" },
      });

    expect(JSON.stringify(eventsOf(a))).not.toContain("secret.example");
    const metrics = await (await fetch(`${a.url}/metrics`)).text();
    for (const line of ['remit_outcomes_total{status="completed"}', 'remit_session_events_total{event="grant_declared"}'])
      expect(metrics).toMatch(new RegExp(`${line.replaceAll(/[{}]/g, "\\$&")} [1-9]`));
    expect(metrics).toMatch(/remit_session_store_duration_seconds_count\{operation="change"\} [1-9]/);
    expect(metrics).toMatch(/remit_http_requests_total\{path="\/sessions\/\{id\}",method="PUT",code="200"\} [1-9]/);
  });
});

function eventsOf(service: RunningService) {
  return service.records().filter(({ type }) => type === "remit/session_event");
}
