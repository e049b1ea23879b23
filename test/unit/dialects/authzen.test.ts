import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Json, JsonObject } from "../../../service/decide/json.ts";
import type { PolicyInput } from "../../../service/decide/policy-input-schema.ts";
import type { PolicyAnswer, PolicyQuestion, PolicySnapshot } from "../../../service/decide/ports.ts";
import { createQuery } from "../../../service/decide/query.ts";
import { type AuthzenOptions, createAuthzen } from "../../../service/dialects/authzen/authzen.ts";
import { RemitError } from "../../../service/errors.ts";
import { parseStrictJson } from "../../../service/json/strict-json.ts";
import { type ReplyKind, replyProblems } from "../../helpers/authzen.ts";
import { asksAbout, startApp } from "../../helpers/session-app.ts";

const baseUrl = "https://pdp.example.com";
const identityHeaders = { subject: "x-sub", roles: "x-roles", agent: "x-agent", session: "x-session", server: "x-server" };
const inputs: PolicyInput[] = [];

let app: Awaited<ReturnType<typeof startApp>>;
afterEach(() => app.close());

type AppOptions = NonNullable<Parameters<typeof startApp>[0]>;

async function start({ policy, deps, ...more }: AppOptions = {}, options: Partial<AuthzenOptions> = {}) {
  inputs.length = 0;
  const metadata = { baseUrl, signMetadata: null };
  app = await startApp({
    policy(input) {
      inputs.push(input);
      return policy?.(input) ?? {};
    },
    ...more,
    deps: { dialects: [createAuthzen({ metadata, batchMax: 10, ...options })], identityHeaders, ...deps },
  });
}

async function ask(path: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const sent = { method: "POST", path: `/access/v1/${path}`, headers: { "content-type": "application/json", ...headers }, body: text };
  const response = await app.raw("gateway", sent);
  const reply: unknown = await response.json();
  const kind = path === "evaluations" && !Object.hasOwn(reply as object, "evaluations") ? "evaluation" : path.replace("search/", "");
  expect(replyProblems(response.ok ? (kind as ReplyKind) : "error", reply)).toEqual([]);
  return { status: response.status, headers: response.headers, body: reply };
}

const subject = { type: "identity", id: "emma" };
const call = (id: string, properties?: object) => ({
  ...{ subject, action: { name: "tools/call" }, resource: { type: "tool", id, ...(properties === undefined ? {} : { properties }) } },
});
const reason = (code: string, more: object = {}) => ({ code, message: "no", remedy: "ask", rule: `r.${code}`, controls: ["C1"], ...more });
const deny = (more: object = {}): JsonObject => ({ allow: false, reasons: [reason("not_now")], ...more });
const lastCall = () => (inputs.at(-1) as PolicyInput).call;

