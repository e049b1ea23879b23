/** What ways of writing a policy cost: `npx tsx bench/policies/run.ts`. Fails when an advice of docs/policy-performance.md does not hold. */
import { load } from "../../scripts/oracle/judge.ts";
import { buildOracle, Oracle } from "../../scripts/oracle/oracle.ts";
import { builtinNames } from "../../service/engine/builtins/index.ts";
import type { PolicyInstance } from "../../service/engine/instance.ts";
import { machineLines } from "../machine.ts";
import { type Advice, advice, input, largePolicy } from "./advice.ts";

const rounds = 7;
const roundMs = 60;
const text = JSON.stringify(input);

interface Options {
  readonly data?: unknown;
  /** Builtins that the host gives instead of the module. */
  readonly replaced?: ReadonlySet<string>;
}

async function compile(oracle: Oracle, rules: string, { data = {}, replaced = builtinNames }: Options = {}): Promise<PolicyInstance> {
  const module = `package policy\n\n${rules}\n`;
  const { wasm, compile_error: problem } = await oracle.ask({
    id: "bench",
    query: "x = data.policy.hit",
    modules: [module],
    no_answer: true,
  });
  const loaded = wasm === undefined ? [problem ?? ""] : load(wasm, JSON.stringify(data), replaced);
  if (!("ask" in loaded)) throw new Error(`a policy of the benchmark cannot be loaded: ${loaded.join(", ")}`);
  if (evaluate(loaded) !== '[{"x":true}]') throw new Error(`a policy of the benchmark answers ${evaluate(loaded)}`);
  return loaded;
}

function evaluate(instance: PolicyInstance): string {
  return instance.ask({ entrypoint: 0, input: text, nowNs: 0n, format: "json" }).text;
}

/** Microseconds of CPU per evaluation in one round. */
function round(instance: PolicyInstance): number {
  const before = process.cpuUsage();
  const end = performance.now() + roundMs;
  let count = 0;
  for (; performance.now() < end; count++) evaluate(instance);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/** The best round of each, taken in turns so that a slow spell of the machine hits all alike; the first round warms up. */
function measure(instances: readonly PolicyInstance[]): readonly number[] {
  const best = instances.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn <= rounds; turn++)
    for (const [index, instance] of instances.entries()) {
      const us = round(instance);
      if (turn > 0) best[index] = Math.min(best[index] ?? us, us);
    }
  return best;
}

async function row(oracle: Oracle, { name, slow, fast, data }: Advice): Promise<boolean> {
  const [slowUs = 0, fastUs = 0] = measure([await compile(oracle, slow, { data }), await compile(oracle, fast, { data })]);
  console.log(`| ${name} | ${slowUs.toFixed(1)} | ${fastUs.toFixed(1)} | ${(slowUs / fastUs).toFixed(1)} |`);
  return fastUs < slowUs;
}

async function main(): Promise<void> {
  const built = buildOracle();
  if ("problem" in built) throw new Error(built.problem);
  const oracle = new Oracle(built.path);
  console.log(`${machineLines()[0]}, Node ${process.version}\n`);
  // The module's globs are regular expressions within.
  const ownGlobs = { replaced: new Set([...builtinNames].filter((name) => name !== "glob.match" && name !== "regex.match")) };
  const policies = [await compile(oracle, "hit := true"), await compile(oracle, largePolicy), await compile(oracle, largePolicy, ownGlobs)];
  const [constant = 0, large = 0, own = 0] = measure(policies);
  const figures = `150 rules and 30 globs: ${large.toFixed(1)} µs, and ${own.toFixed(1)} µs with the module's own \`glob.match\``;
  console.log(`A constant: ${constant.toFixed(1)} µs. ${figures}.\n`);
  console.log("| advice | µs without | µs with | times |\n|---|---:|---:|---:|");
  const broken: string[] = [];
  for (const one of advice) if (!(await row(oracle, one))) broken.push(one.name);
  oracle.close();
  for (const name of broken) console.log(`FAILED: it does not pay: ${name}`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

await main();
