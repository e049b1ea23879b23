import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { readText } from "./deploy-files.ts";

/** One sample of an answer: its labels and value. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A running Prometheus. */
export interface PrometheusServer {
  readonly url: string;
  /** Instant query; rejects when Prometheus cannot evaluate it. */
  query(expr: string): Promise<Sample[]>;
  /** `data` of any GET endpoint below `/api/v1/`. */
  get(path: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  stop(): Promise<void>;
}

const folder = fileURLToPath(new URL("../../deploy/prometheus/", import.meta.url));

/** Starts Prometheus on a free loopback port with the shipped configuration and rules, scraping `target` (a URL) each second. */
export async function startPrometheus(target: string): Promise<PrometheusServer> {
  const home = mkdtempSync(join(tmpdir(), "remit-prometheus-"));
  writeFileSync(join(home, "prometheus.yml"), configFor(target));
  const child = spawn(
    "prometheus",
    [`--config.file=${home}/prometheus.yml`, `--storage.tsdb.path=${home}/data`, "--web.listen-address=127.0.0.1:0"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const url = `http://${await listenAddress(child)}`;
  const get = (path: string, parameters: Readonly<Record<string, string>> = {}) => getData(url, path, parameters);
  await eventually("Prometheus is ready", async () => (await fetch(`${url}/-/ready`)).ok);
  return {
    url,
    get,
    query: async (expr) => samplesOf(await get("query", { query: expr })),
    stop: () => stop(child, home),
  };
}

/** The shipped file, pointed at `target` and sped up: so it is the shipped one that is tested. */
function configFor(target: string): string {
  const config = parse(readText("deploy/prometheus/prometheus.yml")) as {
    global: Record<string, string>;
    rule_files: string[];
    scrape_configs: { static_configs: { targets: string[] }[] }[];
  };
  const [scrape] = config.scrape_configs;
  if (scrape === undefined) throw new Error("deploy/prometheus/prometheus.yml scrapes nothing");
  scrape.static_configs = [{ targets: [new URL(target).host] }];
  const global = { ...config.global, scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" };
  return stringify({ ...config, global, rule_files: config.rule_files.map((file) => join(folder, file)) });
}

function listenAddress(child: ChildProcess): Promise<string> {
  let log = "";
  return new Promise((resolve, reject) => {
    child.stderr?.on("data", (chunk) => {
      if (log.length < 100_000) log += String(chunk);
      const address = /msg="Listening on" address=(\S+)/.exec(log)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once("error", reject);
    child.once("exit", (status) => reject(new Error(`prometheus ended with status ${status}:\n${log}`)));
  });
}

async function getData(url: string, path: string, parameters: Readonly<Record<string, string>>): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const body = (await response.json()) as { status: string; error?: string; data: unknown };
  if (body.status !== "success") throw new Error(`${body.error} in ${JSON.stringify(parameters)}`);
  return body.data;
}

function samplesOf(data: unknown): Sample[] {
  const { result } = data as { result: { metric: Record<string, string>; value: [number, string] }[] };
  return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}

async function stop(child: ChildProcess, home: string): Promise<void> {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (child.exitCode === null && child.kill("SIGTERM")) await ended;
  rmSync(home, { recursive: true, force: true });
}

/** Waits until `check` holds; a generous limit against hanging, not a timing. The last failure is the message. */
export async function eventually(what: string, check: () => Promise<boolean>, limitMs = 25_000): Promise<void> {
  const until = Date.now() + limitMs;
  let last = "it did not hold";
  while (Date.now() < until) {
    try {
      if (await check()) return;
    } catch (error) {
      last = String(error);
    }
    await sleep(200);
  }
  throw new Error(`not within ${limitMs} ms: ${what}: ${last}`);
}
