/**
 * Holds the engine against OPA's own suite: `npx tsx scripts/conformance/run.ts [--check] [GROUP…]`. Over the whole suite it writes
 * docs/conformance.md, or with `--check` fails when that is stale. Ends with `conformance: N passed, N failed`.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { buildOracle, suiteCases } from "../oracle/oracle.ts";
import { progress } from "../progress.ts";
import { judge } from "./judge.ts";
import { type KnownDifference, readKnown } from "./known.ts";
import { conformancePage } from "./page.ts";
import { type Surprise, Tally } from "./tally.ts";

const page = "docs/conformance.md";
/** About as many cases as there are; for the progress bar only. */
const casesAbout = 4430;

async function run(oracle: string, groups: readonly string[], known: readonly KnownDifference[]): Promise<Tally> {
  const tally = new Tally(known);
  const bar = progress("conformance", groups.length === 0 ? casesAbout : undefined);
  for await (const item of suiteCases(oracle, groups)) {
    tally.add(item, judge(item));
    bar.step();
  }
  bar.end();
  return tally;
}

/** Writes or checks the page; returns what is wrong with it. */
function settlePage(text: string, check: boolean): readonly Surprise[] {
  if (existsSync(page) && readFileSync(page, "utf8") === text) return [];
  if (check) return [{ note: page, file: page, what: "stale: run `make conformance`" }];
  writeFileSync(page, text);
  console.log(`wrote ${page}`);
  return [];
}

async function main(args: readonly string[]): Promise<void> {
  const groups = args.filter((arg) => !arg.startsWith("--"));
  const built = buildOracle();
  if ("problem" in built) return console.log(`SKIPPED conformance: OPA cannot be built as a library: ${built.problem}`);
  const known = readKnown();
  const tally = await run(built.path, groups, known);
  const whole = groups.length === 0;
  const pageProblems = whole ? settlePage(conformancePage(tally, known), args.includes("--check")) : [];
  const failures = [...tally.surprises, ...tally.stale(whole), ...pageProblems];
  for (const { note, file, what } of failures) console.log(`FAILED ${file}: ${note}: ${what.slice(0, 500)}`);
  const { cases, equal, known: listed } = tally.total;
  console.log(`${cases} cases: ${equal} equal (${((100 * equal) / Math.max(cases, 1)).toFixed(2)} %), ${listed} known to differ`);
  console.log(`conformance: ${equal + listed} passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 && cases > 0 ? 0 : 1;
}

await main(process.argv.slice(2));
