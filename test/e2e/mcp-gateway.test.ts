import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

const root = resolve(import.meta.dirname, "../..");
const bin = (name: string) => join(root, "node_modules/.bin", name);

let service: RunningService;
let folder: string;
let clients: Client[] = [];

beforeAll(async () => {
  // The file system server compares real paths, and the temporary folder may be behind a link.
  folder = realpathSync(mkdtempSync(join(tmpdir(), "remit-gateway-")));
  service = await startService();
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

/** A real client of a gateway process in front of a real server, for a subject with `role`. */
async function connect(server: string, role: string, args: readonly string[]): Promise<Client> {
  // From the shipped file, so that it is known to load.
  const shipped = parse(readFileSync(join(root, "examples/mcp-gateway/config.yaml"), "utf8")) as Record<string, object>;
  const config = {
    ...shipped,
    remit: { ...shipped.remit, url: service.url, timeout_ms: 5000 },
    upstream: { name: server, command: bin(`mcp-server-${server}`), args },
    subject: { id: `user-${role}`, roles: [role] },
  };
  const file = join(service.varDir, `gateway-${server}-${role}.yaml`);
  writeFileSync(file, stringify(config));
  const client = new Client({ name: "test", version: "0" });
  clients.push(client);
  const command = ["--import", "tsx", join(root, "examples/mcp-gateway/main.ts"), "--config", file];
  await client.connect(new StdioClientTransport({ command: process.execPath, args: command, cwd: root, stderr: "ignore" }));
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown>): Promise<{ isError: boolean; text: string }> {
  const result = await client.callTool({ name, arguments: args });
  const content = result.content as { type: string; text?: string }[];
  return { isError: result.isError === true, text: content.map((part) => part.text ?? "").join("\n") };
}

const namesOf = async (client: Client) => (await client.listTools()).tools.map((tool) => tool.name);

describe("in front of the file system server", () => {
  it("forwards an allowed read", async () => {
    writeFileSync(join(folder, "note.txt"), "content of the note");
    const client = await connect("filesystem", "viewer", [folder]);

    expect(await call(client, "read_text_file", { path: join(folder, "note.txt") })).toEqual({
      isError: false,
      text: "content of the note",
    });
    await expect.poll(() => decisionsOn("read_text_file")).toContainEqual({ outcome: "allow", subject: "user-viewer" });
  });

  it("refuses a write that no role permits, with reasons, and nothing is written", async () => {
    const path = join(folder, "new.txt");
    const client = await connect("filesystem", "viewer", [folder]);
    const { isError, text } = await call(client, "write_file", { path, content: "x" });

    expect(isError).toBe(true);
    expect(text).toMatch(/^role_not_permitted: .+ \(ask the operator .+\)$/m);
    expect(existsSync(path)).toBe(false);
    const id = /^decision_id: (.+)$/m.exec(text)?.[1];
    await expect.poll(() => service.records().find((record) => record.decision_id === id)).toMatchObject({ result: { outcome: "deny" } });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(countOf(metrics, "read_text_file", "allow")).toBeGreaterThan(0);
    expect(countOf(metrics, "write_file", "deny")).toBeGreaterThan(0);
  });

  it("lists only what would be allowed", async () => {
    const names = await namesOf(await connect("filesystem", "viewer", [folder]));

    expect(names).toContain("read_text_file");
    expect(names).not.toContain("write_file");
    expect(names).not.toContain("search_files");
    expect(await namesOf(await connect("filesystem", "analyst", [folder]))).toContain("search_files");
  });

  it("does not ask about a tool that the server does not have", async () => {
    const client = await connect("filesystem", "viewer", [folder]);
    expect(await call(client, "no_such_tool", {})).toMatchObject({ isError: true, text: expect.stringContaining("tool_unknown") });
  });
});

describe("in front of the server with everything", () => {
  it("forwards, refuses and filters", async () => {
    const client = await connect("everything", "viewer", ["stdio"]);

    expect(await call(client, "echo", { message: "hello" })).toEqual({ isError: false, text: "Echo: hello" });
    expect(await call(client, "get-env", {})).toMatchObject({ isError: true, text: expect.stringContaining("role_not_permitted") });
    const names = await namesOf(client);
    expect(names).toContain("echo");
    expect(names).not.toContain("get-env");
  });
});

// Last: it ends the service.
describe("when Remit is down", () => {
  it("refuses what it allowed before and shows no tool", async () => {
    const client = await connect("filesystem", "viewer", [folder]);
    const read = () => call(client, "read_text_file", { path: join(folder, "note.txt") });
    expect((await read()).isError).toBe(false);

    const ended = new Promise((done) => service.process.once("exit", done));
    service.kill("SIGKILL");
    await ended;

    expect(await read()).toMatchObject({ isError: true, text: expect.stringContaining("remit_unreachable") });
    expect(await namesOf(client)).toEqual([]);
  });
});

function decisionsOn(tool: string): unknown[] {
  const records = service.records() as unknown as { call: { tool: string; subject: string }; result: { outcome: string } }[];
  return records
    .filter((record) => record.call.tool === tool)
    .map((record) => ({ outcome: record.result.outcome, subject: record.call.subject }));
}

function countOf(metrics: string, tool: string, decision: string): number {
  const labels = [`tool="${tool}"`, `decision="${decision}"`];
  const line = metrics
    .split("\n")
    .find((text) => text.startsWith("remit_tool_decisions_total{") && labels.every((label) => text.includes(label)));
  return Number(line?.split(" ").at(-1) ?? 0);
}