describe("COAZ-MCP's default mapping", () => {
  it("is a call of the tool, whose arguments are unknown unless a mapping sends them", async () => {
    await start();
    await ask("evaluation", { ...call("find"), context: { agent: "https://agent.example", session_id: "s-1", other: { a: 1 } } });
    expect(lastCall()).toMatchObject({ method: "tools/call", server: null, tool: "find", arguments: {}, arguments_known: false });
    expect(inputs.at(-1)).toMatchObject({
      subject: { type: "identity", id: "emma" },
      agent: { id: "https://agent.example" },
      session: { id: "s-1" },
      context: { agent: "https://agent.example", session_id: "s-1", other: { a: 1 } },
    });

    await ask("evaluation", call("find", { arguments: { q: "x" }, server: "crm" }));
    expect(lastCall()).toMatchObject({ server: "crm", tool: "find", arguments: { q: "x" }, arguments_known: true });
  });

  it.each<[string, string, string, object, boolean]>([
    ["initialize", "mcp_server", "https://mcp.example.com", {}, false],
    ["tools/list", "mcp_server", "crm", {}, false],
    ["resources/read", "resource", "file:///a", { uri: "file:///a" }, true],
    ["prompts/get", "prompt", "greet", { name: "greet" }, false],
    ["tasks/cancel", "task", "t-1", { taskId: "t-1" }, true],
  ])("is the same as that of MCP's messages for %s", async (name, type, id, args, known) => {
    await start();
    await ask("evaluation", { subject, action: { name }, resource: { type, id } });
    expect(lastCall()).toMatchObject({ method: name, tool: name, arguments: args, arguments_known: known });
    expect(lastCall().server).toBe(type === "mcp_server" ? id : null);
  });

  it("roles are those of the subject's properties, or else of a header that names it", async () => {
    await start();
    const body = { ...call("find"), subject: { ...subject, properties: { roles: ["support"], groups: ["g"], level: 3 } } };
    await ask("evaluation", body);
    expect(inputs.at(-1)?.subject).toMatchObject({ id: "emma", roles: ["support"], groups: ["g"], properties: { level: 3 } });

    await ask("evaluation", body, { "x-sub": "emma", "x-roles": "viewer" });
    expect(inputs.at(-1)?.subject).toMatchObject({ id: "emma", roles: ["viewer"], groups: [], properties: {} });
  });

  it.each<[string, object, Record<string, string>?]>([
    ["another subject than the header's", {}, { "x-sub": "eve" }],
    ["another agent than the header's", { context: { agent: "a" } }, { "x-agent": "b" }],
    ["another session than the header's", { context: { session_id: "a" } }, { "x-session": "b" }],
    ["another server than the header's", call("find", { server: "a" }), { "x-server": "b" }],
    ["an agent that is no text", { context: { agent: { id: "a" } } }],
    ["a session that is no text", { context: { session_id: 1 } }],
    ["roles in a text", { subject: { ...subject, properties: { roles: "admin" } } }],
    ["control characters in an id", { subject: { ...subject, id: "a\u0000b" } }],
    ["a name that no tool has", call("a tool")],
    ["an action's name that no tool has", { action: { name: "read all" } }],
    ["a server that no server is called", call("find", { server: "a b" })],
  ])("%s is refused", async (_name, more, headers) => {
    await start();
    expect((await ask("evaluation", { ...call("find"), ...more }, headers)).status).toBe(400);
    expect(inputs).toEqual([]);
  });
});

describe("an action of the enforcement point's own", () => {
  const own = {
    subject,
    action: { name: "send_money", properties: { fast: true } },
    resource: { type: "account", id: "NL1", properties: { a: 1 } },
  };

  it("is a tool of its own name space, with everything that was sent as its arguments", async () => {
    await start({ tools: { send_money: { class: "read" }, "authzen/send_money": { class: "update", destinations: ["/resource/id"] } } });
    await ask("evaluation", own, { "x-server": "crm" });
    expect(lastCall()).toMatchObject({
      ...{ method: "tools/call", server: null, tool: "authzen/send_money", arguments_known: true },
      arguments: { resource: { type: "account", id: "NL1", properties: { a: 1 } }, action: { properties: { fast: true } } },
    });
    // An entry whose pointers are of other arguments must not judge these.
    expect(inputs.at(-1)).toMatchObject({ tool: { known: true, class: "update" }, values: { "/resource/id": { role: "destination" } } });
  });

  it("is what an MCP method on a resource of another type is, too, and no question", async () => {
    await start();
    await ask("evaluation", { ...own, action: { name: "tools/list" }, resource: { type: "tool", id: "delete_all" } });
    expect(lastCall()).toMatchObject({ method: "tools/call", tool: "authzen/tools/list" });
  });
});

