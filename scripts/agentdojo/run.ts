/**
 * Plays the suites against the service and writes docs/agentdojo.md and the results that it is made from: `npx tsx scripts/agentdojo/run.ts`.
 * With `--suite=traces.json --catalog=catalog.json` it plays another suite, prints its scoreboard and writes nothing.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { progress } from "../progress.ts";
import { explanations } from "./explanations.ts";
import { agentdojoPage, shortfalls } from "./page.ts";
import { type SuiteResult, traceCount } from "./play.ts";
import { missedTargets, scoreOf } from "./score.ts";
import { playAgainstService } from "./service.ts";
import { ownSuites, pageFile, resultsFile, writeResults } from "./suites.ts";
import { readSuite } from "./traces.ts";

type Files = (typeof ownSuites)[number];

async function playAll(files: readonly Files[]): Promise<readonly SuiteResult[]> {
  const suites = files.map(({ traces, catalog }) => ({ suite: readSuite(traces), catalog }));
  const total = suites.map(({ suite }) => traceCount(suite)).reduce((a, b) => a + b, 0);
  const bar = progress("agentdojo", total);
  const results = await Promise.all(suites.map(({ suite, catalog }) => playAgainstService(suite, catalog, () => bar.step())));
  bar.end();
  return results;
}

/** Prints what the page would show of a suite, trace by trace. */
function print(result: SuiteResult): void {
  const { tasks, allowed, asked, denied, pairs, attackSuccesses } = scoreOf(result);
  console.log(
    `${result.suite}: ${allowed} of ${tasks} benign tasks allowed, ${asked} asked, ${denied} denied; ${attackSuccesses} of ${pairs} attacks succeed`,
  );
  for (const { id, outcome, refused } of result.tasks) {
    if (refused !== null) console.log(`  ${outcome} ${id}: call ${refused.call} ${refused.tool}: ${refused.codes.join(", ")}`);
  }
  for (const { id, attack } of result.pairs) if (attack.outcome === "allowed") console.log(`  attack succeeds ${id}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { suite: { type: "string" }, catalog: { type: "string" } } });
  const { suite: traces, catalog } = values;
  if ((traces === undefined) !== (catalog === undefined)) throw new Error("a suite needs its catalog: give both --suite and --catalog");
  const own = traces === undefined || catalog === undefined;
  const results = await playAll(own ? ownSuites : [{ traces, catalog }]);
  for (const result of results) print(result);
  const problems = results.flatMap(missedTargets);
  if (own) {
    writeResults(results);
    writeFileSync(pageFile, agentdojoPage(results));
    console.log(`wrote ${pageFile} and ${resultsFile}`);
    problems.push(...shortfalls(results).flatMap((key) => (Object.hasOwn(explanations, key) ? [] : [`${key} is not explained`])));
  }
  for (const problem of problems) console.log(`MISSED ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

await main();
