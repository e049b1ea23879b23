import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { decisionIdKey } from "../../examples/mcp-gateway/gateway.ts";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

const root = resolve(import.meta.dirname, "../..");
const apiKey = generateApiKey("mcp-gateway");

let service: RunningService;
let folder: string;
let clients: Client[] = [];

beforeAll(async () => {
  // The file system server compares real paths, and the temporary folder may be behind a link.
  folder = realpathSync(mkdtempSync(join(tmpdir(), "remit-gateway-")));
  writeFileSync(join(folder, "note.txt"), "content of the note");
  const pep = { id: "mcp-gateway", asserts_subject: true, api_keys_sha256: [hashApiKey(apiKey)] };
  service = await startService({ config: { auth: { mode: "required", peps: [pep] } } });
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

/** A real client of a real gateway process in front of both real servers, for a subject with `role`. */
async function connect(role: string, key: string = apiKey, caller: object = {}): Promise<Client> {
  // From the shipped file, so that it is known to load.
  const shipped = parse(readFileSync(join(root, "examples/mcp-gateway/config.yaml"), "utf8"));
  const config = {
    ...shipped,
    remit: { ...shipped.remit, url: service.url, api_key_env: "REMIT_API_KEY", timeout_ms: 10_000 },
    caller: { ...shipped.caller, subject: { id: `user-${role}`, roles: [role] }, ...caller },
    servers: { ...shipped.servers, filesystem: { ...shipped.servers.filesystem, args: [folder] } },
  };
  const file = join(service.varDir, `gateway-${role}.yaml`);
  writeFileSync(file, stringify(config));
  const client = new Client({ name: "test", version: "0" });
  clients.push(client);
  const args = ["--import", "tsx", join(root, "examples/mcp-gateway/main.ts"), "--config", file];
  const env = { REMIT_API_KEY: key, PATH: process.env.PATH ?? "" };
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env, cwd: root, stderr: "ignore" }));
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown>) {
  const result = await client.callTool({ name, arguments: args });
  const content = result.content as { type: string; text?: string }[];
  const decisionId = result._meta?.[decisionIdKey];
  return { isError: result.isError === true, text: content.map((part) => part.text ?? "").join("\n"), decisionId };
}

const namesOf = async (client: Client) => (await client.listTools()).tools.map((tool) => tool.name);
const record = (id: unknown) => service.records().find((line) => line.decision_id === id);

async function decisions(tool: string, decision: string): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  const labels = [`tool="${tool}"`, `decision="${decision}"`];
  const isIt = (line: string) => line.startsWith("remit_tool_decisions_total{") && labels.every((label) => line.includes(label));
  return Number(metrics.split("\n").find(isIt)?.split(" ").at(-1) ?? 0);
}

