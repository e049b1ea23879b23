import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { PinnedTool } from "./pinned.ts";

const buildTimeoutMs = 900_000;

/**
 * `go install` of a pinned tool into `file`; returns what went wrong. It runs in a module of its own that requires exactly the pinned
 * version: its go.sum makes Go refuse any other source, and the version's list of releases is not needed, as it is for
 * `go install module@version`.
 */
export function goInstall(tool: PinnedTool, file: string): string | undefined {
  const work = mkdtempSync(join(dirname(file), "build-"));
  try {
    writeModule(tool, work);
    const problem = runGo(["install", "-trimpath", "-mod=mod", tool.module], work);
    if (problem !== undefined) return problem;
    const [built] = readdirSync(join(work, "bin"));
    if (built === undefined) return "`go install` left no binary";
    chmodSync(join(work, "bin", built), 0o755);
    renameSync(join(work, "bin", built), file);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Builds the Go program in `work` over a pinned module into `work/<name>`; returns what went wrong. */
export function buildInModule(tool: PinnedTool, work: string, name: string): string | undefined {
  writeModule(tool, work);
  return runGo(["build", "-trimpath", "-mod=mod", "-o", name, "."], work);
}

/** The folder of a pinned module's source, which a build has fetched. */
export function moduleFolder({ module, version }: PinnedTool): string {
  const { stdout } = spawnSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" });
  return join(stdout.trim(), `${module}@v${version}`);
}

function writeModule({ module, version, moduleSum, goModSum }: PinnedTool, work: string): void {
  writeFileSync(join(work, "go.mod"), `module build\n\ngo 1.26\n\nrequire ${module} v${version}\n`);
  writeFileSync(join(work, "go.sum"), `${module} v${version} ${moduleSum}\n${module} v${version}/go.mod ${goModSum}\n`);
}

function runGo(args: readonly string[], work: string): string | undefined {
  const env = { ...process.env, GOBIN: join(work, "bin"), CGO_ENABLED: "0", GOFLAGS: "-buildvcs=false", GOWORK: "off" };
  const result = spawnSync("go", args, { cwd: work, env, encoding: "utf8", timeout: buildTimeoutMs });
  if (result.error !== undefined) return `go cannot be run (${result.error.message}): install Go 1.26 or newer`;
  if (result.status === 0) return undefined;
  return `\`go ${args[0]} ${basename(args.at(-1) ?? "")}\` failed:\n${result.stderr.trim().split("\n").slice(-5).join("\n")}`;
}
