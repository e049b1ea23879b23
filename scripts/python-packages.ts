/** Python programs that some tests drive: installed from PyPI at pinned versions, a loud line where that is not possible. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const cacheDir = resolve(import.meta.dirname, "../.cache/python");
const timeoutMs = 600_000;

/** A virtual environment with all that is pinned. */
export interface PythonPackages {
  readonly python: string;
  /** What was taken from the source distribution, below its own folder. */
  readonly sources: string;
}

interface Wanted {
  readonly name: string;
  /** File with every package and its version, as `pip freeze` writes it. */
  readonly requirements: string;
  /** Folders that only a source distribution holds. */
  readonly sources?: { readonly distribution: string; readonly folders: readonly string[] };
}

// Files of tests run side by side, and the lock is held by one at a time. What broke off has no `.complete`.
const installScript = `
set -eu
target=$1 requirements=$2 distribution=$3
shift 3
[ ! -e "$target/.complete" ] || exit 0
rm -rf "$target"
python3 -m venv "$target"
pip() { "$target/bin/python" -m pip --disable-pip-version-check --retries 2 --timeout 20 "$@"; }
pip install -q --no-deps -r "$requirements"
mkdir "$target/sources"
if [ -n "$distribution" ]; then
  pip download -q --no-deps --no-binary :all: -d "$target/archive" "$distribution"
  tar -xzf "$target/archive/"*.tar.gz -C "$target/sources" --strip-components=1 --wildcards "$@"
fi
touch "$target/.complete"
`;

/** Installs into `.cache/python`, once for each set of versions. Null when that fails; then one line `SKIPPED: …` says why. */
export function ensurePythonPackages({ name, requirements, sources }: Wanted): PythonPackages | null {
  const pins = readFileSync(requirements);
  const target = join(cacheDir, `${name}-${createHash("sha256").update(pins).digest("hex").slice(0, 12)}`);
  mkdirSync(cacheDir, { recursive: true });
  const folders = (sources?.folders ?? []).map((folder) => `*/${folder}/*`);
  const args = [`${target}.lock`, "sh", "-c", installScript, "sh", target, resolve(requirements), sources?.distribution ?? "", ...folders];
  const run = spawnSync("flock", args, { encoding: "utf8", timeout: timeoutMs });
  if (run.status === 0) return { python: join(target, "bin/python"), sources: join(target, "sources") };
  const lastLines = `${run.error?.message ?? ""}\n${run.stderr}`.trim().split("\n").slice(-3).join(" / ");
  console.error(`SKIPPED: needs the Python packages of ${name}: ${lastLines}`);
  return null;
}
