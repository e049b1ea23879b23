import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parse } from "yaml";
import { createEchoServer } from "../../examples/echo-server/main.ts";
import { freePort } from "./free-port.ts";
import { eventually } from "./prometheus.ts";
import { cleanUp, type RunningService, startService } from "./service.ts";

const root = resolve(import.meta.dirname, "../..");

/** A proxy of an example, as it is shipped but for its ports. */
export interface ProxyExample {
  /** Folder below `examples/`, with `remit.yaml` and the files of the proxy. */
  readonly folder: string;
  readonly files: readonly string[];
  readonly program: string;
  /** `home` is where the files are. */
  readonly args: (home: string) => readonly string[];
  /** Changes a file of the proxy. */
  readonly edit?: (text: string) => string;
  /** Merged over the example's configuration of Remit. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** What reached the server behind the proxy. */
export interface Reached {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface RunningProxy {
  readonly url: string;
  readonly remit: RunningService;
  readonly reached: readonly Reached[];
  /** Kills Remit and waits until it has ended. */
  killRemit(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts Remit, a server behind, and the proxy with the files of its example, all on free ports. */
export async function startProxy(example: ProxyExample): Promise<RunningProxy> {
  const folder = join(root, "examples", example.folder);
  const shipped = parse(readFileSync(join(folder, "remit.yaml"), "utf8")) as Record<string, object>;
  const remit = await startService({ config: { auth: shipped.auth, dialects: shipped.dialects, ...example.config } });
  const reached: Reached[] = [];
  const upstream = createEchoServer().on(
    "request",
    ({ method = "", url = "", headers }) => void reached.push({ method, path: url, headers }),
  );
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", () => done()));
  const port = await freePort();
  const ports = { 8080: port, 8181: Number(new URL(remit.url).port), 9000: (upstream.address() as AddressInfo).port };
  const home = copyFiles(folder, example, ports);
  const child = spawn(example.program, example.args(home), { cwd: home, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const log = collect(child);
  const stop = async (): Promise<void> => {
    await end(child);
    upstream.closeAllConnections();
    upstream.close();
    remit.kill("SIGKILL");
    cleanUp(remit);
    rmSync(home, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await eventually(`${example.program} answers`, async () => (await fetch(`${url}/ready`)).status > 0);
  } catch (error) {
    await stop();
    throw new Error(`${String(error)}\n${log()}`);
  }
  reached.length = 0;
  return { url, remit, reached, stop, killRemit: () => killed(remit) };
}

/** Ports are changed, and paths of the example's other files become those of their copies. */
function copyFiles(folder: string, { files, edit = (text) => text }: ProxyExample, ports: Readonly<Record<string, number>>): string {
  const home = mkdtempSync(join(tmpdir(), "remit-proxy-"));
  mkdirSync(join(home, "var"));
  for (const file of files) {
    const text = readFileSync(join(folder, file), "utf8").replaceAll(/\b(?:8080|8181|9000)\b/g, (port) => String(ports[port]));
    writeFileSync(join(home, file), edit(text.replaceAll(`examples/${basename(folder)}/`, `${home}/`)));
  }
  return home;
}

function collect(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      if (text.length < 20_000) text += chunk.toString();
    });
  return () => text;
}

/** With its workers, which a proxy that is killed leaves behind. */
async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((done) => child.once("exit", done));
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  process.kill(-child.pid, "SIGKILL");
  await ended;
}

async function killed(remit: RunningService): Promise<void> {
  const ended = new Promise((done) => remit.process.once("exit", done));
  remit.kill("SIGKILL");
  await ended;
}
