import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { type CrmServer, startCrm } from "../helpers/mcp-server.ts";
import { startResponsesApi } from "../helpers/model-api.ts";
import { npmProgram } from "../helpers/npm-program.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

const examples = resolve(import.meta.dirname, "../../examples/command-hook");
const codex = npmProgram({
  name: "codex",
  version: "0.169.0",
  packages: {
    "linux-x64": {
      spec: "@openai/codex@0.169.0-linux-x64",
      bin: "vendor/x86_64-unknown-linux-musl/bin/codex",
      integrity: "sha512-o05NyAOCDygSPRo1yinzxvkRSdmsZyBD9E7mbpmjRanSfM8lypqWtQgEo4XfNkwhuCR2aFu8mlGOsQGFXVbVww==",
    },
  },
});
const apiKey = generateApiKey("laptop");

let crm: CrmServer;
let service: RunningService;
let home: string;

if (codex !== null) {
  beforeAll(async () => {
    crm = await startCrm();
    const pep = { id: "laptop", asserts_subject: true, dialects: ["codex"], api_keys_sha256: [hashApiKey(apiKey)] };
    const names = { subject: "x-remit-subject", roles: "x-remit-roles" };
    service = await startService({ config: { auth: { mode: "required", peps: [pep] }, dialects: { identity_headers: names } } });
    home = mkdtempSync(join(tmpdir(), "remit-codex-"));
    mkdirSync(join(home, "work"));
    writeFileSync(join(home, ".remit-key"), apiKey, { mode: 0o600 });
    const hooks = readFileSync(join(examples, "codex-hooks.json"), "utf8");
    writeFileSync(
      join(home, "hooks.json"),
      hooks
        .replaceAll("node /opt/remit/", `${process.execPath} ${examples}/`)
        .replaceAll("http://127.0.0.1:8181", service.url)
        .replaceAll('$USER\\"', 'emma\\" --header \\"x-remit-roles: support\\"'),
    );
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

/** The real Codex, which would call the tool without asking anybody; resolves with what it told the model of the result. */
async function use(wanted: { name: string; input: object; namespace?: string }): Promise<string> {
  const api = await startResponsesApi(wanted);
  const provider = `[model_providers.test]\nname = "test"\nbase_url = "${api.url}/v1"\nwire_api = "responses"\n`;
  const server = `[mcp_servers.crm]\nurl = "${crm.url}"\n`;
  writeFileSync(join(home, "config.toml"), `model = "test"\nmodel_provider = "test"\n${provider}${server}`);
  const options = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust"];
  const env = { PATH: process.env.PATH ?? "", HOME: home, CODEX_HOME: home };
  const child = spawn(codex ?? "", ["exec", ...options, "go"], { cwd: join(home, "work"), env, stdio: "ignore" });
  const timer = setTimeout(() => child.kill("SIGKILL"), 25_000);
  await new Promise((done) => child.once("close", done));
  clearTimeout(timer);
  await api.close();
  return api.results.join("\n");
}

const tool = (name: string, input: object) => ({ namespace: "mcp__crm", name, input });

describe.skipIf(codex === null)("Codex", () => {
  it("runs what is allowed; the policy saw the arguments, and the result is reported", async () => {
    expect(await use(tool("search_customers", { q: "smith" }))).toContain("search_customers ran");
    expect(crm.ran).toEqual([{ tool: "search_customers", args: { q: "smith" } }]);
    await expect
      .poll(() => service.records()[0])
      .toMatchObject({
        result: { outcome: "allow" },
        call: { server: "crm", tool: "search_customers", subject: "emma" },
        input: { call: { arguments: { q: "smith" }, arguments_known: true } },
      });
    await expect.poll(() => service.records().map(({ event }) => event)).toContain("outcome_reported");
  });

  it("does not run what is denied, and tells the model why", async () => {
    expect(await use(tool("delete_customer", { id: "c-17" }))).toContain("role_not_permitted");
    expect(crm.ran).toEqual([]);
  });

  it("runs no command: the catalog does not know its shell", async () => {
    const file = join(home, "made");
    expect(await use({ name: "exec_command", input: { cmd: `touch ${file}` } })).toMatch(/Decision [0-9a-f-]{36}/);
    expect(existsSync(file)).toBe(false);
  });

  // Last: it ends the service.
  it("runs nothing when Remit is killed", async () => {
    const ended = new Promise((done) => service.process.once("exit", done));
    service.kill("SIGKILL");
    await ended;
    expect(await use(tool("search_customers", { q: "smith" }))).toContain("no decision from remit");
    expect(crm.ran).toEqual([]);
  });
});