describe("an answer", () => {
  it("is bare when the policy adds nothing", async () => {
    await start();
    expect((await ask("evaluation", call("find"))).body).toEqual({ decision: true });
  });

  it("has the obligations of an allow", async () => {
    const obligations = [{ id: "o-1", type: "notification", properties: { to: "desk", body: "seen" } }];
    await start({ policy: () => ({ obligations }) });
    expect((await ask("evaluation", call("find"))).body).toEqual({ decision: true, context: { obligations } });
  });

  it("says why not, for people and for administrators", async () => {
    const reasons = [reason("constructor"), reason("not_now"), reason("not_now", { remedy: "", rule: "r.two", controls: [] })];
    await start({ policy: () => deny({ reasons, required_scopes: ["a", "b"], acr_values: ["loa:2", "loa:3"] }) });
    expect((await ask("evaluation", call("find"))).body).toEqual({
      decision: false,
      context: {
        evaluation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        reason_user: { constructor: "no; ask", not_now: "no; ask. no" },
        reason_admin: { constructor: "r.constructor C1", not_now: "r.not_now C1. r.two" },
        required_scopes: ["a", "b"],
        acr_values: "loa:2 loa:3",
      },
    });
  });

  it("offers an approval, which can then be asked for", async () => {
    await start({ policy: asksAbout("find") });
    const body = { ...call("find", { arguments: { q: "x" } }), context: { agent: "bot", session_id: "s-1" } };
    const { body: reply } = await ask("evaluation", body);
    const { context } = reply as { context: { evaluation_id: string; access_request: Record<string, unknown> } };
    expect(context.access_request).toMatchObject({ endpoint: `${baseUrl}/access-requests`, codes: ["needs_approval"] });
    const { binding_token } = context.access_request;
    const submission = {
      subject,
      resource: body.resource,
      action: body.action,
      denial: { binding_token, evaluation_id: context.evaluation_id },
    };
    const request = await app.send("gateway", "POST", "/access-requests", submission);
    expect(request.status).toBeLessThan(300);
    const id = request.body.task.id as string;
    await app.send("desk", "POST", `/access-requests/${id}/decision`, { decision: "approve", approver: { id: "boss" } });
    expect((await ask("evaluation", body)).body).toEqual({ decision: true });
  });

  it("is an error string when there is none", async () => {
    await start();
    app.room.full = true;
    expect(await ask("evaluation", call("find"))).toMatchObject({ status: 500, body: expect.not.stringContaining("full") });
    const many = await ask("evaluations", { ...call("find"), evaluations: [{}, {}] });
    const item = { decision: false, context: { error: { status: 500, message: expect.any(String) } } };
    expect(many).toMatchObject({ status: 200, body: { evaluations: [item, item] } });
  });
});

describe("an error", () => {
  it("closes a connection whose body was not read, and says when to come back", async () => {
    await start();
    const large = await ask("evaluation", JSON.stringify("x".repeat(70_000)));
    expect([large.status, large.headers.get("connection")]).toEqual([413, "close"]);
    await app.close();
    await start({ deps: { inFlightMax: 0 } });
    const busy = await ask("evaluation", call("find"));
    expect([busy.status, busy.headers.get("retry-after")]).toEqual([503, "1"]);
  });
});

describe("evaluations of tool calls", () => {
  const item = (id: string) => ({ resource: { type: "tool", id } });
  const mixed = { subject, action: { name: "tools/call" }, evaluations: [item("a"), item("no name"), item("b"), item("a")] };

  it.each([
    ["execute_all", [true, false, false, true], ["a", "b", "a"]],
    ["deny_on_first_deny", [true, false], ["a"]],
    ["permit_on_first_permit", [true], ["a"]],
  ])("%s", async (evaluations_semantic, expected, asked) => {
    await start({ policy: (input) => (input.call.tool === "b" ? deny() : {}) });
    const { body } = await ask("evaluations", { ...mixed, options: { evaluations_semantic } });
    expect((body as { evaluations: { decision: boolean }[] }).evaluations.map(({ decision }) => decision)).toEqual(expected);
    expect(inputs.map((input) => input.call.tool)).toEqual(asked);
  });

  it("may be as many as the limit says", async () => {
    await start();
    const evaluations = Array.from({ length: 11 }, () => item("a"));
    expect((await ask("evaluations", { ...mixed, evaluations })).status).toBe(400);
    expect((await ask("evaluations", { ...mixed, evaluations: evaluations.slice(1) })).status).toBe(200);
  });
});

