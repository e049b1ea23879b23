/** Runs every check and test, and ends with one line `N passed, N failed`. `--only=check|rego|opa|vitest`, `--filter=pattern`. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const options = new Map(process.argv.slice(2).map((arg) => arg.replace(/^--/, "").split("=", 2) as [string, string | undefined]));
const only = options.get("only");
const filter = options.get("filter");

/** One command is one test: it passes when it exits with 0. */
const checks: Readonly<Record<string, readonly string[]>> = {
  "lint, layers, cycles, sizes": ["node_modules/.bin/biome", "check", "."],
  types: ["node_modules/.bin/tsc", "--noEmit"],
  "unused code": ["node_modules/.bin/knip"],
  "generated files": ["node_modules/.bin/tsx", "scripts/generate.ts", "--check"],
  markdown: ["node_modules/.bin/markdownlint-cli2"],
};

function run(command: readonly string[]): { readonly ok: boolean; readonly output: string } {
  const [program = "", ...args] = command;
  const result = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, stdio: ["ignore", "pipe", "pipe"] });
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` };
}

function runChecks(): Count {
  let failed = 0;
  for (const [name, command] of Object.entries(checks)) {
    const { ok, output } = run(command);
    console.log(`${ok ? "ok    " : "FAILED"} ${name}`);
    if (!ok) {
      failed++;
      console.log(output);
    }
  }
  return { passed: Object.keys(checks).length - failed, failed, skipped: 0 };
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly status: string; readonly name: string; readonly assertionResults: readonly unknown[] }[];
}

function runVitest(): Count {
  const report = ".cache/vitest.json";
  mkdirSync(".cache", { recursive: true });
  rmSync(report, { force: true });
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`, ...(filter === undefined ? [] : [filter])];
  // They fetch large programs: `make test-gateways` runs them.
  if (filter === undefined) args.push("--exclude=test/gateways/**");
  const { status } = spawnSync("node_modules/.bin/vitest", args, { stdio: "inherit" });
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const result = JSON.parse(readFileSync(report, "utf8")) as VitestReport;
  // A file that does not load has no tests to fail, and must not pass for that.
  const broken = result.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  const failed = result.numFailedTests + broken;
  return { passed: result.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed, skipped: result.numPendingTests };
}

const tsx = "node_modules/.bin/tsx";

function runRego(): Count {
  return ["fmt", "check", "lint", "test"].map((step) => runCounted(`rego ${step}`, [tsx, "scripts/rego.ts", step])).reduce(add);
}

/** Against OPA itself: its suite, and inputs that are generated the same way every time; `make fuzz` has others. */
function runOpa(): Count {
  return add(
    runCounted("conformance", [tsx, "scripts/conformance/run.ts", "--check"]),
    runCounted("fuzz", [tsx, "scripts/fuzz/run.ts", "--seed=1", "--seconds=15"]),
  );
}

/** A step that counts prints `…: N passed, N failed`; one that is skipped prints `SKIPPED`. */
function runCounted(name: string, command: readonly string[]): Count {
  const { ok, output } = run(command);
  const skipped = /^SKIPPED/m.test(output);
  console.log(`${skipped ? "SKIPPED" : ok ? "ok    " : "FAILED"} ${name}`);
  if (!ok || skipped) console.log(output);
  if (skipped && ok) return { passed: 0, failed: 0, skipped: 1 };
  const counts = /: (\d+) passed, (\d+) failed/.exec(output);
  if (counts === null) return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
  const failed = Number(counts[2]);
  return { passed: Number(counts[1]), failed: failed === 0 && !ok ? 1 : failed, skipped: 0 };
}

function add(a: Count, b: Count): Count {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

const parts: Readonly<Record<string, () => Count>> = { check: runChecks, rego: runRego, opa: runOpa, vitest: runVitest };
const chosen = Object.entries(parts).filter(([name]) => (filter === undefined ? only === undefined || only === name : name === "vitest"));
const total = chosen.map(([, part]) => part()).reduce(add, { passed: 0, failed: 0, skipped: 0 });
if (total.skipped > 0) console.log(`SKIPPED: ${total.skipped} tests; the lines above say why`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
