import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, chmodSync, constants, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { goInstall } from "./go-install.ts";
import { type PinnedTool, pinnedTools, type ToolName } from "./pinned.ts";

/** Where a tool is looked for and how it is fetched; tests replace parts of it. */
export interface FindOptions {
  readonly tools: Readonly<Record<ToolName, PinnedTool>>;
  /** Fetched tools, in one folder per version. */
  readonly cacheDir: string;
  /** Folders to look into, as in `PATH`. */
  readonly path: string;
  /** `linux-x64` … */
  readonly platform: string;
  readonly fetch: (url: string, init: { readonly signal: AbortSignal }) => Promise<Response>;
  /** Builds the tool into the file; returns what went wrong. */
  readonly build: (tool: PinnedTool, file: string) => string | undefined;
  readonly say: (line: string) => void;
}

const downloadTimeoutMs = 60_000;
const lockStaleMs = 900_000;

/** Options for this machine: `.cache/tools` of the repository, `PATH`, the network, and Go. */
export function machineOptions(): FindOptions {
  return {
    tools: pinnedTools,
    cacheDir: resolve(import.meta.dirname, "../../.cache/tools"),
    path: process.env.PATH ?? "",
    platform: `${process.platform}-${process.arch}`,
    fetch,
    build: goInstall,
    say: (line) => console.error(line),
  };
}

/**
 * Path of the pinned version of a tool: one that is there already (in the cache or on PATH), else the official release, checked
 * against its pinned SHA-256, else a build from source. `undefined` when it cannot be had; `say` was then told what to install.
 */
export async function toolPath(name: ToolName, options: FindOptions = machineOptions()): Promise<string | undefined> {
  const tool = options.tools[name];
  const cached = join(options.cacheDir, `${name}-${tool.version}`, name);
  const found = [cached, ...onPath(name, options.path)].find((file) => isPinned(file, tool));
  if (found !== undefined) return found;
  mkdirSync(dirname(cached), { recursive: true });
  return withLock(`${cached}.lock`, async () => {
    const got = isPinned(cached, tool) || (await download(tool, cached, options)) || build(tool, cached, options);
    if (!got) options.say(`${name} ${tool.version} cannot be had: put that version on PATH, or install Go so that it can be built`);
    return got ? cached : undefined;
  });
}

function onPath(name: string, path: string): readonly string[] {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, name));
}

/** Releases say their version; builds by Go carry it in their build information. */
function isPinned(file: string, tool: PinnedTool): boolean {
  if (!isExecutable(file)) return false;
  const { stdout } = spawnSync(file, ["version"], { encoding: "utf8", timeout: 30_000 });
  const stated = /^Version:\s+(\S+)$/m.exec(stdout ?? "")?.[1];
  if (stated === tool.version) return true;
  return stated === "unknown" && readFileSync(file).includes(`${tool.module}\tv${tool.version}\t`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

async function download(tool: PinnedTool, file: string, options: FindOptions): Promise<boolean> {
  const expected = tool.releaseSha256[options.platform];
  const url = tool.releaseUrl(options.platform);
  if (expected === undefined || url === undefined) {
    options.say(`${tool.module} ${tool.version}: no pinned checksum for ${options.platform}: skipping the download`);
    return false;
  }
  const problem = await downloadChecked(url, expected, file, options);
  if (problem !== undefined) options.say(`${url}: ${problem}`);
  return problem === undefined;
}

async function downloadChecked(url: string, expected: string, file: string, options: FindOptions): Promise<string | undefined> {
  try {
    const response = await options.fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
    if (!response.ok) return `answered ${response.status}`;
    const bytes = Buffer.from(await response.arrayBuffer());
    const actual = createHash("sha256").update(bytes).digest("hex");
    if (actual !== expected) return `has SHA-256 \`${actual}\`, not the pinned \`${expected}\``;
    writeFileSync(`${file}.part`, bytes);
    chmodSync(`${file}.part`, 0o755);
    renameSync(`${file}.part`, file);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function build(tool: PinnedTool, file: string, options: FindOptions): boolean {
  options.say(`${tool.module} ${tool.version}: building from source, which takes a minute or two`);
  const problem = options.build(tool, file) ?? (isPinned(file, tool) ? undefined : "the build is not of that version");
  if (problem === undefined) return true;
  rmSync(file, { force: true });
  options.say(`${tool.module} ${tool.version}: ${problem}`);
  return false;
}

/** One process fetches, the others wait for it: test files run side by side. A lock left by a killed process goes stale. */
async function withLock<T>(lock: string, work: () => Promise<T>): Promise<T> {
  while (!tryLock(lock)) await sleep(500);
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function tryLock(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    if (isStale(lock)) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function isStale(lock: string): boolean {
  try {
    return Date.now() - statSync(lock).mtimeMs > lockStaleMs;
  } catch {
    return false;
  }
}
