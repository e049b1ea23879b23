import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";

/** The real service in a process of its own. */
export interface RunningService {
  readonly url: string;
  readonly varDir: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** SIGTERM, and the exit status when it has ended. */
  stop(): Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** What it wrote to standard error so far. */
  logs(): string;
  /** Decision records on disk so far. */
  records(): Record<string, unknown>[];
}

interface StartOptions {
  /** Merged over a configuration for tests: no authentication, a free port, a folder of its own. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
  /** The folder of an earlier service, to start where it ended; a new one when left out. */
  readonly varDir?: string;
}

const root = resolve(import.meta.dirname, "../..");

/** Starts the service from its sources and waits until it has warmed up; fails with its log when it does not. */
export async function startService(options: StartOptions = {}): Promise<RunningService> {
  const varDir = options.varDir ?? mkdtempSync(join(tmpdir(), "remit-var-"));
  rmSync(join(varDir, "listen.json"), { force: true });
  const config = {
    auth: { mode: "none" },
    listen: { port: 0 },
    var_dir: varDir,
    engine: { warmup_decisions: 50 },
    limits: { drain_wait_ms: 0 },
    ...options.config,
  };
  const file = join(varDir, "remit.yaml");
  writeFileSync(file, stringify(config));
  const args = ["--import", "tsx", join(root, "service/main.ts"), "--config", file];
  const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...options.env }, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stderr.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const exited = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  const url = await waitForUrl(child, join(varDir, "listen.json"), () => text);
  return {
    url,
    varDir,
    pid: child.pid ?? 0,
    process: child,
    logs: () => text,
    kill: (signal) => void child.kill(signal),
    records: () => readRecords(join(varDir, "decisions.jsonl")),
    stop() {
      child.kill("SIGTERM");
      return exited;
    },
  };
}

/** Removes the folder of a service that has ended. */
export function cleanUp(service: RunningService): void {
  rmSync(service.varDir, { recursive: true, force: true });
}

async function waitForUrl(child: ChildProcess, file: string, logs: () => string): Promise<string> {
  for (let i = 0; i < 600; i++) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}:\n${logs()}`);
    if (existsSync(file)) {
      const text = readFileSync(file, "utf8");
      if (text.endsWith("\n")) return (JSON.parse(text) as { url: string }).url;
    }
    await sleep(50);
  }
  child.kill("SIGKILL");
  throw new Error(`the service did not become ready:\n${logs()}`);
}

/** Every complete line; each must be JSON. */
export function readRecords(file: string): Record<string, unknown>[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** POSTs JSON (or a text as it is) and reads the answer. */
export async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(url, { method: "POST", body: text, headers: { "content-type": "application/json", ...headers } });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> };
}

/** A call that the default bundle allows, and one that it denies. */
export const allowedCall = {
  tool: { server: "crm", name: "search_customers" },
  arguments: { q: "smith" },
  subject: { id: "emma", roles: ["support"] },
  agent: { id: "support-bot" },
  session: { id: "s-1" },
  request: { origin: { ip: "127.0.0.1" } },
};
export const deniedCall = { ...allowedCall, tool: { server: "crm", name: "delete_customer" }, arguments: { id: "c-17" } };