let plainDigest = "sha256:00";

/** An app whose bundle answers plain questions. */
async function startPlain(
  entrypoints: readonly string[],
  query: (question: PolicyQuestion) => PolicyAnswer,
  options?: Partial<AuthzenOptions>,
) {
  const snapshot: PolicySnapshot = {
    bundle: { name: "plain", revision: "r1", digest: plainDigest },
    data: {},
    entrypoints: new Set(entrypoints),
    evaluate: () => {
      throw new Error("not a tool call");
    },
    query,
  };
  const clock = { nowMs: () => Date.UTC(2027, 0, 1) };
  const asked = createQuery({ log: { write: () => undefined }, clock, newId: () => "d-1", labels: {}, queried: () => undefined });
  await start({ deps: { engine: { current: () => snapshot }, query: asked } }, options);
}
const value = (given: Json): PolicyAnswer => ({ kind: "value", value: given, evalNs: 1 });
const allow = ["authzen/allow"];

describe("entrypoint authzen/allow", () => {
  it("gets the request as it was sent, with the defaults in it", async () => {
    const seen: PolicyQuestion[] = [];
    await startPlain(allow, (question) => {
      seen.push(question);
      return value(true);
    });
    const one = { ...call("find"), more: { a: [1] } };
    await ask("evaluation", one);
    await ask("evaluations", { ...one, evaluations: [], options: { x: 1 } });
    await ask("evaluations", { ...one, context: { c: 1 }, evaluations: [{ action: { name: "x" }, own: 1 }] });
    expect(seen.map(({ input }) => input)).toEqual([
      one,
      one,
      { subject, resource: one.resource, context: { c: 1 }, action: { name: "x" }, own: 1 },
    ]);
    expect(seen.every(({ entrypoint, builtinErrors }) => entrypoint === "authzen/allow" && builtinErrors === "deny")).toBe(true);
  });

  const failed = (code: "policy_error" | "record_failed"): PolicyAnswer => ({
    kind: "error",
    error: new RemitError(code, "secret"),
    evalNs: 1,
  });
  const closed = { decision: false, context: { error: { status: 500, message: expect.not.stringContaining("secret") } } };
  it.each<[string, PolicyAnswer, object]>([
    ["true", value(true), { decision: true }],
    ["false", value(false), { decision: false }],
    ["undefined", { kind: "undefined", evalNs: 1 }, { decision: false }],
    ["a decision", value({ decision: true }), { decision: true }],
    ["a decision with a context", value({ decision: false, context: { a: 1 } }), { decision: false, context: { a: 1 } }],
    ["a failed evaluation", failed("policy_error"), closed],
    ...[
      "true",
      1,
      null,
      [true],
      {},
      { allow: true },
      { decision: "true" },
      { decision: true, context: [] },
      { decision: true, more: 1 },
    ].map((given): [string, PolicyAnswer, object] => [JSON.stringify(given), value(given), closed]),
  ])("%s", async (_name, answer, expected) => {
    await startPlain(allow, () => answer);
    expect(await ask("evaluation", call("find"))).toMatchObject({ status: 200, body: expected });
    expect((await ask("evaluation", call("find"))).body).toEqual(expected);
    expect((await ask("evaluations", { ...call("find"), evaluations: [{}] })).body).toEqual({ evaluations: [expected] });
  });

  it("is not asked about more than the limit says, whatever they are", async () => {
    await startPlain(allow, () => value(true));
    expect((await ask("evaluations", { evaluations: Array.from({ length: 11 }, () => 1) })).status).toBe(400);
  });

  it("does not count when it cannot be recorded", async () => {
    await startPlain(allow, () => failed("record_failed"));
    expect((await ask("evaluation", call("find"))).status).toBe(500);
  });
});

