import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolPath } from "../../scripts/tools/find.ts";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { type ReplyKind, replyProblems } from "../helpers/authzen.ts";
import { buildOpaBundle } from "../helpers/opa-server.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

/** The AuthZEN 1.0 certification scenario (openid/authzen, certification/authorization-api-1_0-scenario.md), section by section. */
const opa = await toolPath("opa");
if (opa === undefined) console.error("SKIPPED: the AuthZEN certification scenario compiles policies and needs OPA");

const entrypoints = ["authzen/allow", "authzen/search/subject", "authzen/search/resource", "authzen/search/action"];
const baseUrl = "https://pdp.example.com/tenant1";
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const apiKey = generateApiKey("suite");

let service: RunningService;
let folder = "";

beforeAll(async () => {
  if (opa === undefined) return;
  folder = mkdtempSync(join(tmpdir(), "remit-authzen-"));
  const source = join(folder, "bundle.tar.gz");
  writeFileSync(source, buildOpaBundle(opa, "test/fixtures/authzen-certification", entrypoints));
  service = await startService({
    config: {
      bundle: { source, entrypoints },
      auth: { mode: "required", peps: [{ id: "suite", tenant: "acme", dialects: ["authzen"], api_keys_sha256: [hashApiKey(apiKey)] }] },
      dialects: {
        authzen: {
          base_url: baseUrl,
          metadata_key: { id: "m1", algorithm: "ES256", private_key: privateKey.export({ type: "pkcs8", format: "pem" }) },
        },
      },
    },
  });
}, 60_000);

afterAll(async () => {
  if (opa === undefined) return;
  await service.stop();
  cleanUp(service);
  rmSync(folder, { recursive: true, force: true });
});

const paths = {
  evaluation: "/access/v1/evaluation",
  evaluations: "/access/v1/evaluations",
  subject: "/access/v1/search/subject",
  resource: "/access/v1/search/resource",
  action: "/access/v1/search/action",
} as const;
type Endpoint = keyof typeof paths;

