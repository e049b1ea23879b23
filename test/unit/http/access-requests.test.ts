import { afterEach, describe, expect, it } from "vitest";
import type { StateStore, TokenResult } from "../../../service/decide/ports.ts";
import { RemitError } from "../../../service/errors.ts";
import { createMemoryStore } from "../../../service/sessions/memory.ts";
import { type Answer, asksAbout, startApp } from "../../helpers/session-app.ts";

type App = Awaited<ReturnType<typeof startApp>>;
const apps: App[] = [];

const verified = (subject: string, agent: string | null): TokenResult => ({
  ...{
    kind: "verified",
    issuer: "i",
    subject: { type: "user", id: subject, roles: [], groups: [] },
    agent,
    chain: agent === null ? [] : [agent],
  },
  ...{ audience: [], scopes: [], acr: null, amr: [], authTimeS: null, issuedAtS: 0, expiresAtS: 1, senderConstrained: false },
  ...{ authorizationDetails: [], claims: {}, digest: "sha256:aa" },
});

/** Sending money needs an approval. */
async function start(options: Parameters<typeof startApp>[0] = {}): Promise<App> {
  const tokens = { alice: verified("alice", null), held: verified("alice", "bot"), ofBot: verified("bot", null) };
  const app = await startApp({ policy: asksAbout("send"), tokens, ...options });
  apps.push(app);
  return app;
}

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

const args = { to: "dora", amount: 5 };

/** What an enforcement point submits for a deny. */
function submission({ body }: Answer, more: object = {}) {
  return {
    subject: { type: "user", id: "emma" },
    resource: { type: "tool", id: "pay/send", properties: { arguments: args } },
    action: { name: "tools/call" },
    context: { business_justification: "rent" },
    denial: {
      evaluation_id: body.decision_id,
      expires_at: body.access_request.expires_at,
      binding_token: body.access_request.binding_token,
    },
    ...more,
  };
}

/** The deny, and the id of the request opened for it. */
async function ask(app: App): Promise<{ denied: Answer; id: string }> {
  const denied = await app.decide("send", args);
  const opened = await app.send("gateway", "POST", "/access-requests", submission(denied));
  expect(opened.status).toBe(201);
  return { denied, id: opened.body.task.id };
}

const approve = { decision: "approve", approver: { id: "alice" } };
const verdict = (app: App, id: string, body: object = approve, pep = "desk") =>
  app.send(pep, "POST", `/access-requests/${id}/decision`, body);

describe("an approval", () => {
  it("lets exactly the refused call pass, once", async () => {
    const app = await start();
    const { denied, id } = await ask(app);
    expect(denied.body).toMatchObject({ allow: false, access_request: { endpoint: "/access-requests", codes: ["needs_approval"] } });

    expect(await verdict(app, id)).toMatchObject({ status: 200, body: { task: { id, status: "approved" } } });
    expect((await app.send("gateway", "GET", `/access-requests/${id}`)).body).toMatchObject({
      task: { status: "approved" },
      result: { mode: "reevaluate", approval: { id, approved_until: denied.body.access_request.expires_at } },
    });

    expect((await app.decide("send", { ...args, amount: 6 })).body.allow).toBe(false);
    expect((await app.decide("send", args, { session: { id: "s-2" } })).body.allow).toBe(false);
    expect((await app.decide("send", args)).body.allow).toBe(true);
    expect((await app.decide("send", args)).body.allow).toBe(false);
    expect((await app.send("gateway", "GET", `/access-requests/${id}`)).body.task.status).toBe("used");
  });

  it("lets one of many equal calls pass", async () => {
    const app = await start();
    const { id } = await ask(app);
    await verdict(app, id);
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.decide("send", args)));

    expect(answers.filter(({ body }) => body.allow)).toHaveLength(1);
  });

  it("is over when its time is", async () => {
    const app = await start();
    const { id } = await ask(app);
    await verdict(app, id);
    app.clock.ms += 600_000;

    expect((await app.decide("send", args)).body.allow).toBe(false);
    expect((await app.send("gateway", "GET", `/access-requests/${id}`)).body.task.status).toBe("expired");
  });

  it("comes too late when the offer has ended, or the session has", async () => {
    const app = await start();
    const late = await ask(app);
    app.clock.ms += 600_000;
    expect(await verdict(app, late.id)).toMatchObject({ status: 409, body: { code: "approval_conflict" } });

    const ended = await ask(app);
    await app.send("gateway", "DELETE", "/sessions/s-1?subject=emma&agent=bot");
    expect(await verdict(app, ended.id)).toMatchObject({ status: 409, body: { code: "session_ended" } });
    expect((await app.decide("send", args)).body.allow).toBe(false);
  });

  it("is given once, and a refusal stands", async () => {
    const app = await start();
    const { id } = await ask(app);
    expect((await verdict(app, id, { ...approve, decision: "refuse", comment: "not now" })).body.task.status).toBe("denied");

    expect(await verdict(app, id)).toMatchObject({ status: 409, body: { code: "approval_conflict" } });
    expect((await app.decide("send", args)).body.allow).toBe(false);
  });
});

