/**
 * Compares the engine with OPA on generated inputs: every builtin, the shipped policies, and others:
 * `npx tsx scripts/fuzz/run.ts [--seed=N] [--seconds=N] [--only=PREFIX]`. Prints its seed; ends with `fuzz: N passed, N failed`.
 */
import { parseArgs } from "node:util";
import fc from "fast-check";
import { buildOracle, Oracle } from "../oracle/oracle.ts";
import { progress } from "../progress.ts";
import { type Comparison, compareAll } from "./compare.ts";
import { builtinSubjects, type Generated, policySubjects, shippedSubject } from "./subjects.ts";

const inputsPerRound = 60;
/** Between the seeds of rounds, so that runs with neighbouring seeds do not repeat each other. */
const roundStep = 7919;
/** Differences that are shown of one subject. */
const shownMax = 5;

const { values: options } = parseArgs({
  options: { seed: { type: "string" }, seconds: { type: "string", default: "30" }, only: { type: "string", default: "" } },
});

async function main(): Promise<void> {
  const seed = Number(options.seed ?? Date.now() % 1_000_000_000);
  const built = buildOracle();
  if ("problem" in built) return console.log(`SKIPPED fuzz: OPA cannot be built as a library: ${built.problem}`);
  console.log(`fuzz: seed ${seed}, ${options.seconds} s; again with \`make fuzz SEED=${seed}\``);
  const subjects = [shippedSubject(), ...policySubjects(), ...builtinSubjects()].filter(({ subject }) =>
    subject.name.startsWith(options.only),
  );
  const oracle = new Oracle(built.path);
  const results = await rounds(oracle, subjects, seed, Date.now() + Number(options.seconds) * 1000);
  oracle.close();
  report(results);
}

/** Round after round over all subjects, each with another seed, until the time is up; the first round is always whole. */
async function rounds(
  oracle: Oracle,
  subjects: readonly Generated[],
  seed: number,
  endMs: number,
): Promise<ReadonlyMap<string, Comparison>> {
  const results = new Map<string, Comparison>();
  const bar = progress("fuzz");
  for (let round = 0; round === 0 || Date.now() < endMs; round++)
    for (const { subject, inputs } of subjects) {
      if (round > 0 && Date.now() >= endMs) break;
      const texts = [...new Set(fc.sample(inputs, { seed: seed + roundStep * round, numRuns: inputsPerRound }))];
      const result = await compareAll(oracle, subject, texts);
      results.set(subject.name, sum(results.get(subject.name), result));
      bar.step();
    }
  bar.end();
  return results;
}

function sum(a: Comparison | undefined, b: Comparison): Comparison {
  if (a === undefined) return b;
  return { compared: a.compared + b.compared, defined: a.defined + b.defined, differences: [...a.differences, ...b.differences] };
}

/** A subject fails when something differs, and also when nothing was compared. */
function report(results: ReadonlyMap<string, Comparison>): void {
  const failed = [...results].filter(([, { compared, differences }]) => compared === 0 || differences.length > 0);
  for (const [name, { compared, differences }] of failed) {
    if (compared === 0) console.log(`FAILED ${name}: nothing was compared`);
    for (const line of differences.slice(0, shownMax)) console.log(`FAILED ${line}`);
  }
  const all = [...results.values()];
  const [compared, defined] = [all.reduce((n, { compared: m }) => n + m, 0), all.reduce((n, { defined: m }) => n + m, 0)];
  console.log(`${results.size} subjects, ${compared} inputs compared, ${defined} of them with a result`);
  console.log(`fuzz: ${results.size - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 && results.size > 0 ? 0 : 1;
}

await main();