describe("search", () => {
  const body = { subject: { type: "user", id: "ignored" }, action: { name: "read" }, resource: { type: "record", id: "r" } };
  const users = Array.from({ length: 5 }, (_, index) => ({ type: "user", id: `u-${index}`, obligations: [] }));

  it("is not there when the bundle does not answer it", async () => {
    await start();
    for (const kind of ["subject", "resource", "action"]) expect((await ask(`search/${kind}`, body)).status).toBe(404);
  });

  it("asks without page and without the id, and shows only what was searched for", async () => {
    const seen: PolicyQuestion[] = [];
    await startPlain(["authzen/search/subject"], (question) => {
      seen.push(question);
      return value({ results: [...users, { type: "group", id: "g" }], context: { took: 1 } });
    });
    const { body: reply } = await ask("search/subject", { ...body, page: { limit: 9 } });
    expect(reply).toEqual({ page: { next_token: "", count: 5, total: 5 }, context: { took: 1 }, results: users });
    expect(seen[0]?.input).toEqual({ ...body, subject: { type: "user" } });
  });

  it("pages hold everything once, whatever their size", async () => {
    await startPlain(["authzen/search/subject"], () => value(users));
    for (const limit of [1, 2, 3, 5, 7]) {
      const found: unknown[] = [];
      let page: object = { limit };
      for (let i = 0; i < 10; i++) {
        const { body: reply } = await ask("search/subject", { ...body, page });
        const { results, page: next } = reply as { results: unknown[]; page: { next_token: string } };
        expect(results.length).toBeLessThanOrEqual(limit);
        found.push(...results);
        if (next.next_token === "") break;
        page = { token: next.next_token };
      }
      expect(found).toEqual(users);
    }
  });

  it("a page is of one bundle only", async () => {
    await startPlain(["authzen/search/subject"], () => value(users));
    const { body: reply } = await ask("search/subject", { ...body, page: { limit: 1 } });
    const next = { ...body, page: { token: (reply as { page: { next_token: string } }).page.next_token } };
    expect((await ask("search/subject", next)).status).toBe(200);
    await app.close();
    plainDigest = "sha256:01";
    await startPlain(["authzen/search/subject"], () => value(users));
    expect((await ask("search/subject", next)).status).toBe(400);
  });

  it.each<[string, PolicyAnswer, number]>([
    ["a policy that fails", { kind: "error", error: new RemitError("policy_error", "x"), evalNs: 1 }, 500],
    ["no list", value({ alice: true }), 500],
    ["entities without an id", value([{ type: "user" }]), 500],
    ["undefined", { kind: "undefined", evalNs: 1 }, 200],
  ])("%s", async (_name, answer, status) => {
    await startPlain(["authzen/search/subject"], () => answer);
    expect((await ask("search/subject", body)).status).toBe(status);
  });
});

describe("metadata", () => {
  const get = (path = "/.well-known/authzen-configuration", pep = "nobody") => app.raw(pep, { method: "GET", path, headers: {} });

  it("is not there without a configured URL", async () => {
    await start({}, { metadata: null });
    expect((await get()).status).toBe(404);
  });

  it("names what there is, to everybody, even under load", async () => {
    await start({ deps: { inFlightMax: 0 } });
    const response = await get();
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      policy_decision_point: baseUrl,
      access_evaluation_endpoint: `${baseUrl}/access/v1/evaluation`,
      access_evaluations_endpoint: `${baseUrl}/access/v1/evaluations`,
      access_request_endpoint: `${baseUrl}/access-requests`,
    });
    expect((await app.raw("gateway", { method: "POST", path: "/access/v1/evaluation", headers: {}, body: "{}" })).status).toBe(503);
  });

  it("follows the active bundle, and is signed once for each set of searches", async () => {
    const signed: JsonObject[] = [];
    const signMetadata = (claims: JsonObject) => `signed ${signed.push(claims)}`;
    await startPlain([...allow, "authzen/search/action"], () => value(true), { metadata: { baseUrl, signMetadata } });
    const body = (await (await get()).json()) as JsonObject;
    const { signed_metadata, ...rest } = body;
    expect(Object.keys(rest)).toEqual([
      ...["policy_decision_point", "access_evaluation_endpoint", "access_evaluations_endpoint", "search_action_endpoint"],
    ]);
    expect([signed_metadata, signed]).toEqual(["signed 1", [{ iss: baseUrl, ...rest }]]);
    expect(await (await get()).json()).toEqual(body);
  });

  it("has a path of the URL after the well-known part", async () => {
    await start({}, { metadata: { baseUrl: `${baseUrl}/a/b`, signMetadata: null } });
    const response = await get("/.well-known/authzen-configuration/a/b");
    expect(await response.json()).toMatchObject({ policy_decision_point: `${baseUrl}/a/b` });
  });
});

