import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "../load.ts";
import { onServerCore } from "../machine.ts";

/** One server in the comparison. */
export interface Contender {
  readonly name: string;
  /** What it is, with versions, for the report. */
  readonly about: string;
  /** Starts it anew in an empty folder; resolves when it answers. */
  start(dir: string): Promise<Running>;
}

export interface Running {
  readonly process: ChildProcess;
  readonly target: Target;
  /** Its decision log; null when it has none. */
  readonly log: DecisionLogFile | null;
}

export interface DecisionLogFile {
  readonly path: string;
  /** Text that a line has exactly when it is the record of a decision. */
  readonly marker: string;
}

export interface SpawnOptions {
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** File in `dir` for standard output. */
  readonly stdout: string;
}

/** Starts a server on its core; what it prints goes to files, as a supervisor would do. */
export function spawnServer(command: readonly string[], options: SpawnOptions): ChildProcess {
  const [program = "", ...args] = onServerCore(command);
  const out = openSync(join(options.dir, options.stdout), "a");
  const err = openSync(join(options.dir, "stderr.log"), "a");
  const child = spawn(program, args, { stdio: ["ignore", out, err], env: { ...process.env, ...options.env } });
  closeSync(out);
  closeSync(err);
  return child;
}

/** A TCP port that was free a moment ago, for servers that cannot say which one they took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}

const startMsMax = 30_000;

/** Waits until `ready` says yes; rejects when the process ends first or takes longer than 30 s. */
export async function waitFor(child: ChildProcess, what: string, ready: () => Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + startMsMax; Date.now() < endMs; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`${what} ended with status ${child.exitCode} before it was ready`);
    if (await ready().catch(() => false)) return;
  }
  throw new Error(`${what} was not ready after ${startMsMax} ms`);
}

/** True when a GET is answered 200. */
export async function answers(url: string): Promise<boolean> {
  return (await fetch(url)).status === 200;
}

/** Ends a server as a supervisor does, so that it can flush its log. */
export async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const guard = setTimeout(() => child.kill("SIGKILL"), 20_000);
  await ended;
  clearTimeout(guard);
}

/** The whole HTTP/1.1 request of a POST. */
export function post(url: URL, body: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  const lines = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

/** Where a URL leads, for the generator. */
export function target(url: URL, request: Buffer, expect: string): Target {
  return { host: url.hostname, port: Number(url.port), request, expect };
}
