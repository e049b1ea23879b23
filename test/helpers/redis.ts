import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureDebian } from "../../scripts/debian.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./prometheus.ts";

/** Whether there is a Redis to test with; else a `SKIPPED` line says why. */
export const hasRedis = ensureDebian(["redis-server"]);

/** A Redis of the tests' own, on loopback, that keeps nothing on disk. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** What `redis-cli` prints. */
  cli(...args: string[]): string;
  /** Stops it in the middle of whatever it does, without closing anything. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  start(): Promise<void>;
}

interface RedisSettings {
  /** One node that has all slots. */
  readonly cluster?: boolean;
  readonly args?: readonly string[];
  /** Where `redis-cli` needs one. */
  readonly password?: string;
}

/** Starts a Redis on a free port and waits until it answers. */
export async function startRedis(settings: RedisSettings = {}): Promise<RedisServer> {
  const port = await freePort();
  const home = mkdtempSync(join(tmpdir(), "remit-redis-"));
  let child: ChildProcess;
  const cli = (...args: string[]): string => {
    const access = settings.password === undefined ? [] : ["--no-auth-warning", "-a", settings.password];
    return spawnSync("redis-cli", ["-p", String(port), ...access, ...args], { encoding: "utf8" }).stdout.trim();
  };
  const start = async (): Promise<void> => {
    mkdirSync(home, { recursive: true });
    child = spawn("redis-server", argsOf(port, home, settings), { stdio: "ignore" });
    await eventually("Redis answers", async () => cli("ping") === "PONG");
    if (settings.cluster !== true) return;
    if (cli("cluster", "info").includes("cluster_slots_assigned:0")) cli("cluster", "addslotsrange", "0", "16383");
    await eventually("the cluster is ready", async () => cli("cluster", "info").includes("cluster_state:ok"));
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    cli,
    start,
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) await ended;
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function argsOf(port: number, home: string, { cluster = false, args = [] }: RedisSettings): string[] {
  // The port of the cluster's bus would be ten thousand more, which may be too much.
  const clusterArgs = ["--cluster-enabled", "yes", "--cluster-port", String(port > 40_000 ? port - 10_000 : port + 10_000)];
  const base = ["--port", String(port), "--bind", "127.0.0.1", "--dir", home, "--save", "", "--appendonly", "no"];
  return [...base, ...(cluster ? clusterArgs : []), ...args];
}
