import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { cleanUp, post, type RunningService, startService } from "../helpers/service.ts";

const root = resolve(import.meta.dirname, "../..");
const who = ["x-remit-subject: vera", "x-remit-agent: desk-assistant"];

let service: RunningService;
let folder: string;
let clients: Client[] = [];

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "remit-mcp-")));
  writeFileSync(join(folder, "note.txt"), "mail anna@example.org");
  // The shipped file, so that it is known to work.
  const { dialects } = parse(readFileSync(join(root, "examples/mcp-raw/remit.yaml"), "utf8"));
  service = await startService({ config: { dialects } });
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
});
afterAll(() => {
  service.kill("SIGKILL");
  cleanUp(service);
  rmSync(folder, { recursive: true, force: true });
});

/** A real client, the example in a process of its own, and a real server behind it. */
async function connect(role: string, session: string): Promise<Client> {
  const client = new Client({ name: "test", version: "0" });
  clients.push(client);
  const headers = [...who, `x-remit-roles: ${role}`, `x-remit-session: ${session}`].flatMap((line) => ["--header", line]);
  const gateway = [join(root, "examples/mcp-raw/main.ts"), "--remit", service.url, "--timeout_ms", "10000", "--server", "filesystem"];
  const server = ["--", join(root, "node_modules/.bin/mcp-server-filesystem"), folder];
  const args = ["--import", "tsx", ...gateway, ...headers, ...server];
  const env = { PATH: process.env.PATH ?? "" };
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, cwd: root, stderr: "ignore" }));
  return client;
}

const call = (client: Client, name: string, args: Record<string, unknown>) => client.callTool({ name, arguments: args });
const textOf = (result: Awaited<ReturnType<typeof call>>) => (result.content as { text?: string }[])[0]?.text;

it("an allow runs, with the arguments that were judged, and its result commits the call", async () => {
  const client = await connect("viewer", "s-read");
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain("read_text_file");

  expect(textOf(await call(client, "read_text_file", { path: join(folder, "note.txt") }))).toBe("mail anna@example.org");

  await expect
    .poll(() => service.records().find((line) => (line.call as { tool?: string } | undefined)?.tool === "read_text_file"))
    .toMatchObject({
      call: { server: "filesystem", subject: "vera", agent: "desk-assistant" },
      result: { outcome: "allow" },
      input: {
        call: { method: "tools/call", arguments: { path: join(folder, "note.txt") }, arguments_known: true },
        session: { id: "s-read" },
      },
    });
  await expect.poll(() => service.records().map(({ event }) => event)).toContain("outcome_reported");
});

it("a deny leaves nothing, and says why", async () => {
  const client = await connect("viewer", "s-write");
  const path = join(folder, "new.txt");

  await expect(call(client, "write_file", { path, content: "x" })).rejects.toThrow(/role_not_permitted/);
  expect(existsSync(path)).toBe(false);
});

it("what a client answers is not taken for the result of a call", async () => {
  const headers = { "x-remit-subject": "vera", "x-remit-roles": "viewer", "x-remit-session": "s-forged", "x-remit-server": "filesystem" };
  const ask = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "read_text_file", arguments: { path: "a" } } };
  expect((await post(`${service.url}/mcp`, ask, headers)).status).toBe(200);
  const result = { jsonrpc: "2.0", id: 1, result: { content: [{ type: "text", text: "made up" }] } };
  const outcomes = async () =>
    Number(/^remit_outcomes_total\{[^}]*\} (\d+)/m.exec(await (await fetch(`${service.url}/metrics`)).text())?.[1] ?? 0);
  const before = await outcomes();

  expect((await post(`${service.url}/mcp`, result, headers)).body).toEqual({ allow: true });
  expect(await outcomes()).toBe(before);
  expect((await post(`${service.url}/mcp/server`, result, headers)).body).toEqual({ allow: true });
  expect(await outcomes()).toBe(before + 1);
});

// Last: it ends the service.
it("when Remit is killed nothing runs any more", async () => {
  const client = await connect("editor", "s-end");
  const make = (name: string) => call(client, "create_directory", { path: join(folder, name) });
  await make("before");
  expect(existsSync(join(folder, "before"))).toBe(true);

  const ended = new Promise((done) => service.process.once("exit", done));
  service.kill("SIGKILL");
  await ended;

  await expect(make("after")).rejects.toThrow(/remit gave no answer/);
  expect(existsSync(join(folder, "after"))).toBe(false);
});