describe("who may approve", () => {
  it("is shown to be a person by a token of their own, even through the enforcement point that asked", async () => {
    const app = await start();
    const denied = await app.decide("send", args, {}, "everything");
    const { id } = (await app.send("everything", "POST", "/access-requests", submission(denied))).body.task;

    expect(await verdict(app, id, approve, "everything")).toMatchObject({ status: 403, body: { code: "approval_forbidden" } });
    expect((await verdict(app, id, { decision: "approve", token: "alice" }, "everything")).body.task.status).toBe("approved");
  });

  it.each([
    ["the agent that asked", { decision: "approve", approver: { id: "bot" } }, "desk"],
    ["the agent that asked, by its token", { decision: "approve", token: "ofBot" }, "desk"],
    ["an agent that holds the token of a person", { decision: "approve", token: "held" }, "desk"],
    ["whomever an enforcement point names that may not name anybody", approve, "silent"],
  ])("is not %s", async (_name, body, pep) => {
    const app = await start();
    const { id } = await ask(app);

    expect(await verdict(app, id, body, pep)).toMatchObject({ status: 403, body: { code: "approval_forbidden" } });
    expect((await app.decide("send", args)).body.allow).toBe(false);
    expect(app.events.map(({ event }) => event)).toEqual(["access_requested"]);
  });

  it("is not the holder of the token that asked, when nobody is known to act for it", async () => {
    const app = await start({ tokens: { svc: verified("svc-bot", null), alice: verified("alice", null) } });
    const denied = await app.decide("send", args, { subject: undefined, agent: undefined, token: "svc" });
    const { id } = (await app.send("gateway", "POST", "/access-requests", submission(denied, { subject: { id: "svc-bot" } }))).body.task;

    expect(await verdict(app, id, { decision: "approve", token: "svc" })).toMatchObject({
      ...{ status: 403, body: { code: "approval_forbidden" } },
    });
    expect((await verdict(app, id, { decision: "approve", token: "alice" })).body.task.status).toBe("approved");
  });

  it("is not asked while the agent is terminated", async () => {
    const app = await start();
    const { id } = await ask(app);
    await app.send("ops", "PUT", "/terminations/agent/bot", { reason: "astray" });

    expect(await verdict(app, id)).toMatchObject({ status: 409, body: { code: "session_ended" } });
    await app.send("ops", "DELETE", "/terminations/agent/bot");
    expect((await app.decide("send", args)).body.allow).toBe(false);
  });

  it("is not somebody whose token is rejected, nor somebody of another tenant", async () => {
    const app = await start();
    const { id } = await ask(app);

    expect(await verdict(app, id, { decision: "approve", token: "forged" })).toMatchObject({
      status: 400,
      body: { errors: [{ path: "/token" }] },
    });
    expect(await verdict(app, id, approve, "other")).toMatchObject({ status: 404, body: { code: "approval_unknown" } });
  });
});

