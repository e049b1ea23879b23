import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createPep } from "../../examples/authzen/pep.ts";
import { createTodos } from "../../examples/authzen/todos.ts";
import { toolPath } from "../../scripts/tools/find.ts";
import { replyProblems } from "../helpers/authzen.ts";
import { buildOpaBundle } from "../helpers/opa-server.ts";
import { cleanUp, post, type RunningService, startService } from "../helpers/service.ts";

const opa = await toolPath("opa");
if (opa === undefined) console.error("SKIPPED: the AuthZEN todo scenario compiles policies and needs OPA");

interface Case {
  readonly request: object;
  readonly expected: unknown;
}

/** The decisions of the AuthZEN working group's todo scenario, for draft 02 of the API and later. */
const decisions = JSON.parse(readFileSync("test/fixtures/authzen-todo/decisions.json", "utf8")) as Record<
  "evaluation" | "evaluations",
  readonly Case[]
>;
const rick = "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs";
const morty = "CiRmZDE2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs";

let service: RunningService;
let folder = "";

beforeAll(async () => {
  if (opa === undefined) return;
  folder = mkdtempSync(join(tmpdir(), "remit-todo-"));
  const { var_dir: _own, ...config } = parse(readFileSync("examples/authzen/remit.yaml", "utf8")) as {
    var_dir: string;
    bundle: { entrypoints: string[] };
  };
  const source = join(folder, "todo.tar.gz");
  writeFileSync(source, buildOpaBundle(opa, "examples/authzen/policy", config.bundle.entrypoints));
  service = await startService({ config: { ...config, listen: { port: 0 }, bundle: { ...config.bundle, source } } });
}, 60_000);

afterAll(async () => {
  if (opa === undefined) return;
  await service.stop();
  cleanUp(service);
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(opa === undefined)("the todo scenario", () => {
  it("has 40 evaluations and 3 of many", () => {
    expect([decisions.evaluation.length, decisions.evaluations.length]).toEqual([40, 3]);
  });

  it.each(decisions.evaluation.map((one, index) => [index, one] as const))("evaluation %i", async (_index, { request, expected }) => {
    const { status, body } = await post(`${service.url}/access/v1/evaluation`, request);
    expect(replyProblems("evaluation", body)).toEqual([]);
    expect([status, body]).toEqual([200, { decision: expected }]);
  });

  // The scenario's runner compares the text.
  it.each(decisions.evaluations.map((one, index) => [index, one] as const))("evaluations %i", async (_index, { request, expected }) => {
    const { status, body } = await post(`${service.url}/access/v1/evaluations`, request);
    expect(replyProblems("evaluations", body)).toEqual([]);
    expect([status, JSON.stringify(body.evaluations)]).toEqual([200, JSON.stringify(expected)]);
  });
});

describe.skipIf(opa === undefined)("the example", () => {
  it("lets pass, refuses, and lets nothing pass when nobody answers", async () => {
    const faults: string[] = [];
    const todos = createTodos(
      createPep({ url: service.url, apiKey: undefined, timeoutMs: 2000, onFault: (line) => void faults.push(line) }),
    );
    await new Promise<void>((resolve) => todos.listen(0, "127.0.0.1", resolve));
    const send = async (method: string, id: string, user: string) => {
      const url = `http://127.0.0.1:${(todos.address() as AddressInfo).port}/todos/${id}`;
      return (await fetch(url, { method, headers: { "x-user": user } })).status;
    };
    try {
      expect(await send("PUT", "2", morty)).toBe(200);
      expect(await send("PUT", "1", morty)).toBe(403);
      expect(await send("DELETE", "1", "nobody")).toBe(403);
      expect(faults).toEqual([]);
      service.kill("SIGKILL");
      await expect.poll(() => send("PUT", "1", rick)).toBe(503);
      expect(faults.length).toBeGreaterThan(0);
    } finally {
      todos.closeAllConnections();
      todos.close();
    }
  });
});

/** As a gateway sends it that follows COAZ-MCP and maps the arguments. */
describe("the default bundle", () => {
  const call = (id: string, args: object) => ({
    subject: { type: "identity", id: "emma", properties: { roles: ["support"] } },
    action: { name: "tools/call" },
    resource: { type: "tool", id, properties: { server: "crm", arguments: args } },
    context: { agent: "support-bot", session_id: "s-1" },
  });

  it("judges tool calls, sees their arguments, and permits nothing when it is gone", async () => {
    const remit = await startService();
    try {
      const ask = async (body: object) => (await post(`${remit.url}/access/v1/evaluation`, body)).body;
      expect(await ask(call("search_customers", { q: "smith" }))).toEqual({ decision: true });
      const denied = await ask(call("delete_customer", { id: "c-17" }));
      expect(replyProblems("evaluation", denied)).toEqual([]);
      expect(denied).toMatchObject({ decision: false, context: { reason_user: { role_not_permitted: expect.any(String) } } });
      const blind = await ask({
        ...call("search_customers", {}),
        resource: { type: "tool", id: "search_customers", properties: { server: "crm" } },
      });
      expect(blind).toMatchObject({ decision: false, context: { reason_user: { arguments_unknown: expect.any(String) } } });
      await expect.poll(() => remit.records().map(({ dialect }) => dialect)).toEqual(["authzen", "authzen", "authzen"]);
      const { evaluation_id } = (denied as { context: { evaluation_id: string } }).context;
      expect(remit.records().some(({ decision_id }) => decision_id === evaluation_id)).toBe(true);
      remit.kill("SIGKILL");
      const pep = createPep({ url: remit.url, apiKey: undefined, timeoutMs: 2000, onFault: () => undefined });
      await expect.poll(() => pep(call("search_customers", { q: "smith" }))).toBe("unanswered");
    } finally {
      remit.kill("SIGKILL");
      cleanUp(remit);
    }
  });
});
