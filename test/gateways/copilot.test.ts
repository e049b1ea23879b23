import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AgentDesk, localCommands, startAgentDesk } from "../helpers/agent-desk.ts";
import { defaultBundleKnowing } from "../helpers/default-bundle.ts";
import { startMessagesApi, type WantedTool } from "../helpers/model-api.ts";
import { npmProgram } from "../helpers/npm-program.ts";

const examples = resolve(import.meta.dirname, "../../examples");
const copilot = npmProgram({
  name: "copilot",
  version: "1.0.102",
  packages: {
    "linux-x64": {
      spec: "@github/copilot-linux-x64@1.0.102",
      bin: "copilot",
      integrity: "sha512-eGHPbsP0p2QgfVZCjtbGBFZPBOJQ0DN7xIbBRAo7oG8b1zfLirQIdfI4h8Iy68Dv2cKJGJZg2/EO7W7KpIMJOw==",
    },
  },
});

let desk: AgentDesk;

if (copilot !== null) {
  beforeAll(async () => {
    const names = { subject: "x-remit-subject", roles: "x-remit-roles" };
    const source = await defaultBundleKnowing({ "copilot/crm-search_customers": { class: "query", queries: ["/q"], external: false } });
    desk = await startAgentDesk("copilot", { dialects: { identity_headers: names }, bundle: { source } });
    mkdirSync(join(desk.home, "hooks"));
    writeFileSync(join(desk.home, ".remit-key"), desk.apiKey, { mode: 0o600 });
  });
  afterEach(() => {
    desk.crm.ran.length = 0;
  });
  afterAll(() => desk.close());
}

/** The shipped command hook. */
function command(): object {
  const shipped = readFileSync(join(examples, "copilot/command-hooks.json"), "utf8");
  return JSON.parse(localCommands(shipped, join(examples, "command-hook"), desk.service)) as object;
}

/** The shipped HTTP hook on loopback, where no variables may be named; for other events too. */
function http(events: readonly string[] = ["preToolUse"]): object {
  const shipped = JSON.parse(readFileSync(join(examples, "copilot/hooks.json"), "utf8"));
  const [{ allowedEnvVars: _, ...hook }] = shipped.hooks.preToolUse;
  const headers = { "x-api-key": desk.apiKey, "x-remit-subject": "emma", "x-remit-roles": "support" };
  const local = { ...hook, url: `${desk.service.url}${new URL(hook.url).pathname}`, headers };
  return { ...shipped, hooks: Object.fromEntries(events.map((event) => [event, [local]])) };
}

/** The real Copilot CLI, which would call the tool without asking anybody; resolves with what it told the model of the result. */
async function use(hooks: object, wanted: WantedTool): Promise<string> {
  writeFileSync(join(desk.home, "hooks/remit.json"), JSON.stringify(hooks));
  const api = await startMessagesApi(wanted);
  const env = {
    COPILOT_HOME: desk.home,
    COPILOT_OFFLINE: "true",
    COPILOT_PROVIDER_BASE_URL: api.url,
    COPILOT_PROVIDER_TYPE: "anthropic",
    COPILOT_PROVIDER_API_KEY: "none",
    COPILOT_MODEL: "claude-sonnet-4.5",
    COPILOT_HOOK_ALLOW_LOCALHOST: "1",
  };
  const servers = JSON.stringify({ mcpServers: { crm: { type: "http", url: desk.crm.url, tools: ["*"] } } });
  const args = ["-p", "go", "--allow-all-tools", "--additional-mcp-config", servers];
  return desk.run(copilot ?? "", args, env, api);
}

const search = { name: "crm-search_customers", input: { q: "smith" } };
const remove = { name: "crm-delete_customer", input: { id: "c-17" } };
const last = () => desk.service.records().at(-1);

describe.skipIf(copilot === null)("GitHub Copilot CLI", () => {
  it.each([
    ["an HTTP hook", () => http()],
    ["an HTTP hook in the other casing", () => http(["PreToolUse"])],
    ["the command hook", command],
  ])("with %s runs what is allowed, and the policy saw the arguments; what is denied does not run", async (_, hooks) => {
    expect(await use(hooks(), search)).toContain("search_customers ran");
    expect(desk.crm.ran).toEqual([{ tool: "search_customers", args: { q: "smith" } }]);
    await expect.poll(last).toMatchObject({
      result: { outcome: "allow" },
      call: { server: "copilot", tool: "crm-search_customers", subject: "emma" },
      input: { call: { arguments: { q: "smith" }, arguments_known: true } },
    });
    desk.crm.ran.length = 0;
    expect(await use(hooks(), remove)).toMatch(/Denied by preToolUse hook: .*Decision/);
    expect(desk.crm.ran).toEqual([]);
  });

  it("with a permission request the server of a tool is known", async () => {
    expect(await use(http(["permissionRequest"]), search)).toContain("search_customers ran");
    await expect
      .poll(last)
      .toMatchObject({ call: { server: "crm", tool: "search_customers" }, input: { call: { arguments: { q: "smith" } } } });
    desk.crm.ran.length = 0;
    expect(await use(http(["permissionRequest"]), remove)).toContain("role_not_permitted");
    expect(desk.crm.ran).toEqual([]);
  });

  it("runs no command: the catalog does not know its shell", async () => {
    const file = join(desk.home, "made");
    expect(await use(http(), { name: "bash", input: { command: `touch ${file}`, description: "make" } })).toMatch(/Decision [0-9a-f-]{36}/);
    expect(existsSync(file)).toBe(false);
  });

  // Last: it ends the service.
  it("runs nothing when Remit is killed, by either hook", async () => {
    await desk.killRemit();
    for (const hooks of [command(), http()]) expect(await use(hooks, search)).toContain("Denied by preToolUse hook");
    expect(desk.crm.ran).toEqual([]);
  });
});