describe("a submission", () => {
  it("is answered with a task to look at, and the same one again", async () => {
    const app = await start();
    const denied = await app.decide("send", args);
    const first = await app.send("gateway", "POST", "/access-requests", submission(denied));
    const again = await app.send("gateway", "POST", "/access-requests", submission(denied));

    const { id } = first.body.task;
    expect(first.headers.get("location")).toBe(`/access-requests/${id}`);
    expect(first.body).toEqual({
      task: { id, status: "pending", status_endpoint: `/access-requests/${id}`, expires_at: denied.body.access_request.expires_at },
    });
    expect(again).toMatchObject({ status: 201, body: first.body });
    expect((await app.send("desk", "GET", "/access-requests")).body.access_requests).toHaveLength(1);
    expect(app.events.map(({ event }) => event)).toEqual(["access_requested"]);
  });

  const other = { type: "tool", id: "pay/send", properties: { arguments: { ...args, amount: 500 } } };
  it.each([
    ["other arguments", { resource: other }, "/resource/properties/arguments"],
    ["another subject", { subject: { id: "eve" } }, "/subject/id"],
    ["another tool", { resource: { ...other, id: "pay/refund" } }, "/resource/id"],
  ])("with %s is refused, first or second", async (_name, change, path) => {
    const app = await start();
    const denied = await app.decide("send", args);
    for (let i = 0; i < 2; i++) {
      const answer = await app.send("gateway", "POST", "/access-requests", submission(denied, change));
      expect(answer).toMatchObject({ status: 400, body: { code: "request_invalid", errors: [{ path }] } });
      await app.send("gateway", "POST", "/access-requests", submission(denied));
    }
  });

  it("leads to the same task again after it was decided, and with other arguments to none", async () => {
    const app = await start();
    const { denied, id } = await ask(app);
    await verdict(app, id);

    const again = await app.send("gateway", "POST", "/access-requests", submission(denied));
    expect(again).toMatchObject({ status: 201, body: { task: { id, status: "approved" } } });
    expect(await app.send("gateway", "POST", "/access-requests", submission(denied, { resource: other }))).toMatchObject({
      status: 400,
      body: { errors: [{ path: "/resource/properties/arguments" }] },
    });
  });

  it("is refused when too many of its session wait", async () => {
    const app = await start();
    for (let i = 0; i < 16; i++) await ask(app);

    const answer = await app.send("gateway", "POST", "/access-requests", submission(await app.decide("send", args)));

    expect(answer).toMatchObject({
      status: 503,
      body: { code: "session_limit", errors: [{ message: expect.stringContaining("of this session") }] },
    });
  });

  it("with a token that was altered, has expired, or is of another tenant is refused", async () => {
    const app = await start();
    const denied = await app.decide("send", args);
    const good = submission(denied);
    const token = good.denial.binding_token as string;
    const [head = "", payload = "", signature = ""] = token.split(".");
    const forged = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
    const other = Buffer.from(JSON.stringify({ ...forged, subject: "eve" })).toString("base64url");
    const refused = { status: 400, body: { errors: [{ path: "/denial/binding_token" }] } };
    const send = (binding_token: string, pep = "gateway") =>
      app.send(pep, "POST", "/access-requests", { ...good, denial: { binding_token } });

    expect(await send(`${head}.${other}.${signature}`)).toMatchObject(refused);
    expect(await send("a.b.c")).toMatchObject(refused);
    expect(await send(token, "other")).toMatchObject(refused);
    app.clock.ms += 600_000;
    expect(await send(token)).toMatchObject(refused);
  });

  it("changes nothing when it cannot be recorded", async () => {
    const app = await start();
    const denied = await app.decide("send", args);
    app.room.full = true;
    expect((await app.send("gateway", "POST", "/access-requests", submission(denied))).body.code).toBe("record_failed");
    app.room.full = false;
    expect((await app.send("desk", "GET", "/access-requests")).body.access_requests).toEqual([]);

    const { id } = await ask(app);
    app.room.full = true;
    expect((await verdict(app, id)).body.code).toBe("record_failed");
    expect((await app.decide("send", args)).body.allow).toBe(false);
  });
});

describe("what is shown", () => {
  it("is the arguments to approvers only, and not in the list", async () => {
    const app = await start();
    const { id, denied } = await ask(app);
    const asked = {
      ...{
        decision_id: denied.body.decision_id,
        what: "pay/send",
        subject: "emma",
        agent: "bot",
        pep: "gateway",
        codes: ["needs_approval"],
      },
      ...{ business_justification: "rent", created_at: "2027-01-01T00:00:00.000Z", approver: null, comment: null },
    };

    expect((await app.send("desk", "GET", `/access-requests/${id}`)).body.request).toEqual({ ...asked, arguments: args });
    expect((await app.send("desk", "GET", "/access-requests")).body.access_requests).toMatchObject([{ request: asked }]);
    expect(JSON.stringify((await app.send("desk", "GET", "/access-requests")).body)).not.toContain("dora");
    expect((await app.send("gateway", "GET", `/access-requests/${id}`)).body).not.toHaveProperty("request");
  });

  it("is no arguments once it is decided", async () => {
    const app = await start();
    const { id } = await ask(app);
    const decided = await verdict(app, id);

    for (const { body } of [decided, await app.send("desk", "GET", `/access-requests/${id}`)]) {
      expect(body.request).toMatchObject({ what: "pay/send", approver: "alice" });
      expect(body.request).not.toHaveProperty("arguments");
    }
  });

  it("is the hundred that wait longest", async () => {
    const app = await start();
    expect((await app.send("desk", "GET", "/access-requests")).body).toEqual({ access_requests: [], more: false });
    const ids: string[] = [];
    for (let i = 0; i < 101; i++) {
      const who = { subject: { id: `user-${i}` } };
      const opened = await app.send("gateway", "POST", "/access-requests", submission(await app.decide("send", args, who), who));
      ids.push(opened.body.task.id);
    }

    const { body } = await app.send("desk", "GET", "/access-requests");
    expect(body.more).toBe(true);
    expect(body.access_requests.map(({ task }: { task: { id: string } }) => task.id)).toEqual(ids.slice(0, 100));
  });

  it("is nothing to another tenant, and nothing of what does not exist", async () => {
    const app = await start();
    const { id } = await ask(app);
    for (const path of [id, "01a20b7b-1e9b-7841-b2cf-57a2227c0656", "open", "o%3Ax"])
      expect(await app.send("other", "GET", `/access-requests/${path}`)).toMatchObject({ status: 404, body: { code: "approval_unknown" } });
    expect((await app.send("other", "GET", "/access-requests")).body.access_requests).toEqual([]);
  });

  it("is asked of the store only under ids that this service gives", async () => {
    const store = createMemoryStore({ docsMax: 10 });
    const asked: string[] = [];
    const read: StateStore["read"] = (tenant, query, nowMs) => {
      asked.push(...query.docs);
      return store.read(tenant, query, nowMs);
    };
    const app = await start({ sessions: { store: { ...store, read } } });
    for (const path of ["a%0Ab", "x".repeat(300), "%C3%A9"])
      expect((await app.send("desk", "GET", `/access-requests/${path}`)).body.code).toBe("approval_unknown");
    expect(asked).toEqual([]);
  });

  it("is recorded, with who decided and without the arguments", async () => {
    const app = await start();
    const { id } = await ask(app);
    await verdict(app, id, { ...approve, comment: "fine" });

    expect(app.events).toMatchObject([
      {
        event: "access_requested",
        pep: { id: "gateway" },
        input: { subject: { id: "emma" }, agent: { id: "bot" } },
        result: { access_request: id },
      },
      {
        ...{ event: "access_decided", pep: { id: "desk" } },
        result: {
          status: "approved",
          approver: "alice",
          approver_verified: false,
          comment: "fine",
          tool: "pay/send",
          codes: ["needs_approval"],
        },
      },
    ]);
    expect(JSON.stringify(app.events)).not.toContain("dora");
  });
});

