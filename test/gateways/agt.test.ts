import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ensurePythonPackages } from "../../scripts/python-packages.ts";
import { toolPath } from "../../scripts/tools/find.ts";
import { buildOpaBundle } from "../helpers/opa-server.ts";
import { eventually } from "../helpers/prometheus.ts";
import { cleanUp, type RunningService, startService } from "../helpers/service.ts";

const packages = ensurePythonPackages({ name: "agt", requirements: "test/gateways/requirements/agt.txt" });
const opa = await toolPath("opa");
if (opa === undefined) console.error("SKIPPED: the AuthZEN backend of AGT is asked about a policy that must be compiled, which needs OPA");

interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** The toolkit's decisions about the contexts, by the example's program. */
async function ask(backend: string, remit: string, contexts: readonly object[]): Promise<readonly Decision[]> {
  const args = ["examples/agt/ask.py", "--backend", backend, "--remit", remit];
  const child = spawn(packages?.python ?? "", args, { stdio: ["pipe", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.end(contexts.map((context) => `${JSON.stringify(context)}\n`).join(""));
  const code = await new Promise((done) => child.once("close", done));
  if (code !== 0) throw new Error(err);
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Decision);
}

const exampleOf = (file: string) => parse(readFileSync(`examples/agt/${file}`, "utf8")) as { bundle: object; dialects: object };
const who = { agent_id: "support-bot", user_id: "emma", action_type: "tool_call" };
const search = { ...who, tool_name: "crm/search_customers", tool_args: { q: "smith" } };
const remove = { ...who, tool_name: "crm/delete_customer", tool_args: { id: "c-17" } };

describe.skipIf(packages === null).each(["opa", "agentmesh"])("Microsoft AGT with its OPA backend of %s", (backend) => {
  let service: RunningService;
  beforeAll(async () => {
    service = await startService({ config: { dialects: exampleOf("remit.yaml").dialects } });
  });
  afterAll(() => {
    service.kill("SIGKILL");
    cleanUp(service);
  });

  it("allows and denies as the policy does, and Remit saw who, what and the arguments", async () => {
    const [allowed, denied] = await ask(backend, service.url, [search, remove]);
    expect([allowed?.allowed, denied?.allowed]).toEqual([true, false]);
    await eventually("both are recorded", async () => service.records().length >= 2);
    const [input] = service.records().map((record) => record.input as Record<string, object>);
    expect(input?.call).toMatchObject({ tool: "crm/search_customers", arguments: { q: "smith" }, arguments_known: true });
    expect([input?.subject, input?.agent]).toMatchObject([{ id: "emma", roles: ["support"] }, { id: "support-bot" }]);
  });

  it("denies what it cannot ask about as it should", async () => {
    const wrong = [{ ...search, tool_args: 7 }, { ...search, tool_name: "no tool" }, {}];
    expect((await ask(backend, service.url, wrong)).map(({ allowed }) => allowed)).toEqual([false, false, false]);
  });

  it("denies once Remit is killed", async () => {
    service.kill("SIGKILL");
    const [decision] = await ask(backend, service.url, [search]);
    expect(decision?.allowed).toBe(false);
  });
});

describe.skipIf(packages === null || opa === undefined)("Microsoft AGT with authzen-policy-backend", () => {
  let service: RunningService;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "remit-agt-"));
    const source = join(folder, "agt.tar.gz");
    writeFileSync(source, buildOpaBundle(opa ?? "", "examples/agt/policy", ["authzen/allow"]));
    service = await startService({ config: { bundle: { ...exampleOf("remit-authzen.yaml").bundle, source } } });
  });
  afterAll(() => {
    service.kill("SIGKILL");
    cleanUp(service);
    rmSync(folder, { recursive: true, force: true });
  });
  const plain = { agent_id: "support-bot", tool_name: "search_customers" };

  it("allows and denies as the policy does, which sees the arguments", async () => {
    const asked = [{ q: "smith" }, { q: "s" }].map((tool_args) => ({ ...plain, tool_args }));
    const decisions = await ask("authzen", service.url, [...asked, { ...plain, tool_name: "delete_customer" }]);
    expect(decisions.map(({ allowed }) => allowed)).toEqual([true, false, false]);
  });

  it("denies once Remit is killed", async () => {
    service.kill("SIGKILL");
    const [decision] = await ask("authzen", service.url, [{ ...plain, tool_args: { q: "smith" } }]);
    expect(decision?.allowed).toBe(false);
  });
});
