import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { type CrmServer, startCrm } from "../helpers/mcp-server.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";
import { buildToolhive, type Started, startWithUrl } from "../helpers/toolhive.ts";

const shipped = (file: string) => parse(readFileSync(resolve(import.meta.dirname, "../../examples/toolhive", file), "utf8"));
const proxy = buildToolhive();
const secret = randomBytes(32).toString("hex");
const emma = { sub: "emma", roles: ["support"], client_id: "support-bot" };

let crm: CrmServer;
let signed: RunningService;
let plain: RunningService;
let folder: string;
let started: Started[] = [];
let clients: Client[] = [];

if (proxy !== null) {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "remit-toolhive-"));
    crm = await startCrm();
    const { auth } = shipped("remit.yaml");
    auth.peps[0].webhook_secrets = [secret];
    [signed, plain] = await Promise.all([startService({ config: { auth } }), startService()]);
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    for (const { process } of started) process.kill("SIGKILL");
    [started, clients] = [[], []];
    crm.ran.length = 0;
  });
  afterAll(async () => {
    for (const service of [signed, plain]) {
      service.kill("SIGKILL");
      cleanUp(service);
    }
    await crm.close();
    rmSync(folder, { recursive: true, force: true });
  });
}

/** ToolHive's middleware in front of the server, as configured by the shipped file. */
async function behind(option: "-webhooks" | "-authz", config: object): Promise<Client> {
  const file = join(folder, `${started.length}${option}.yaml`);
  writeFileSync(file, stringify(config));
  const upstream = new URL(crm.url).origin;
  const args = ["-upstream", upstream, "-server", "crm", option, file, "-claims", JSON.stringify(emma)];
  const toolhive = await startWithUrl(proxy ?? "", args, { PATH: process.env.PATH ?? "" });
  started.push(toolhive);
  const client = new Client({ name: "test", version: "0" });
  clients.push(client);
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", toolhive.url)) as never);
  return client;
}

function webhook(changes: { url?: string; failure_policy?: string; secret?: string } = {}): Promise<Client> {
  const config = shipped("webhooks.yaml");
  const [only] = config.validating;
  const key = join(folder, `secret-${started.length}`);
  writeFileSync(key, changes.secret ?? secret, { mode: 0o600 });
  const url = `${changes.url ?? signed.url}${new URL(only.url).pathname}`;
  Object.assign(only, { url, hmac_secret_ref: key, failure_policy: changes.failure_policy ?? only.failure_policy });
  return behind("-webhooks", config);
}

function authorizer(): Promise<Client> {
  const config = shipped("authz.yaml");
  config.pdp.http.url = plain.url;
  return behind("-authz", config);
}

const search = (client: Client) => client.callTool({ name: "search_customers", arguments: { q: "smith" } });
const remove = (client: Client) => client.callTool({ name: "delete_customer", arguments: { id: "c-17" } });
const last = (service: RunningService) =>
  service
    .records()
    .filter(({ result }) => (result as { outcome?: string }).outcome !== undefined)
    .at(-1);

describe.skipIf(proxy === null)("the validating webhook, signed", () => {
  it("lets an allowed call pass, and the policy sees who asks and the arguments", async () => {
    const client = await webhook();
    expect(await search(client)).toMatchObject({ content: [{ text: "search_customers ran" }] });
    expect(crm.ran).toEqual([{ tool: "search_customers", args: { q: "smith" } }]);
    await expect
      .poll(() => last(signed))
      .toMatchObject({
        call: { server: "crm", tool: "search_customers", subject: "emma", agent: "support-bot" },
        pep: { id: "toolhive" },
        input: { call: { arguments: { q: "smith" }, arguments_known: true }, request: { origin: { ip: "127.0.0.1" } } },
      });
  });

  it("a denied call does not run", async () => {
    const client = await webhook();
    await expect(remove(client)).rejects.toThrow(/denied by policy/);
    expect(crm.ran).toEqual([]);
  });

  it("a signature by another secret lets nothing pass, not even where failures are ignored", async () => {
    await expect(webhook({ secret: "x".repeat(64) })).rejects.toThrow(/denied by policy/);
    await expect(webhook({ secret: "x".repeat(64), failure_policy: "ignore" })).rejects.toThrow(/denied by policy/);
  });
});

describe.skipIf(proxy === null)("the authorizer", () => {
  it("lets an allowed call pass, and the policy sees who asks and the arguments", async () => {
    const client = await authorizer();
    expect(await search(client)).toMatchObject({ content: [{ text: "search_customers ran" }] });
    await expect
      .poll(() => last(plain))
      .toMatchObject({ call: { server: "crm", subject: "emma" }, input: { call: { arguments: { q: "smith" }, arguments_known: true } } });
  });

  it("a denied call does not run, and is not listed", async () => {
    const client = await authorizer();
    await expect(remove(client)).rejects.toThrow();
    expect(crm.ran).toEqual([]);
    expect((await client.listTools()).tools.map(({ name }) => name)).not.toContain("delete_customer");
  });
});

// Last: it ends both services.
describe.skipIf(proxy === null)("when Remit is killed", () => {
  it("nothing passes any more, except where ToolHive is told to ignore that", async () => {
    const [hooked, authorized, ignoring] = [await webhook(), await authorizer(), await webhook({ failure_policy: "ignore" })];
    await search(hooked);
    crm.ran.length = 0;
    const ended = [signed, plain].map((service) => new Promise((done) => service.process.once("exit", done)));
    for (const service of [signed, plain]) service.kill("SIGKILL");
    await Promise.all(ended);

    await expect(search(hooked)).rejects.toThrow();
    await expect(search(authorized)).rejects.toThrow();
    expect(crm.ran).toEqual([]);
    await search(ignoring);
    expect(crm.ran).toHaveLength(1);
  });
});