describe("a wider grant", () => {
  const who = { subject: { id: "emma" }, agent: { id: "bot" } };
  const wider = { task: "pay Dora", tools: ["pay/*", "mail/*"] };

  async function refuse(app: App, pep = "gateway") {
    await app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant: { task: "pay Dora", tools: ["pay/*"] } });
    return app.send(pep, "PUT", "/sessions/s-1", { ...who, grant: wider });
  }
  const submit = (app: App, refused: Answer, id = "s-1", grant: object = wider) =>
    app.send("gateway", "POST", "/access-requests", {
      ...{ subject: { id: "emma" }, action: { name: "declare" } },
      resource: { type: "grant", id, properties: { grant } },
      denial: { evaluation_id: refused.body.instance, binding_token: refused.body.access_request.binding_token },
    });

  it("is accepted once somebody approved exactly it", async () => {
    const app = await start();
    const { body } = await submit(app, await refuse(app));
    const { id } = body.task;
    const put = (grant: object, approval = id) => app.send("gateway", "PUT", "/sessions/s-1", { ...who, grant, approval });

    expect(await put(wider)).toMatchObject({ status: 404, body: { code: "approval_unknown" } });
    expect((await app.send("desk", "GET", `/access-requests/${id}`)).body.request).toMatchObject({ what: "@grant", arguments: wider });
    expect((await verdict(app, id)).body.task.status).toBe("approved");
    expect(await put({ ...wider, tools: ["pay/*", "admin/*"] })).toMatchObject({ status: 404, body: { code: "approval_unknown" } });
    expect((await put(wider)).body.grant.tools).toEqual(["pay/*", "mail/*"]);
    expect(app.events.at(-1)).toMatchObject({ event: "grant_declared", result: { approval: id } });
    expect(await put({ tools: ["admin/*"] })).toMatchObject({ status: 404, body: { code: "approval_unknown" } });
  });

  it("is not approved through the enforcement point that declared it", async () => {
    const app = await start();
    const { body } = await submit(app, await refuse(app, "everything"));

    expect(await verdict(app, body.task.id, approve, "everything")).toMatchObject({ status: 403, body: { code: "approval_forbidden" } });
    expect((await verdict(app, body.task.id)).status).toBe(200);
  });

  it("cannot be submitted for another session, or as another grant", async () => {
    const app = await start();
    const refused = await refuse(app);

    expect((await submit(app, refused, "s-2")).body.errors).toMatchObject([{ path: "/resource/id" }]);
    expect((await submit(app, refused, "s-1", { tools: ["admin/*"] })).body.errors).toMatchObject([{ path: "/resource/properties/grant" }]);
  });
});

it("says when the store is away", async () => {
  const down = () => {
    throw new RemitError("session_store_unavailable", "down");
  };
  const app = await start({ sessions: { store: { read: down, change: down, lostAtMs: null, close: async () => undefined } } });
  expect(await app.send("desk", "GET", "/access-requests")).toMatchObject({ status: 503, body: { code: "session_store_unavailable" } });
});
