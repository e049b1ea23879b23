import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { CallToolResultSchema, type Tool } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { apiKeyOf, GatewayConfig } from "../../../examples/mcp-gateway/config.ts";
import { createDecideClient, type DecideClient } from "../../../examples/mcp-gateway/decide-client.ts";
import { createGateway, decisionIdKey } from "../../../examples/mcp-gateway/gateway.ts";
import type { Upstream } from "../../../examples/mcp-gateway/upstream.ts";

const allow = { decision_id: "d-1", allow: true, reasons: [], obligations: [] };
const deny = { decision_id: "d-2", allow: false, reasons: [{ code: "no", message: "m", remedy: "r" }], obligations: [] };

let server: Server;
let answer: (response: ServerResponse, body: string) => void;
let requests: { url: string | undefined; key: unknown; body: string }[];
let client: DecideClient;
let faults: string[];

beforeEach(async () => {
  requests = [];
  faults = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      requests.push({ url: request.url, key: request.headers["x-api-key"], body });
      answer(response, body);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  client = createDecideClient({ url: `${urlOf(server)}/`, timeoutMs: 200, apiKey: "k-1", onFault: (line) => faults.push(line) });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

function urlOf(listening: Server): string {
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

function reply(status: number, body: unknown): void {
  answer = (response) => response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
}

/** Answers that no reader may take for a yes, and the code of the refusal. */
const notAllowed: [string, number, unknown, string][] = [
  ["a 500", 500, "oops", "remit_failed"],
  ["a 500 that says yes", 500, allow, "remit_failed"],
  ["a 201 that says yes", 201, allow, "remit_failed"],
  ["a problem", 503, { allow: false, code: "not_ready", detail: "starting", instance: "r-1" }, "not_ready"],
  ["garbage", 200, "<html>", "remit_answer_invalid"],
  ["an empty body", 200, "", "remit_answer_invalid"],
  ["null", 200, "null", "remit_answer_invalid"],
  ["true", 200, "true", "remit_answer_invalid"],
  ["a list", 200, [allow], "remit_answer_invalid"],
  ["an allow that is text", 200, { ...allow, allow: "true" }, "remit_answer_invalid"],
  ["an allow that is 1", 200, { ...allow, allow: 1 }, "remit_answer_invalid"],
  ["an allow without obligations", 200, { allow: true, decision_id: "d-1" }, "remit_answer_invalid"],
  ["an allow without a decision id", 200, { allow: true, obligations: [] }, "remit_answer_invalid"],
  ["a deny without reasons", 200, { ...deny, reasons: [] }, "remit_answer_invalid"],
  ["an unknown obligation", 200, { ...allow, obligations: [{ id: "o", type: "redact", properties: {} }] }, "obligation_unknown"],
  ["an obligation that is not one", 200, { ...allow, obligations: [null] }, "obligation_unknown"],
  ["a problem that says yes", 400, { allow: true, code: "x", detail: "d", instance: "i" }, "remit_failed"],
  ["two documents", 200, `${JSON.stringify(allow)}${JSON.stringify(deny)}`, "remit_answer_invalid"],
  ["a deny", 200, deny, "no"],
];

describe("decide", () => {
  it("allows on a clear yes, and sends the key", async () => {
    reply(200, allow);

    expect(await client.decide({ tool: { name: "t" } })).toEqual({ allow: true, decisionId: "d-1" });
    expect(requests).toEqual([{ url: "/decide", key: "k-1", body: '{"tool":{"name":"t"}}' }]);
  });

  it.each(notAllowed)("never takes %s for a yes", async (_name, status, body, code) => {
    reply(status, body);

    expect(await client.decide({})).toMatchObject({ allow: false, reasons: [{ code, message: expect.stringMatching(/./) }] });
  });

  it("refuses when there is no answer in time", async () => {
    answer = () => {};
    expect(await client.decide({})).toMatchObject({ allow: false, reasons: [{ code: "remit_timeout" }] });
  });

  it("refuses when the body stops halfway", async () => {
    answer = (response) => void response.writeHead(200).write(JSON.stringify(allow));
    expect(await client.decide({})).toMatchObject({ allow: false, reasons: [{ code: "remit_timeout" }] });
  });

  it("follows no redirect", async () => {
    answer = (response) => response.writeHead(307, { location: "/elsewhere" }).end();

    expect(await client.decide({})).toMatchObject({ allow: false });
    expect(requests).toHaveLength(1);
  });

  it("refuses when the connection breaks", async () => {
    answer = (response) => response.destroy();
    const verdict = await client.decide({});

    expect(verdict).toMatchObject({ allow: false, reasons: [{ code: "remit_unreachable" }] });
    expect(faults).toEqual([expect.stringMatching(/^no answer from remit on `decide`: /)]);
    expect(JSON.stringify(verdict)).not.toContain("127.0.0.1");
  });

  it("refuses when the caller gives up, and does not ask", async () => {
    reply(200, allow);

    expect(await client.decide({}, AbortSignal.abort())).toMatchObject({ allow: false, reasons: [{ code: "remit_unreachable" }] });
    expect(requests).toEqual([]);
  });

  it("refuses an answer without an end", async () => {
    const chunk = Buffer.alloc(1024 * 1024, " ");
    answer = (response) => {
      const more = () => response.write(chunk, () => !response.destroyed && more());
      response.writeHead(200);
      more();
    };
    const patient = createDecideClient({ url: urlOf(server), timeoutMs: 20_000, apiKey: undefined, onFault: (line) => faults.push(line) });

    expect(await patient.decide({})).toMatchObject({ allow: false, reasons: [{ code: "remit_unreachable" }] });
    expect(faults).toEqual([expect.stringContaining("longer than 4194304 bytes")]);
  });
});

describe("decideAll", () => {
  it("asks in chunks of 25 and keeps the order", async () => {
    answer = (response, body) => {
      const { calls } = JSON.parse(body) as { calls: number[] };
      response.end(JSON.stringify({ decisions: calls.map((call) => (call % 2 === 0 ? allow : deny)) }));
    };
    const verdicts = await client.decideAll(Array.from({ length: 51 }, (_, index) => index));

    expect(verdicts.map((verdict) => verdict.allow)).toEqual(Array.from({ length: 51 }, (_, index) => index % 2 === 0));
    expect(requests.map(({ url }) => url)).toEqual(["/decide/batch", "/decide/batch", "/decide/batch"]);
  });

  it.each([
    ["too few decisions", 200, { decisions: [allow] }],
    ["too many decisions", 200, { decisions: [allow, allow, allow] }],
    ["a single decision", 200, allow],
    ["a 500", 500, { decisions: [allow, allow] }],
  ])("refuses all on %s", async (_name, status, body) => {
    reply(status, body);
    expect(await client.decideAll([1, 2])).toMatchObject([{ allow: false }, { allow: false }]);
  });

  it.each(notAllowed.filter(([, status]) => status === 200).map(([name, , body]) => [name, body] as const))(
    "never takes %s among the decisions for a yes",
    async (_name, body) => {
      let decision: unknown = body;
      if (typeof body === "string") decision = body === "null" ? null : body;
      reply(200, { decisions: [decision, allow] });

      expect(await client.decideAll([1, 2])).toMatchObject([{ allow: false }, { allow: true }]);
    },
  );
});

describe("gateway", () => {
  const tools: Tool[] = [
    { name: "look", inputSchema: { type: "object" }, annotations: { readOnlyHint: true } },
    { name: "long_task", inputSchema: { type: "object" }, execution: { taskSupport: "required" } },
    { name: "change", inputSchema: { type: "object" } },
  ];
  let ran: unknown[];

  const files: Upstream = {
    name: "files",
    listTools: async () => tools,
    findTool: async (name) => tools.find((tool) => tool.name === name),
    async callTool(name, args) {
      ran.push({ name, args });
      return { content: [{ type: "text", text: "done" }] };
    },
    close: async () => {},
  };
  const broken: Upstream = { ...files, name: "broken", listTools: () => Promise.reject(new Error("gone")) };

  async function connect(upstreams: readonly Upstream[] = [files], remit: DecideClient = client): Promise<Client> {
    ran = [];
    const caller = () => ({ subject: { id: "emma", roles: ["viewer"] }, session: { id: "s-1" } });
    const byName = new Map(upstreams.map((upstream) => [upstream.name, upstream]));
    const gateway = createGateway({ remit, upstreams: byName, caller, log: (line) => faults.push(line) });
    const [near, far] = InMemoryTransport.createLinkedPair();
    await gateway.connect(far);
    const agent = new Client({ name: "test", version: "0" });
    await agent.connect(near);
    return agent;
  }

  const call = (agent: Client) => agent.callTool({ name: "files__look", arguments: { path: "a", deep: [{ n: 1 }] } });

  it("forwards exactly what was decided, and names the decision", async () => {
    reply(200, allow);
    const result = await call(await connect());

    expect(result).toEqual({ content: [{ type: "text", text: "done" }], _meta: { [decisionIdKey]: "d-1" } });
    expect(ran).toEqual([{ name: "look", args: { path: "a", deep: [{ n: 1 }] } }]);
    expect(requests.map(({ url, body }) => [url, JSON.parse(body)])).toEqual([
      [
        "/decide",
        {
          tool: { server: "files", name: "look", annotations: { readOnlyHint: true } },
          arguments: { path: "a", deep: [{ n: 1 }] },
          subject: { id: "emma", roles: ["viewer"] },
          session: { id: "s-1" },
          request: { method: "tools/call", id: expect.stringMatching(/^\d+$/) },
        },
      ],
      ["/outcomes", { decision_id: "d-1", status: "completed", result: { content: [{ type: "text", text: "done" }] } }],
    ]);
  });

  it("tells that a call failed, and passes the failure on", async () => {
    reply(200, allow);
    const failing: Upstream = { ...files, callTool: () => Promise.reject(new Error("the server is gone")) };

    await expect(call(await connect([failing]))).rejects.toThrow("the server is gone");

    expect(JSON.parse(requests.at(-1)?.body ?? "")).toEqual({ decision_id: "d-1", status: "failed" });
  });

  it("gives the result although Remit does not take the outcome, and says so in its log", async () => {
    answer = (response, body) => {
      response.writeHead(body.includes(`"decision_id"`) ? 503 : 200, { "content-type": "application/json" }).end(JSON.stringify(allow));
    };

    expect(await call(await connect())).toMatchObject({ content: [{ text: "done" }] });
    expect(faults.join("\n")).toContain("the outcome of `d-1` was not taken");
  });

  it.each(notAllowed)("does not forward on %s", async (_name, status, body, code) => {
    reply(status, body);
    const result = await call(await connect());

    expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining(`\n- ${code}: `) }] });
    expect(ran).toEqual([]);
  });

  it("does not forward when there is no answer in time", async () => {
    answer = () => {};
    expect(await call(await connect())).toMatchObject({ isError: true });
    expect(ran).toEqual([]);
  });

  it("tells code, message, remedy and decision", async () => {
    reply(200, deny);

    expect(await call(await connect())).toEqual({
      isError: true,
      content: [{ type: "text", text: "not allowed; `files__look` did not run\n- no: m\n  remedy: r\ndecision_id: d-2" }],
      _meta: { [decisionIdKey]: "d-2" },
    });
  });

  it.each(["look", "files", "files__", "files__none", "other__look", "__look", "files__look__look"])("knows no tool `%s`", async (name) => {
    reply(200, allow);

    expect(await (await connect()).callTool({ name })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining("tool_unknown") }],
    });
    expect([ran, requests]).toEqual([[], []]);
  });

  it("refuses a task before it asks", async () => {
    reply(200, allow);
    const agent = await connect();
    const params = { name: "files__look", arguments: {}, task: { ttl: 1000 } };

    await expect(agent.request({ method: "tools/call", params }, CallToolResultSchema)).rejects.toThrow("does not support task creation");
    expect([ran, requests]).toEqual([[], []]);
  });

  it("lists what is allowed, and asks with empty arguments", async () => {
    reply(200, { decisions: [allow, deny] });

    expect((await (await connect()).listTools()).tools.map((tool) => tool.name)).toEqual(["files__look"]);
    const { calls } = JSON.parse(requests[0]?.body ?? "") as { calls: { tool: object; request: object; arguments?: unknown }[] };
    expect(calls.map(({ tool }) => tool)).toMatchObject([{ name: "look" }, { name: "change" }]);
    expect(calls.map(({ request }) => request)).toMatchObject([{ method: "tools/list" }, { method: "tools/list" }]);
    expect(calls.map((item) => item.arguments)).toEqual([{}, {}]);
  });

  it.each([
    ["is down", (response: ServerResponse) => response.destroy()],
    ["fails", (response: ServerResponse) => response.writeHead(500).end()],
    ["answers for fewer", (response: ServerResponse) => response.end(JSON.stringify({ decisions: [allow] }))],
  ])("lists nothing when Remit %s", async (_name, respond) => {
    answer = (response) => void respond(response);
    expect((await (await connect()).listTools()).tools).toEqual([]);
  });

  it("hides a tool for which there is no verdict", async () => {
    const remit: DecideClient = { ...client, decideAll: async () => [{ allow: true, decisionId: "d-1" }] };
    expect((await (await connect([files], remit)).listTools()).tools.map((tool) => tool.name)).toEqual(["files__look"]);
  });

  it("lists the tools of the other servers when one is broken", async () => {
    reply(200, { decisions: [allow, allow] });

    expect((await (await connect([broken, files])).listTools()).tools.map((tool) => tool.name)).toEqual(["files__look", "files__change"]);
    expect(faults).toEqual([expect.stringContaining("`broken` does not list its tools")]);
  });
});

