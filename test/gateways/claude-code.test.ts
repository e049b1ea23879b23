import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { generateApiKey } from "../../service/identity/api-key.ts";
import { type AgentDesk, startAgentDesk } from "../helpers/agent-desk.ts";
import { startMessagesApi, type WantedTool } from "../helpers/model-api.ts";
import { npmProgram } from "../helpers/npm-program.ts";

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

let desk: AgentDesk;

if (claude !== null) {
  beforeAll(async () => {
    desk = await startAgentDesk("claude-code", { dialects: parse(example("remit.yaml")).dialects });
    writeFileSync(join(desk.home, "mcp.json"), JSON.stringify({ mcpServers: { crm: { type: "http", url: desk.crm.url } } }));
    writeFileSync(join(desk.home, "settings.json"), example("settings.json").replaceAll("http://127.0.0.1:8181", desk.service.url));
  });
  afterEach(() => {
    desk.crm.ran.length = 0;
  });
  afterAll(() => desk.close());
}

/** The real Claude Code, which would call the tool without asking anybody; resolves with what it told the model of the result. */
async function use(wanted: WantedTool, key = desk.apiKey): Promise<string> {
  const api = await startMessagesApi(wanted);
  const options = ["--settings", join(desk.home, "settings.json"), "--mcp-config", join(desk.home, "mcp.json"), "--strict-mcp-config"];
  const env = {
    ANTHROPIC_BASE_URL: api.url,
    ANTHROPIC_API_KEY: "none",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    REMIT_API_KEY: key,
    REMIT_SUBJECT: "emma",
    REMIT_ROLES: "support",
  };
  return desk.run(claude ?? "", ["-p", "go", ...options, "--allowedTools", "mcp__crm,Bash"], env, api);
}

const search = { name: "mcp__crm__search_customers", input: { q: "smith" } };
const remove = { name: "mcp__crm__delete_customer", input: { id: "c-17" } };

describe.skipIf(claude === null)("Claude Code", () => {
  it("runs what is allowed; the policy saw the arguments, and the result is reported", async () => {
    expect(await use(search)).toContain("search_customers ran");
    expect(desk.crm.ran).toEqual([{ tool: "search_customers", args: { q: "smith" } }]);
    await expect
      .poll(() => desk.service.records()[0])
      .toMatchObject({
        result: { outcome: "allow" },
        call: { server: "crm", tool: "search_customers", subject: "emma" },
        input: { call: { arguments: { q: "smith" }, arguments_known: true }, context: { hook: { permission_mode: "default" } } },
      });
    await expect.poll(() => desk.service.records().map(({ event }) => event)).toContain("outcome_reported");
  });

  it("does not run what is denied, and tells the model why", async () => {
    expect(await use(remove)).toContain("role_not_permitted");
    expect(desk.crm.ran).toEqual([]);
  });

  it("runs no tool of its own that the catalog does not know", async () => {
    const file = join(desk.home, "made");
    expect(await use({ name: "Bash", input: { command: `touch ${file}`, description: "make" } })).toMatch(/Decision [0-9a-f-]{36}/);
    expect(existsSync(file)).toBe(false);
  });

  it("runs nothing with a key that Remit does not know", async () => {
    expect(await use(search, generateApiKey("laptop"))).toContain("pep_unauthenticated");
    expect(desk.crm.ran).toEqual([]);
  });

  // Last: it ends the service.
  it("runs nothing when Remit is killed", async () => {
    await desk.killRemit();
    expect(await use(search)).toContain("is_error");
    expect(desk.crm.ran).toEqual([]);
  });
});
