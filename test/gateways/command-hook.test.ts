import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

const script = resolve(import.meta.dirname, "../../examples/command-hook/remit-hook.mjs");
const apiKey = generateApiKey("laptop");
const agents = ["claude-code", "codex", "copilot", "cursor"] as const;
type Agent = (typeof agents)[number];

let service: RunningService;
let folder: string;
let keyFile: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "remit-hook-"));
  keyFile = join(folder, "key");
  writeFileSync(keyFile, `${apiKey}\n`, { mode: 0o600 });
  const pep = { id: "laptop", asserts_subject: true, dialects: agents, api_keys_sha256: [hashApiKey(apiKey)] };
  const names = { subject: "x-remit-subject", roles: "x-remit-roles", server: "x-remit-server" };
  service = await startService({ config: { auth: { mode: "required", peps: [pep] }, dialects: { identity_headers: names } } });
});
afterAll(() => {
  service.kill("SIGKILL");
  cleanUp(service);
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], input: string): Promise<Ran> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["pipe", "pipe", "pipe"], env: { PATH: process.env.PATH ?? "" } });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return new Promise((done) => child.once("close", (code) => done({ code, out, err })));
}

const who = ["--header", "x-remit-subject: emma", "--header", "x-remit-roles: support", "--header", "x-remit-server: crm"];
const hook = (agent: Agent, input: string, remit = service.url) =>
  run([agent, "--remit", remit, "--api-key-file", keyFile, "--timeout-ms", "5000", ...who], input);

/** What each agent writes before it calls a tool of the MCP server `crm`. */
function useOf(agent: Agent, tool: string, args: object): string {
  const claude = { hook_event_name: "PreToolUse", session_id: "s-1", tool_name: `mcp__crm__${tool}`, tool_input: args, tool_use_id: "u-1" };
  const cursor = { hook_event_name: "beforeMCPExecution", conversation_id: "c-1", tool_name: tool, tool_input: JSON.stringify(args) };
  return JSON.stringify(agent === "cursor" ? cursor : agent === "copilot" ? { ...claude, tool_use_id: undefined } : claude);
}

/** Does the agent block on this? As its documentation says of exit status and output. */
function blocks(agent: Agent, { code, out, err }: Ran): boolean {
  if (code === 2) return agent !== "codex" || err.trim() !== "";
  if (code !== 0) return agent === "copilot";
  const said = JSON.parse(out || "{}");
  if (agent === "cursor") return said.permission === "deny";
  if (agent === "copilot") return said.permissionDecision === "deny";
  const { permissionDecision, permissionDecisionReason } = said.hookSpecificOutput ?? {};
  return permissionDecision === "deny" && permissionDecisionReason.trim() !== "";
}

describe.each(agents)("%s", (agent) => {
  it("goes on after an allow, with no opinion of ours", async () => {
    const ran = await hook(agent, useOf(agent, "search_customers", { q: "smith" }));
    expect(ran).toEqual({ code: 0, out: "{}\n", err: "" });
  });

  it("blocks after a deny, and says why", async () => {
    const ran = await hook(agent, useOf(agent, "delete_customer", { id: "c-17" }));
    expect(blocks(agent, ran)).toBe(true);
    expect(ran.out).toContain("role_not_permitted");
  });

  it.each(["", "{", "[]", "null", '{"tool_name":"x"}', "\u0000"])("blocks on the input %j", async (input) => {
    expect(blocks(agent, await hook(agent, input))).toBe(true);
  });

  it("blocks when nothing listens", async () => {
    const ran = await hook(agent, useOf(agent, "search_customers", { q: "smith" }), "http://127.0.0.1:1");
    expect([ran.code, blocks(agent, ran)]).toEqual([2, true]);
    expect(blocks(agent, { ...ran, code: 0 })).toBe(true);
  });
});

describe("blocks", () => {
  const ask = useOf("claude-code", "search_customers", { q: "smith" });
  const blocked = (ran: Ran) => expect([ran.code, blocks("claude-code", ran)]).toEqual([2, true]);

  it.each([
    ["another service's empty object", 200, "{}", {}],
    ["an opinion of another form", 200, '{"decision":"approve"}', { echo: true }],
    ["a list", 200, "[]", { echo: true }],
    ["no JSON", 200, "<html>", { echo: true }],
    ["an error", 503, "{}", { echo: true }],
    ["a redirect", 302, "", { echo: true, location: "/elsewhere" }],
    ["too much", 200, `{"x":"${"y".repeat(2_000_000)}"}`, { echo: true }],
  ])("on %s", async (_, status, body, { echo, location }: { echo?: boolean; location?: string }) => {
    const server = await answering((id) => ({
      status,
      body,
      headers: { ...(echo === true ? { "x-request-id": id } : {}), ...(location === undefined ? {} : { location }) },
    }));
    try {
      blocked(await hook("claude-code", ask, `http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("when there is no answer in time", async () => {
    const server = createServer(() => undefined);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const remit = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    blocked(await run(["claude-code", "--remit", remit, "--timeout-ms", "100"], ask));
    server.closeAllConnections();
    server.close();
  });

  it("without the key, or with one that cannot be read", async () => {
    const without = await run(["claude-code", "--remit", service.url, ...who], ask);
    expect(blocks("claude-code", without)).toBe(true);
    blocked(await run(["claude-code", "--remit", service.url, "--api-key-file", join(folder, "none")], ask));
  });

  it("on a plain address of another machine, an unknown option, an unknown agent or none", async () => {
    blocked(await run(["claude-code", "--remit", "http://remit.example"], ask));
    blocked(await run(["claude-code", "--remitt", service.url], ask));
    for (const args of [[], ["constructor"], ["codex", "cursor"]]) expect((await run(args, ask)).code).toBe(2);
  });
});

function answering(reply: (id: string) => { status: number; body: string; headers: Record<string, string> }): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    request.on("end", () => {
      const { status, body, headers } = reply(String(request.headers["x-request-id"]));
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
    });
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

// Last: it ends the service.
it("when Remit is killed every agent blocks", async () => {
  const ended = new Promise((done) => service.process.once("exit", done));
  service.kill("SIGKILL");
  await ended;
  for (const agent of agents) expect(blocks(agent, await hook(agent, useOf(agent, "search_customers", { q: "smith" })))).toBe(true);
});