/** Asks, and checks that the reply is of its schema. */
async function ask(endpoint: Endpoint, body: unknown, headers: Record<string, string> = {}, method = "POST") {
  const response = await fetch(`${service.url}${paths[endpoint]}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json", ...headers },
    ...(method === "GET" ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const reply = await response.json();
  const single = endpoint === "evaluations" && !Object.hasOwn(reply as object, "evaluations");
  const kind: ReplyKind = response.ok ? (single ? "evaluation" : endpoint) : "error";
  expect(replyProblems(kind, reply)).toEqual([]);
  expect(response.headers.get("content-type")).toBe("application/json");
  return { status: response.status, headers: response.headers, body: reply };
}

const user = (id: string, properties?: object) => ({ type: "user", id, ...(properties === undefined ? {} : { properties }) });
const record = (id: string, properties?: object) => ({ type: "record", id, ...(properties === undefined ? {} : { properties }) });
const [alice, bob, admin] = [user("alice"), user("bob"), user("bob", { role: "admin" })];
const [active, archived] = [record("record-1"), record("record-2", { status: "archived" })];
const [read, write] = [{ name: "read" }, { name: "write" }];
const remove = (soft: boolean) => ({ name: "delete", properties: { soft } });
const good = { subject: alice, action: read, resource: active };
const time = "2025-06-27T18:03-07:00";

describe.skipIf(opa === undefined)("c-2: access evaluation", () => {
  it.each<[string, object, boolean]>([
    ["c-1-4 rule 1, c-2-2-1", good, true],
    ["c-1-4 rule 2", { subject: alice, action: write, resource: active }, true],
    ["c-1-4 rule 3", { subject: bob, action: read, resource: active }, true],
    ["c-1-4 rule 4, c-2-2-2", { subject: bob, action: write, resource: active }, false],
    ["c-2-2-3 context", { ...good, context: { time, ip: "192.168.1.1" } }, true],
    ["c-1-4 rule 5, c-2-2-4", { subject: alice, action: write, resource: archived }, false],
    ["c-1-4 rule 6, c-2-2-5", { subject: admin, action: write, resource: archived }, true],
    ["c-1-4 rule 7, c-2-2-6", { subject: alice, action: remove(true), resource: active }, true],
    ["c-1-4 rule 8, c-2-2-7", { subject: alice, action: remove(false), resource: active }, false],
    [
      "c-2-2-8 additional properties",
      {
        subject: user("alice", { department: "Sales", role: "manager" }),
        action: { name: "read", properties: { method: "GET" } },
        resource: record("record-1", { status: "active", owner: "bob" }),
      },
      true,
    ],
    ["c-2-2-9 unknown members", { ...good, foo: "bar", futureField: { nested: true } }, true],
  ])("%s", async (_name, request, decision) => {
    expect(await ask("evaluation", request)).toMatchObject({ status: 200, body: { decision } });
    expect((await ask("evaluation", { ...request, context: { time } })).body).toEqual({ decision });
  });

  const { subject, action, resource } = good;
  it.each<[string, unknown, Record<string, string>?]>([
    ["c-2-4-1 no subject", { action, resource }],
    ["c-2-4-1 no action", { subject, resource }],
    ["c-2-4-1 no resource", { subject, action }],
    ["c-2-4-2 no subject type", { ...good, subject: { id: "alice" } }],
    ["c-2-4-2 no subject id", { ...good, subject: { type: "user" } }],
    ["c-2-4-2 no action name", { ...good, action: {} }],
    ["c-2-4-2 no resource type", { ...good, resource: { id: "record-1" } }],
    ["c-2-4-2 no resource id", { ...good, resource: { type: "record" } }],
    ["c-2-4-3 another content type", good, { "content-type": "text/plain" }],
    ["c-2-4-4 no JSON", "{"],
    ["c-2-4-5 an empty body", ""],
    ["c-2-4-6 a text for a subject", { ...good, subject: "alice" }],
    ["c-2-4-6 a number for a name", { ...good, action: { name: 123 } }],
    ["a list at top level", [good]],
  ])("%s is 400", async (_name, body, headers) => {
    expect((await ask("evaluation", body, headers)).status).toBe(400);
  });

  it("c-5 takes a charset, and refuses other methods", async () => {
    expect((await ask("evaluation", good, { "content-type": "application/json; charset=utf-8" })).status).toBe(200);
    expect((await ask("evaluation", good, {}, "GET")).status).toBe(405);
    expect((await ask("evaluation", good, {}, "PUT")).status).toBe(405);
  });

  it.each(["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "any text: 100 % / {it} ?"])("c-2-5 echoes the request id `%s`", async (id) => {
    expect((await ask("evaluation", good, { "x-request-id": id })).headers.get("x-request-id")).toBe(id);
    expect((await ask("evaluation", "{", { "x-request-id": id })).headers.get("x-request-id")).toBe(id);
  });

  it("c-2-6 answers the same again and again", async () => {
    for (let i = 0; i < 5; i++) expect((await ask("evaluation", good)).body).toEqual({ decision: true });
  });

  it("asks who is calling", async () => {
    for (const authorization of ["", "Bearer another key"]) {
      const { status, headers } = await ask("evaluation", good, { authorization });
      expect([status, headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    }
  });
});

const decisions = async (body: object, headers: Record<string, string> = {}) => {
  const { status, body: reply } = await ask("evaluations", body, headers);
  expect(status).toBe(200);
  return (reply as { evaluations: { decision: boolean }[] }).evaluations.map(({ decision }) => decision);
};

describe.skipIf(opa === undefined)("c-3: access evaluations", () => {
  it.each<[string, object, readonly boolean[]]>([
    ["c-3-2-1 list", { subject: alice, action: read, evaluations: [{ resource: active }, { resource: record("record-2") }] }, [true, true]],
    ["c-3-2-2 order", { subject: bob, resource: active, evaluations: [{ action: read }, { action: write }] }, [true, false]],
    [
      "c-3-2-3 properties",
      { subject: alice, action: write, evaluations: [{ resource: record("record-1", { status: "active" }) }, { resource: archived }] },
      [true, false],
    ],
    [
      "c-3-2-4 properties of subjects",
      { action: write, resource: archived, evaluations: [{ subject: alice }, { subject: admin }] },
      [false, true],
    ],
    ["c-3-2-5 no defaults", { evaluations: [good, { subject: bob, action: write, resource: active }] }, [true, false]],
    [
      "c-3-2-6 context",
      {
        ...{ subject: alice, action: read, context: { time } },
        evaluations: [{ resource: active }, { resource: record("record-2"), context: { time, source: "batch-override" } }],
      },
      [true, true],
    ],
    [
      "c-3-2-7 an entity replaces the default as a whole",
      {
        ...{ subject: alice, action: write, resource: { type: "record" } },
        evaluations: [
          { resource: record("record-1", { status: "active" }) },
          { resource: { id: "record-1", properties: { status: "active" } } },
          { resource: archived },
        ],
      },
      [true, false, false],
    ],
    ["an empty item inherits everything", { ...good, evaluations: [{}, { action: write }] }, [true, true]],
    ["c-3-4-1 an item that lacks something", { subject: alice, action: read, evaluations: [{ resource: active }, {}] }, [true, false]],
    ["an item that is no object", { ...good, evaluations: [{}, "x", {}] }, [true, false, true]],
  ])("%s", async (_name, body, expected) => {
    expect(await decisions(body)).toEqual(expected);
  });

  it("c-3-4-1 says what an item lacks", async () => {
    const { body } = await ask("evaluations", { subject: alice, action: read, evaluations: [{ resource: active }, {}] });
    expect(body).toEqual({
      evaluations: [
        { decision: true },
        { decision: false, context: { error: { status: 400, message: expect.stringContaining("/resource") } } },
      ],
    });
  });

  it.each([undefined, []])("c-3-4-2, c-3-4-3 without evaluations is one evaluation (%j)", async (evaluations) => {
    expect((await ask("evaluations", { ...good, evaluations })).body).toEqual({ decision: true });
  });

  const { subject, resource } = good;
  const mixed = [{ action: write }, { action: read }, { action: remove(false) }, { action: read }];
  it.each<[string, object[], readonly boolean[]]>([
    ["execute_all", mixed, [true, true, false, true]],
    ["deny_on_first_deny", mixed, [true, true, false]],
    ["permit_on_first_permit", mixed, [true]],
    ["deny_on_first_deny", [{ action: read }, {}, { action: read }], [true, false]],
    ["deny_on_first_deny", [{}, { action: read }], [false]],
    ["permit_on_first_permit", [{}, { action: remove(false) }, { action: read }, {}, { action: read }], [false, false, true]],
    ["permit_on_first_permit", [{}, {}], [false, false]],
  ])("%s of %j", async (evaluations_semantic, evaluations, expected) => {
    const id = randomUUID();
    const body = { subject, resource, evaluations, options: { evaluations_semantic, other: 1 } };
    expect(await decisions(body, { "x-request-id": id })).toEqual(expected);
    // What was not answered was not asked either.
    const asked = evaluations.slice(0, expected.length).filter((item) => Object.hasOwn(item, "action")).length;
    await expect.poll(() => service.records().filter(({ req_id }) => req_id === id).length).toBe(asked);
  });

  it.each<[string, object]>([
    ["an unknown semantic", { options: { evaluations_semantic: "any" } }],
    ["a semantic that is no text", { options: { evaluations_semantic: true } }],
    ["evaluations in an object", { evaluations: { "1": { action: read } } }],
    ["a default that is no object", { subject: "alice" }],
    ["too many", { evaluations: Array.from({ length: 101 }, () => ({ action: read })) }],
  ])("%s is 400", async (_name, more) => {
    expect((await ask("evaluations", { ...good, evaluations: [{}], ...more })).status).toBe(400);
  });
});

describe.skipIf(opa === undefined)("c-4: search", () => {
  const users = { subject: { type: "user" }, action: read, resource: active };
  const records = { subject: alice, action: read, resource: { type: "record" } };
  const actions = { subject: alice, resource: active };
  const results = async (endpoint: Endpoint, body: object) => {
    const { status, body: reply } = await ask(endpoint, body);
    expect(status).toBe(200);
    return (reply as { results: unknown[] }).results;
  };

  it.each<[string, Endpoint, object, object[]]>([
    ["c-4-2-1", "subject", users, [alice, bob]],
    ["c-4-2-2", "subject", { ...users, context: { time } }, [alice, bob]],
    ["c-4-2-3 an id does not count", "subject", { ...users, subject: bob }, [alice, bob]],
    ["c-4-2-4", "subject", { ...users, action: write, resource: archived }, [bob]],
    ["c-4-3-1", "resource", records, [active, record("record-2")]],
    ["c-4-3-2 an id does not count", "resource", { ...records, resource: active }, [active, record("record-2")]],
    ["c-4-3-3", "resource", { subject: admin, action: write, resource: { type: "record" } }, [record("record-2")]],
    ["c-4-4-1", "action", actions, [read, write]],
    ["c-4-4-2", "action", { ...actions, context: { time } }, [read, write]],
    ["c-4-4-3", "action", { subject: admin, resource: archived }, [read, write]],
  ])("%s", async (_name, endpoint, body, expected) => {
    expect(await results(endpoint, body)).toEqual(expected);
  });

  it("c-4-5 gives pages, of the same search only", async () => {
    const first = await ask("subject", { ...users, page: { limit: 1 } });
    expect(Object.keys(first.body as object)[0]).toBe("page");
    expect(first.body).toEqual({ page: { next_token: expect.stringMatching(/./), count: 1, total: 2 }, results: [alice] });
    const token = (first.body as { page: { next_token: string } }).page.next_token;
    const second = await ask("subject", { ...users, page: { token } });
    expect(second.body).toEqual({ page: { next_token: "", count: 1, total: 2 }, results: [bob] });
    const refused: [Endpoint, object][] = [
      ["subject", { ...users, action: write, page: { token } }],
      ["subject", { ...users, context: {}, page: { token } }],
      ["resource", { ...records, page: { token } }],
      ["subject", { ...users, page: { token: `${token}x` } }],
      ["subject", { ...users, page: { token: "x" } }],
      ["subject", { ...users, page: { token: 1 } }],
      ["subject", { ...users, page: { limit: -1 } }],
    ];
    for (const [endpoint, body] of refused) expect((await ask(endpoint, body)).status).toBe(400);
    expect((await ask("subject", { ...users, page: { limit: 5 } })).body).toEqual({
      page: { next_token: "", count: 2, total: 2 },
      results: [alice, bob],
    });
  });

  it.each<[string, Endpoint, object]>([
    ["c-4-6-1", "action", { ...actions, subject: user("nonexistent-user") }],
    ["c-4-6-2", "subject", { ...users, subject: { type: "spaceship" } }],
    ["c-4-6-2", "resource", { ...records, resource: { type: "spaceship" } }],
    ["c-4-6-1", "resource", { ...records, subject: user("nonexistent-user") }],
  ])("%s nothing found is an empty list", async (_name, endpoint, body) => {
    expect((await ask(endpoint, body)).body).toEqual({ results: [] });
  });

  it.each<[string, Endpoint, object]>([
    ["c-4-7-1 no action", "subject", { subject: users.subject, resource: active }],
    ["c-4-7-1 no subject", "resource", { action: read, resource: { type: "record" } }],
    ["c-4-7-1 no resource", "action", { subject: alice }],
    ["c-4-7-2 no resource id", "subject", { ...users, resource: { type: "record" } }],
    ["c-4-7-2 no subject id", "resource", { ...records, subject: { type: "user" } }],
    ["no type", "subject", { ...users, subject: {} }],
    ["no resource id", "action", { ...actions, resource: { type: "record" } }],
  ])("%s is 400", async (_name, endpoint, body) => {
    expect((await ask(endpoint, body)).status).toBe(400);
  });

  it("every result may do what was searched for", async () => {
    for (const subject of await results("subject", { ...users, action: write, resource: archived }))
      expect((await ask("evaluation", { subject, action: write, resource: archived })).body).toEqual({ decision: true });
  });
});

describe.skipIf(opa === undefined)("c-6: metadata", () => {
  const wellKnown = "/.well-known/authzen-configuration";
  const plain = {
    policy_decision_point: baseUrl,
    access_evaluation_endpoint: `${baseUrl}/access/v1/evaluation`,
    access_evaluations_endpoint: `${baseUrl}/access/v1/evaluations`,
    search_subject_endpoint: `${baseUrl}/access/v1/search/subject`,
    search_resource_endpoint: `${baseUrl}/access/v1/search/resource`,
    search_action_endpoint: `${baseUrl}/access/v1/search/action`,
  };

  it.each([wellKnown, `${wellKnown}/tenant1`])("c-6-1 to c-6-5 is published at %s, whatever the host is called", async (path) => {
    const response = await fetch(`${service.url}${path}`, { headers: { "x-forwarded-host": "evil.example", "x-request-id": "r 1" } });
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(response.headers.get("x-request-id")).toBe("r 1");
    const body = (await response.json()) as { signed_metadata: string };
    expect(replyProblems("metadata", body)).toEqual([]);
    const { signed_metadata, ...rest } = body;
    expect(rest).toEqual(plain);
    const { payload, protectedHeader } = await jwtVerify(signed_metadata, publicKey, { algorithms: ["ES256"], issuer: baseUrl });
    expect(payload).toEqual({ iss: baseUrl, ...plain });
    expect(protectedHeader).toMatchObject({ kid: "m1" });
  });

  it("takes GET only, and no other path", async () => {
    expect((await fetch(`${service.url}${wellKnown}`, { method: "POST", body: "{}" })).status).toBe(405);
    expect((await fetch(`${service.url}${wellKnown}/tenant2`)).status).toBe(404);
  });
});
