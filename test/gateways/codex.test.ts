import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AgentDesk, localCommands, startAgentDesk } from "../helpers/agent-desk.ts";
import { startResponsesApi } from "../helpers/model-api.ts";
import { npmProgram } from "../helpers/npm-program.ts";

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

let desk: AgentDesk;

if (codex !== null) {
  beforeAll(async () => {
    const names = { subject: "x-remit-subject", roles: "x-remit-roles" };
    desk = await startAgentDesk("codex", { dialects: { identity_headers: names } });
    writeFileSync(join(desk.home, ".remit-key"), desk.apiKey, { mode: 0o600 });
    const hooks = readFileSync(join(examples, "codex-hooks.json"), "utf8");
    writeFileSync(join(desk.home, "hooks.json"), localCommands(hooks, examples, desk.service));
  });
  afterEach(() => {
    desk.crm.ran.length = 0;
  });
  afterAll(() => desk.close());
}

/** The real Codex, which would call the tool without asking anybody; resolves with what it told the model of the result. */
async function use(wanted: { name: string; input: object; namespace?: string }): Promise<string> {
  const api = await startResponsesApi(wanted);
  const provider = `[model_providers.test]\nname = "test"\nbase_url = "${api.url}/v1"\nwire_api = "responses"\n`;
  const server = `[mcp_servers.crm]\nurl = "${desk.crm.url}"\n`;
  writeFileSync(join(desk.home, "config.toml"), `model = "test"\nmodel_provider = "test"\n${provider}${server}`);
  const options = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "--dangerously-bypass-hook-trust"];
  return desk.run(codex ?? "", ["exec", ...options, "go"], { CODEX_HOME: desk.home }, api);
}

const tool = (name: string, input: object) => ({ namespace: "mcp__crm", name, input });

describe.skipIf(codex === null)("Codex", () => {
  it("runs what is allowed; the policy saw the arguments, and the result is reported", async () => {
    expect(await use(tool("search_customers", { q: "smith" }))).toContain("search_customers ran");
    expect(desk.crm.ran).toEqual([{ tool: "search_customers", args: { q: "smith" } }]);
    await expect
      .poll(() => desk.service.records()[0])
      .toMatchObject({
        result: { outcome: "allow" },
        call: { server: "crm", tool: "search_customers", subject: "emma" },
        input: { call: { arguments: { q: "smith" }, arguments_known: true } },
      });
    await expect.poll(() => desk.service.records().map(({ event }) => event)).toContain("outcome_reported");
  });

  it("does not run what is denied, and tells the model why", async () => {
    expect(await use(tool("delete_customer", { id: "c-17" }))).toContain("role_not_permitted");
    expect(desk.crm.ran).toEqual([]);
  });

  it("runs no command: the catalog does not know its shell", async () => {
    const file = join(desk.home, "made");
    expect(await use({ name: "exec_command", input: { cmd: `touch ${file}` } })).toMatch(/Decision [0-9a-f-]{36}/);
    expect(existsSync(file)).toBe(false);
  });

  // Last: it ends the service.
  it("runs nothing when Remit is killed", async () => {
    await desk.killRemit();
    expect(await use(tool("search_customers", { q: "smith" }))).toContain("no decision from remit");
    expect(desk.crm.ran).toEqual([]);
  });
});
