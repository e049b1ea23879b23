/** Checks and tests of the policies with the pinned tools: `npx tsx scripts/rego.ts fmt [--write] | check | lint | test`. */
import { spawnSync } from "node:child_process";
import { toolPath } from "./tools/find.ts";
import type { ToolName } from "./tools/pinned.ts";

interface Step {
  readonly tool: ToolName;
  /** Returns true when the step passed. */
  readonly run: (tool: string) => boolean;
}

const coverageMin = 100;
const capabilities = ["--capabilities", "rego/capabilities.json"];

const steps: Readonly<Record<string, Step>> = {
  fmt: { tool: "opa", run: format },
  check: { tool: "opa", run: (opa) => passes(opa, ["check", "--strict", "--schema", "rego/schemas", ...capabilities, "--bundle", "rego"]) },
  lint: { tool: "regal", run: (regal) => passes(regal, ["lint", "--config-file", ".regal/config.yaml", "rego"]) },
  test: { tool: "opa", run: test },
};

function format(opa: string): boolean {
  return passes(opa, ["fmt", ...(process.argv.includes("--write") ? ["--write"] : ["--list", "--fail"]), "rego"]);
}

function passes(tool: string, args: readonly string[]): boolean {
  return spawnSync(tool, args, { stdio: "inherit" }).status === 0;
}

interface TestResult {
  readonly package: string;
  readonly name: string;
  readonly location: { readonly file: string; readonly row: number };
  readonly fail?: boolean;
  readonly error?: unknown;
}

/** Runs the tests, then again for the coverage; ends with `rego: N passed, N failed`. Too little coverage is a failed test. */
function test(opa: string): boolean {
  const results = json<readonly TestResult[]>(opa, ["test", "--timeout", "120s", "--bundle", "rego", "--format", "json"]) ?? [];
  const failed = results.filter((result) => result.fail === true || result.error !== undefined);
  for (const { package: name, name: test, location } of failed) console.log(`FAILED ${name}.${test} (${location.file}:${location.row})`);
  const covered = failed.length === 0 && results.length > 0 && isCovered(opa);
  console.log(`rego: ${results.length - failed.length + (covered ? 1 : 0)} passed, ${failed.length + (covered ? 0 : 1)} failed`);
  return covered;
}

interface Range {
  readonly start: { readonly row: number };
  readonly end: { readonly row: number };
}

interface Coverage {
  readonly coverage?: number;
  readonly files: Readonly<Record<string, { readonly not_covered?: readonly Range[] }>>;
}

function isCovered(opa: string): boolean {
  const report = json<Coverage>(opa, ["test", "--timeout", "120s", "--bundle", "rego", "--coverage", "--format", "json"]);
  const coverage = report?.coverage ?? 0;
  for (const [file, { not_covered: ranges = [] }] of Object.entries(report?.files ?? {}))
    for (const { start, end } of ranges) console.log(`not covered: ${file}:${start.row}-${end.row}`);
  console.log(`coverage: ${coverage} %, at least ${coverageMin} %`);
  return coverage >= coverageMin;
}

function json<T>(tool: string, args: readonly string[]): T | undefined {
  const { stdout, stderr } = spawnSync(tool, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  try {
    return JSON.parse(stdout) as T;
  } catch {
    console.log(stdout, stderr);
    return undefined;
  }
}

const name = process.argv[2] ?? "";
const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
if (step === undefined) {
  console.error(`usage: npx tsx scripts/rego.ts ${Object.keys(steps).join("|")}`);
  process.exitCode = 2;
} else {
  const tool = await toolPath(step.tool);
  if (tool === undefined) console.log(`SKIPPED rego ${name}: 1 step needs ${step.tool}; the lines above say why it cannot be had`);
  else process.exitCode = step.run(tool) ? 0 : 1;
}
