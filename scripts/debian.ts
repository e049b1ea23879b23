/** Debian packages that some tests need: installed where that is possible, a loud line where it is not. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const lockFile = "/tmp/remit-debian.lock";
const timeoutMs = 600_000;

// Files of tests run side by side: one at a time installs, and what it was waiting for may then be there already.
// The policy file keeps daemons of the packages from starting; it is removed again unless it was there before.
const installScript = `
set -eu
missing() { for package in "$@"; do dpkg-query -W -f '\${db:Status-Status}\\n' "$package" 2>/dev/null | grep -qx installed || return 0; done; return 1; }
missing "$@" || exit 0
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
`;

/**
 * True when all packages are installed, after installing them with apt-get if this runs as root on Debian.
 * False elsewhere, or when it fails; then one line `SKIPPED: …` says what is missing and why.
 */
export function ensureDebian(packages: readonly string[]): boolean {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return true;
  const problem = whyNot() ?? install(missing);
  if (problem === null) return true;
  console.error(`SKIPPED: needs the Debian packages ${missing.join(", ")}: ${problem}`);
  return false;
}

function isInstalled(name: string): boolean {
  const query = spawnSync("dpkg-query", ["-W", "-f", "${db:Status-Status}", name], { encoding: "utf8" });
  return query.status === 0 && query.stdout.trim() === "installed";
}

function whyNot(): string | null {
  if (!existsSync("/etc/debian_version")) return "this is not Debian";
  if (process.getuid?.() !== 0) return "installing them needs root";
  return null;
}

function install(packages: readonly string[]): string | null {
  const run = spawnSync("flock", [lockFile, "sh", "-c", installScript, "sh", ...packages], {
    encoding: "utf8",
    timeout: timeoutMs,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
  });
  if (run.status === 0) return null;
  const lastLines = `${run.error?.message ?? ""}\n${run.stderr}`.trim().split("\n").slice(-3).join(" / ");
  return `apt-get failed: ${lastLines}`;
}
