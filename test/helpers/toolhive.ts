import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { buildInModule } from "../../scripts/tools/go-install.ts";
import type { PinnedTool } from "../../scripts/tools/pinned.ts";

const toolhive: PinnedTool = {
  version: "0.45.0",
  module: "github.com/stacklok/toolhive",
  moduleSum: "h1:kqPMlOQYpZIPjp9lPLJyOEFqO+tlO5F/IrIPJ5VE5GY=",
  goModSum: "h1:/933AWPP7VTLinA0lrgZYsJ0zTa6ELnCavE/CjnTc3E=",
  releaseUrl: () => undefined,
  releaseSha256: {},
};
const source = resolve(import.meta.dirname, "../gateways/toolhive/main.go");
const cacheDir = resolve(import.meta.dirname, "../../.cache");

/** The proxy with ToolHive's middleware, built when it is not there yet (some minutes); null, with a `SKIPPED` line, where Go is missing. */
export function buildToolhive(): string | null {
  const digest = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const file = join(cacheDir, `toolhive-${toolhive.version}-${digest}`, "proxy");
  if (existsSync(file)) return file;
  if (spawnSync("go", ["version"]).error !== undefined) return skip("Go is not installed");
  mkdirSync(join(file, ".."), { recursive: true });
  const work = mkdtempSync(join(file, "../build-"));
  try {
    copyFileSync(source, join(work, "main.go"));
    const problem = buildInModule(toolhive, work, "proxy");
    if (problem !== undefined) return skip(problem);
    renameSync(join(work, "proxy"), file);
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function skip(problem: string): null {
  console.error(`SKIPPED: tests with ToolHive: ${problem}`);
  return null;
}

/** A process that prints its URL as the first line. */
export interface Started {
  readonly url: string;
  readonly process: ChildProcess;
}

/** Starts it and waits for the line that holds its URL. */
export function startWithUrl(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Started> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env });
  return new Promise((done, fail) => {
    let log = "";
    const look = (line: string) => {
      log += `${line}\n`;
      const url = /http:\/\/[\w.:]+/.exec(line)?.[0];
      if (url !== undefined) done({ url, process: child });
    };
    createInterface({ input: child.stdout }).on("line", look);
    createInterface({ input: child.stderr }).on("line", (line) => {
      log += `${line}\n`;
    });
    child.once("exit", (code) => fail(new Error(`\`${command}\` ended with ${code}:\n${log}`)));
  });
}
