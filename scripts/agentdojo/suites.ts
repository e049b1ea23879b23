import { readFileSync, writeFileSync } from "node:fs";
import type { SuiteResult } from "./play.ts";

/** Traces and catalog of each suite that the page tells of. */
export const ownSuites = ["banking", "slack"].map((name) => ({
  traces: `test/fixtures/agentdojo/${name}.json`,
  catalog: `scripts/agentdojo/catalogs/${name}.json`,
}));

export const pageFile = "docs/agentdojo.md";
export const resultsFile = "test/fixtures/agentdojo/results.json";

/** The results that the page was made from. */
export function readResults(): readonly SuiteResult[] {
  return JSON.parse(readFileSync(resultsFile, "utf8")) as SuiteResult[];
}

/** A trace a line, so that a change shows as the traces that it changes. */
export function writeResults(results: readonly SuiteResult[]): void {
  const suites = results.map(
    ({ suite, benchmark, tasks, pairs }) =>
      `{"suite": ${JSON.stringify(suite)}, "benchmark": ${JSON.stringify(benchmark)},\n"tasks": ${lines(tasks)},\n"pairs": ${lines(pairs)}}`,
  );
  writeFileSync(resultsFile, `[\n${suites.join(",\n")}\n]\n`);
}

function lines(items: readonly unknown[]): string {
  return `[\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]`;
}