describe("whatever is sent", () => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  const member = (good: Json) => fc.oneof({ weight: 3, arbitrary: fc.constant(good) }, json);
  const sarc = fc.record(
    {
      subject: member({ type: "user", id: "emma", properties: { roles: ["a"] } }),
      action: fc.oneof(member({ name: "tools/call" }), member({ name: "read" })),
      resource: fc.oneof(member({ type: "tool", id: "find", properties: { arguments: { a: 1 } } }), member({ type: "record", id: "r" })),
      context: member({ agent: "bot", session_id: "s" }),
    },
    { requiredKeys: [] },
  );
  const semantic = fc.constantFrom("execute_all", "deny_on_first_deny", "permit_on_first_permit", "other", 1);
  const bodies = fc.oneof(
    fc.tuple(fc.constant("evaluation"), fc.oneof(sarc, json)),
    fc.tuple(
      fc.constant("evaluations"),
      fc
        .tuple(sarc, fc.oneof(fc.array(fc.oneof(sarc, json), { maxLength: 4 }), json), fc.option(semantic))
        .map(([given, evaluations, evaluations_semantic]) => ({
          ...given,
          evaluations,
          ...(evaluations_semantic === null ? {} : { options: { evaluations_semantic } }),
        })),
    ),
  );
  const permits = (reply: unknown) => JSON.stringify(reply).includes('"decision":true');

  it.each(["tool calls", "authzen/allow"])("a policy that denies is never a permit, and no input is our fault (%s)", async (mode) => {
    if (mode === "tool calls") await start({ policy: () => deny() });
    else await startPlain(allow, () => value(false));
    await fc.assert(
      fc.asyncProperty(bodies, async ([path, body]) => {
        const { status, body: reply } = await ask(path, body);
        expect([status < 500, permits(reply)]).toEqual([true, false]);
      }),
      { numRuns: 300 },
    );
  });

  it("a single permit is of an evaluation that is well formed", async () => {
    await startPlain(allow, () => value(true));
    await fc.assert(
      fc.asyncProperty(fc.oneof(sarc, json), async (body) => {
        fc.pre(isStrict(body));
        const { status } = await ask("evaluation", body);
        expect(status).toBe(isWellFormed(body) ? 200 : 400);
      }),
      { numRuns: 300 },
    );
  });
});

/** Whether the edge reads it at all. */
function isStrict(body: unknown): boolean {
  try {
    return parseStrictJson(Buffer.from(JSON.stringify(body)), { depthMax: 32, nodesMax: 10_000 }) !== undefined;
  } catch {
    return false;
  }
}

/** By the text of the specification, and not by our schema. */
function isWellFormed(body: unknown): boolean {
  const object = (given: unknown): given is Record<string, unknown> => typeof given === "object" && given !== null && !Array.isArray(given);
  const optional = (given: unknown) => given === undefined || object(given);
  const has = (given: unknown, ...names: string[]) =>
    object(given) && names.every((name) => typeof given[name] === "string") && optional(given.properties);
  return (
    object(body) &&
    has(body.subject, "type", "id") &&
    has(body.resource, "type", "id") &&
    has(body.action, "name") &&
    optional(body.context)
  );
}