async function total(decision: string): Promise<number> {
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  const lines = metrics.split("\n").filter((line) => line.startsWith("remit_decisions_total{") && line.includes(`decision="${decision}"`));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

describe("an allow", () => {
  it("runs, is recorded and counted", async () => {
    const client = await connect("viewer");
    const before = [await total("allow"), await decisions("read_text_file", "allow")];
    const { decisionId, ...result } = await call(client, "filesystem__read_text_file", { path: join(folder, "note.txt") });

    expect(result).toEqual({ isError: false, text: "content of the note" });
    await expect
      .poll(() => record(decisionId))
      .toMatchObject({
        result: { outcome: "allow", allow: true, reasons: [{ code: "role_permits" }] },
        call: { server: "filesystem", tool: "read_text_file", subject: "user-viewer", agent: "desk-assistant" },
        pep: { id: "mcp-gateway" },
        input: { call: { method: "tools/call", arguments: { path: join(folder, "note.txt") }, annotations: { readOnlyHint: true } } },
      });
    expect([await total("allow"), await decisions("read_text_file", "allow")]).toEqual(before.map((count) => count + 1));
  });

  it("reaches the server it names", async () => {
    expect(await call(await connect("viewer"), "everything__echo", { message: "hello" })).toMatchObject({
      isError: false,
      text: "Echo: hello",
    });
  });

  it("lets an editor change the disk, where a viewer may not", async () => {
    const path = join(folder, "made");
    expect(await call(await connect("viewer"), "filesystem__create_directory", { path })).toMatchObject({ isError: true });
    expect(existsSync(path)).toBe(false);

    expect(await call(await connect("editor"), "filesystem__create_directory", { path })).toMatchObject({ isError: false });
    expect(existsSync(path)).toBe(true);
  });

  it("passes progress on", async () => {
    const client = await connect("analyst");
    const seen: unknown[] = [];
    const params = { name: "everything__trigger-long-running-operation", arguments: { duration: 0.2, steps: 2 } };
    await client.callTool(params, undefined, { onprogress: (progress) => seen.push(progress) });

    expect(seen).toContainEqual(expect.objectContaining({ progress: 1, total: 2 }));
  });
});

describe("a deny", () => {
  it("says why, does not run, is recorded and counted", async () => {
    const path = join(folder, "new.txt");
    const client = await connect("viewer");
    const before = [await total("deny"), await decisions("write_file", "deny")];
    const { isError, text, decisionId } = await call(client, "filesystem__write_file", { path, content: "x" });

    expect(isError).toBe(true);
    expect(text).toMatch(
      /^not allowed; `filesystem__write_file` did not run\n- role_not_permitted: .+`update`\n {2}remedy: ask the operator/,
    );
    expect(text).toContain(`decision_id: ${decisionId}`);
    expect(existsSync(path)).toBe(false);
    await expect
      .poll(() => record(decisionId))
      .toMatchObject({
        result: {
          outcome: "deny",
          allow: false,
          reasons: expect.arrayContaining([expect.objectContaining({ code: "role_not_permitted" })]),
        },
        call: { server: "filesystem", tool: "write_file", subject: "user-viewer" },
      });
    expect([await total("deny"), await decisions("write_file", "deny")]).toEqual(before.map((count) => count + 1));
  });

  it("hides the tool from the list", async () => {
    const viewer = await namesOf(await connect("viewer"));
    const analyst = await namesOf(await connect("analyst"));

    expect(viewer).toEqual(expect.arrayContaining(["filesystem__read_text_file", "everything__echo"]));
    for (const name of ["filesystem__write_file", "filesystem__search_files", "everything__get-env"]) expect(viewer).not.toContain(name);
    expect(analyst).toContain("filesystem__search_files");
    expect(analyst).not.toContain("filesystem__write_file");
  });

  it("comes with the problem when Remit does not know the gateway", async () => {
    const client = await connect("viewer", generateApiKey("mcp-gateway"));

    expect(await call(client, "everything__echo", { message: "x" })).toMatchObject({
      isError: true,
      text: expect.stringContaining("pep_unauthenticated"),
    });
    expect(await namesOf(client)).toEqual([]);
  });
});

describe("the agent's token", () => {
  it("is read for each question, and without it nothing runs", async () => {
    const file = join(service.varDir, "agent-token");
    writeFileSync(file, "eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.\n");
    const client = await connect("viewer", apiKey, { token_file: file });
    const echo = () => call(client, "everything__echo", { message: "hello" });

    const refused = await echo();
    expect(refused).toMatchObject({ isError: true, text: expect.stringMatching(/^- token_/m) });
    await expect.poll(() => record(refused.decisionId)).toMatchObject({ token: { kind: "rejected" } });
    rmSync(file);
    await expect(echo()).rejects.toThrow(/token cannot be read; tell the operator$/);
    await expect(client.listTools()).rejects.toThrow(/token cannot be read/);
  });
});

describe("the gateway's process", () => {
  it("gives its servers none of its environment's secrets", async () => {
    // Asked directly, since the shipped policies allow `get-env` to nobody here.
    const client = new Client({ name: "test", version: "0" });
    clients.push(client);
    const { connectUpstream } = await import("../../examples/mcp-gateway/upstream.ts");
    process.env.REMIT_API_KEY = apiKey;
    const command = { command: join(root, "node_modules/.bin/mcp-server-everything"), args: ["stdio"], env: { SHOWN: "yes" } };
    const upstream = await connectUpstream("everything", command, { callTimeoutMs: 10_000, onToolsChanged: () => {}, onClosed: () => {} });
    const result = await upstream.callTool("get-env", {}, { signal: new AbortController().signal });
    await upstream.close();
    delete process.env.REMIT_API_KEY;

    expect(JSON.stringify(result)).toContain("SHOWN");
    expect(JSON.stringify(result)).not.toContain(apiKey);
  });
});

// Last: it ends the service.
describe("when Remit is killed", () => {
  it("refuses what it allowed before, runs nothing and shows no tool", async () => {
    const client = await connect("editor");
    const make = (name: string) => call(client, "filesystem__create_directory", { path: join(folder, name) });
    expect((await make("before")).isError).toBe(false);

    const ended = new Promise((done) => service.process.once("exit", done));
    service.kill("SIGKILL");
    await ended;

    expect(await make("after")).toMatchObject({ isError: true, text: expect.stringMatching(/remit_unreachable[\s\S]+decision_id: none$/) });
    expect(existsSync(join(folder, "before"))).toBe(true);
    expect(existsSync(join(folder, "after"))).toBe(false);
    expect(await namesOf(client)).toEqual([]);
  });
});