describe("configuration", () => {
  const base = { caller: { subject: { id: "u" }, agent: { id: "a" } }, servers: { s: { command: "c" } } };
  const config = GatewayConfig.parse({ ...base, remit: { url: "http://127.0.0.1:1", api_key_env: "KEY" } });

  it("refuses to start without the key that is configured", () => {
    expect(apiKeyOf(config, { KEY: "k" })).toBe("k");
    expect(() => apiKeyOf(config, {})).toThrow("set the environment variable `KEY`");
  });

  it.each(["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://remit.example/x"])("asks at %s", (url) => {
    expect(GatewayConfig.safeParse({ ...base, remit: { url } }).success).toBe(true);
  });

  it.each(["http://remit.example", "http://127.0.0.1.example", "http://10.0.0.1", "ftp://127.0.0.1", "nonsense"])(
    "does not ask at %s",
    (url) => {
      expect(GatewayConfig.safeParse({ ...base, remit: { url } }).success).toBe(false);
    },
  );

  it.each(["a__b", "_a", "a_", "a b", "", "__proto__"])("refuses a server named `%s`", (name) => {
    const servers = Object.fromEntries([[name, { command: "c" }]]);
    expect(GatewayConfig.safeParse({ ...base, remit: { url: "http://127.0.0.1:1" }, servers }).success).toBe(false);
  });
});
