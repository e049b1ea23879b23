import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { ensurePythonPackages } from "../../scripts/python-packages.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./prometheus.ts";

/** IBM ContextForge at a pinned version, with the plugins that only its source distribution holds; null after a `SKIPPED` line. */
export const contextForge = ensurePythonPackages({
  name: "contextforge",
  requirements: "test/gateways/requirements/contextforge.txt",
  sources: {
    distribution: "mcp-contextforge-gateway==1.0.7.post20260921",
    folders: ["plugins/unified_pdp", "plugins/external/opa"],
  },
});

const example = resolve(import.meta.dirname, "../../examples/contextforge");

/** A running gateway. */
export interface ContextForge {
  /** Calls its REST API or JSON-RPC as its administrator. */
  send(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: Answer }>;
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
type Answer = any;

/** One plugin of the example's configuration, to be changed. */
interface Plugin {
  readonly config: { opa_base_url?: string; readonly engines?: readonly { readonly settings: { opa_url: string } }[] };
}

/** Starts the example's gateway on a free port with the example's plugins, which ask Remit at `remit`. */
export async function startContextForge(remit: string, pluginsFile: string): Promise<ContextForge> {
  if (contextForge === null) throw new Error("ContextForge is not there");
  const { python, sources } = contextForge;
  const home = mkdtempSync(join(tmpdir(), "remit-contextforge-"));
  writeFileSync(join(home, "plugins.yaml"), pluginsAsking(remit, pluginsFile));
  const port = await freePort();
  const env = { ...exampleEnv(), PORT: String(port), PYTHONPATH: [sources, join(sources, "plugins/external/opa")].join(":") };
  const options = { cwd: home, env: { PATH: process.env.PATH ?? "", HOME: home, ...env } };
  const token = tokenOf(python, options);
  const args = ["-m", "uvicorn", "mcpgateway.main:app", "--host", "127.0.0.1", "--port", String(port), "--log-level", "warning"];
  const child = spawn(python, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  const log = { text: "" };
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      log.text = (log.text + chunk.toString()).slice(-20_000);
    });
  const url = `http://127.0.0.1:${port}`;
  await eventually("ContextForge answers", () => isHealthy(child, url, log), 60_000);
  return {
    url,
    token,
    send: (method, path, body) => send(url, token, { method, path, body }),
    async stop() {
      const ended = new Promise((done) => child.once("exit", done));
      if (child.exitCode === null && child.kill("SIGKILL")) await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function isHealthy(child: ChildProcess, url: string, log: { readonly text: string }): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`ContextForge ended with ${child.exitCode}:\n${log.text}`);
  return (await fetch(`${url}/health`)).ok;
}

/** The example's file, of which only the address of Remit is another. */
function pluginsAsking(remit: string, pluginsFile: string): string {
  const file = parse(readFileSync(join(example, pluginsFile), "utf8")) as { plugins: Plugin[] };
  for (const { config } of file.plugins) {
    if (config.opa_base_url !== undefined) config.opa_base_url = config.opa_base_url.replace("http://127.0.0.1:8181", remit);
    for (const { settings } of config.engines ?? []) settings.opa_url = remit;
  }
  return stringify(file);
}

function exampleEnv(): Record<string, string> {
  const lines = readFileSync(join(example, "gateway.env"), "utf8").split("\n");
  return Object.fromEntries(lines.filter((line) => /^[A-Z_]+=/.test(line)).map((line) => line.split(/=(.*)/s).slice(0, 2)));
}

function tokenOf(python: string, options: { readonly cwd: string; readonly env: Record<string, string> }): string {
  const { PLATFORM_ADMIN_EMAIL = "", JWT_SECRET_KEY = "" } = options.env;
  const args = ["-m", "mcpgateway.utils.create_jwt_token", "--username", PLATFORM_ADMIN_EMAIL, "--admin", "--exp", "60", "--secret"];
  const { stdout, stderr } = spawnSync(python, [...args, JWT_SECRET_KEY], { ...options, encoding: "utf8" });
  const token = stdout.trim();
  if (!token.startsWith("ey")) throw new Error(`no token: ${stderr}`);
  return token;
}

async function send(url: string, token: string, { method, path, body }: { method: string; path: string; body: unknown }) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}
