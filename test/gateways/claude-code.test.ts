import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { type CrmServer, startCrm } from "../helpers/mcp-server.ts";
import { startMessagesApi, type WantedTool } from "../helpers/model-api.ts";
import { npmProgram } from "../helpers/npm-program.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

const example = (file: string) => readFileSync(resolve(import.meta.dirname, "../../examples/claude-code", file), "utf8");
const claude = npmProgram({
  name: "claude-code",
  version: "2.1.331",
  packages: {
    "linux-x64": {
      spec: "@anthropic-ai/claude-code-linux-x64@2.1.331",
      bin: "claude",
      integrity: "sha512-IpvZ9c/NopO/sr8ThWLVAUDXVAFT3auLWrhbR6wq1dgkuJfZYdTtoXf6GajE5KL9R58iTt/86OPXrJAsM4+l8g==",
    },
  },
});
const apiKey = generateApiKey("laptop");

let crm: CrmServer;
let service: RunningService;
let home: string;

if (claude !== null) {
  beforeAll(async () => {
    crm = await startCrm();
    const pep = { id: "laptop", asserts_subject: true, dialects: ["claude-code"], api_keys_sha256: [hashApiKey(apiKey)] };
    const { dialects } = parse(example("remit.yaml"));
    service = await startService({ config: { auth: { mode: "required", peps: [pep] }, dialects } });
    home = mkdtempSync(join(tmpdir(), "remit-claude-"));
    mkdirSync(join(home, "work"));
    writeFileSync(join(home, "mcp.json"), JSON.stringify({ mcpServers: { crm: { type: "http", url: crm.url } } }));
    writeFileSync(join(home, "settings.json"), example("settings.json").replaceAll("http://127.0.0.1:8181", service.url));
  });
  afterEach(() => {
    crm.ran.length = 0;
  });
  afterAll(async () => {
    service.kill("SIGKILL");
    cleanUp(service);
    await crm.close();
    rmSync(home, { recursive: true, force: true });
  });
}

/** The real Claude Code, which would call the tool without asking anybody; resolves with what it told the model of the result. */
async function use(wanted: WantedTool, key = apiKey): Promise<string> {
  const api = await startMessagesApi(wanted);
  const options = ["--settings", join(home, "settings.json"), "--mcp-config", join(home, "mcp.json"), "--strict-mcp-config"];
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    ANTHROPIC_BASE_URL: api.url,
    ANTHROPIC_API_KEY: "none",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    REMIT_API_KEY: key,
    REMIT_SUBJECT: "emma",
    REMIT_ROLES: "support",
  };
  const child = spawn(claude ?? "", ["-p", "go", ...options, "--allowedTools", "mcp__crm,Bash"], {
    cwd: join(home, "work"),
    env,
    stdio: "ignore",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), 25_000);
  await new Promise((done) => child.once("close", done));
  clearTimeout(timer);
  await api.close();
  return api.results.join("\n");
}

const search = { name: "mcp__crm__search_customers", input: { q: "smith" } };
const remove = { name: "mcp__crm__delete_customer", input: { id: "c-17" } };

describe.skipIf(claude === null)("Claude Code", () => {
  it("runs what is allowed; the policy saw the arguments, and the result is reported", async () => {
    expect(await use(search)).toContain("search_customers ran");
    expect(crm.ran).toEqual([{ tool: "search_customers", args: { q: "smith" } }]);
    await expect
      .poll(() => service.records()[0])
      .toMatchObject({
        result: { outcome: "allow" },
        call: { server: "crm", tool: "search_customers", subject: "emma" },
        input: { call: { arguments: { q: "smith" }, arguments_known: true }, context: { hook: { permission_mode: "default" } } },
      });
    await expect.poll(() => service.records().map(({ event }) => event)).toContain("outcome_reported");
  });

  it("does not run what is denied, and tells the model why", async () => {
    expect(await use(remove)).toContain("role_not_permitted");
    expect(crm.ran).toEqual([]);
  });

  it("runs no tool of its own that the catalog does not know", async () => {
    const file = join(home, "made");
    expect(await use({ name: "Bash", input: { command: `touch ${file}`, description: "make" } })).toMatch(/Decision [0-9a-f-]{36}/);
    expect(existsSync(file)).toBe(false);
  });

  it("runs nothing with a key that Remit does not know", async () => {
    expect(await use(search, generateApiKey("laptop"))).toContain("pep_unauthenticated");
    expect(crm.ran).toEqual([]);
  });

  // Last: it ends the service.
  it("runs nothing when Remit is killed", async () => {
    const ended = new Promise((done) => service.process.once("exit", done));
    service.kill("SIGKILL");
    await ended;
    expect(await use(search)).toContain("is_error");
    expect(crm.ran).toEqual([]);
  });
});
