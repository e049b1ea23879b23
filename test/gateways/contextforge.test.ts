import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type ContextForge, contextForge, startContextForge } from "../helpers/contextforge.ts";
import { freePort } from "../helpers/free-port.ts";
import { eventually } from "../helpers/prometheus.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

const everything = resolve(import.meta.dirname, "../../node_modules/@modelcontextprotocol/server-everything/dist/index.js");
const { dialects } = parse(readFileSync("examples/contextforge/remit.yaml", "utf8")) as { dialects: object };

let upstream: { readonly child: ChildProcess; readonly url: string };

async function startUpstream() {
  const port = await freePort();
  const child = spawn(process.execPath, [everything, "streamableHttp"], { env: { ...process.env, PORT: String(port) }, stdio: "ignore" });
  const url = `http://127.0.0.1:${port}/mcp`;
  await eventually("the MCP server answers", async () => (await fetch(url)).status > 0);
  return { child, url };
}

interface Setup {
  readonly service: RunningService;
  readonly gateway: ContextForge;
}

/** Remit and the gateway as the example configures them, and the MCP server `everything` behind it. */
async function start(pluginsFile: string): Promise<Setup> {
  const service = await startService({ config: { dialects } });
  const gateway = await startContextForge(service.url, pluginsFile);
  const registered = await gateway.send("POST", "/gateways", { name: "everything", url: upstream.url, transport: "STREAMABLEHTTP" });
  expect(registered.body).toMatchObject({ name: "everything" });
  return { service, gateway };
}

async function stop({ service, gateway }: Setup): Promise<void> {
  await gateway.stop();
  service.kill("SIGKILL");
  cleanUp(service);
}

/** Calls a tool as an MCP client does; the text of the answer, whether it is a result or an error. */
async function call({ gateway }: Setup, name: string, args: Record<string, unknown>): Promise<string> {
  const client = new Client({ name: "agent", version: "1" });
  const requestInit = { headers: { authorization: `Bearer ${gateway.token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp/`), { requestInit }) as never);
  try {
    return JSON.stringify(await client.callTool({ name, arguments: args }));
  } catch (thrown) {
    return String(thrown);
  } finally {
    await client.close();
  }
}

const lastRecord = ({ service }: Setup) =>
  service.records().at(-1) as { readonly input?: Record<string, Record<string, unknown>> } | undefined;

describe.skipIf(contextForge === null)("IBM ContextForge", () => {
  beforeAll(async () => {
    upstream = await startUpstream();
  });
  afterAll(() => void upstream?.child.kill("SIGKILL"));

  describe("with its unified PDP", () => {
    let setup: Setup;
    beforeAll(async () => {
      setup = await start("plugins.yaml");
    }, 90_000);
    afterAll(() => stop(setup));

    it("runs a tool that the policy allows, and Remit saw who, what and the arguments", async () => {
      expect(await call(setup, "everything-echo", { message: "hello" })).toContain("Echo: hello");
      await eventually("the record is written", async () => lastRecord(setup)?.input !== undefined);
      const input = lastRecord(setup)?.input;
      expect(input?.call).toMatchObject({ server: "everything", tool: "echo", arguments: { message: "hello" }, arguments_known: true });
      expect(input?.subject).toMatchObject({ id: "admin@example.com", roles: ["viewer"] });
    });

    it("does not run one that the policy denies, and says why", async () => {
      const answer = await call(setup, "everything-get-env", {});
      expect(answer).toContain("role_not_permitted");
      expect(answer).not.toContain("DATABASE_URL");
    });

    it("runs nothing once Remit is killed", async () => {
      setup.service.kill("SIGKILL");
      const answer = await call(setup, "everything-echo", { message: "hello" });
      expect(answer).not.toContain("Echo: hello");
      expect(answer).toMatch(/opa|PDP|violation/i);
    });
  });

  describe("with its OPA filter", () => {
    let setup: Setup;
    beforeAll(async () => {
      setup = await start("plugins-filter.yaml");
    }, 90_000);
    afterAll(() => stop(setup));

    it("does not run what the policy denies: it tells no subject, so nobody may do anything", async () => {
      expect(await call(setup, "everything-echo", { message: "hello" })).not.toContain("Echo: hello");
      await eventually("the record is written", async () => lastRecord(setup)?.input !== undefined);
      expect(lastRecord(setup)?.input?.call).toMatchObject({ server: "everything", tool: "echo", arguments: { message: "hello" } });
    });

    it("is not asked about a call without arguments, which therefore runs", async () => {
      const before = setup.service.records().length;
      expect(await call(setup, "everything-get-tiny-image", {})).toContain("image/png");
      expect(setup.service.records()).toHaveLength(before);
    });

    it("runs nothing with arguments once Remit is killed", async () => {
      setup.service.kill("SIGKILL");
      const answer = await call(setup, "everything-echo", { message: "hello" });
      expect(answer).not.toContain("Echo: hello");
      expect(answer).toMatch(/opa|plugin/i);
    });
  });
});
