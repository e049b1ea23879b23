/** CPU of each dialect beside `/decide`, for the same call: `npx tsx bench/dialects.ts [--rounds=N] [--seconds=N] [--only=native,mcp]`. */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { stopServer } from "./contenders/contender.ts";
import { createRemit } from "./contenders/remit.ts";
import { type DialectRequest, dialectRequests, dialectTarget } from "./dialect-requests.ts";
import { runLoad } from "./load.ts";
import { machineLines, moveToGeneratorCore } from "./machine.ts";
import { foreignMax, repeatsMax, type Sample, take } from "./measure.ts";
import { median } from "./report.ts";
import { makeQuestion } from "./request.ts";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, seconds: { type: "string", default: "2" }, only: { type: "string" } },
});
const dir = join(resolve("var/bench"), "dialects");
/** One connection: what is asked in parallel waits for the same session, in any dialect. */
const connections = 1;
const ratioMax = 1.3;

moveToGeneratorCore();
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
const question = await makeQuestion();
const remit = createRemit({ question, node: process.execPath, name: "Remit" });
const running = await remit.start(dir);
try {
  const only = options.only?.split(",");
  const requests = dialectRequests(question).filter(({ dialect }) => only === undefined || only.includes(dialect));
  report(await measure(requests));
} finally {
  await stopServer(running.process);
  rmSync(dir, { recursive: true, force: true });
}

/** All dialects in one process and in turns, so that each is as warm as the others and a slow spell hits all alike. */
async function measure(requests: readonly DialectRequest[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const targets = requests.map((request) => ({ ...request, target: dialectTarget(running.target, request, remit.apiKey) }));
  for (const { dialect, target } of targets) right(dialect, await runLoad(target, { connections, seconds: 2, poll: true }));
  const used = new Map<string, number[]>(targets.map(({ dialect }) => [dialect, []]));
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const { dialect, target } of targets) {
      const sample = await quiet(async () => take({ ...running, target }, { connections, seconds: Number(options.seconds), poll: true }));
      right(dialect, sample);
      console.error(`round ${round}: ${dialect}: ${sample.cpuUsPerRequest?.toFixed(0)} us CPU/request`);
      if (sample.cpuUsPerRequest !== null) used.get(dialect)?.push(sample.cpuUsPerRequest);
    }
  }
  return used;
}

/** Again when somebody else used the core meanwhile. */
async function quiet(measureOnce: () => Promise<Sample>): Promise<Sample> {
  for (let attempt = 0; ; attempt++) {
    const sample = await measureOnce();
    if ((sample.foreign ?? 0) <= foreignMax || attempt === repeatsMax) return sample;
  }
}

function right(dialect: string, { errors, firstError }: { readonly errors: number; readonly firstError: string | null }): void {
  if (errors > 0) throw new Error(`${dialect}: a wrong answer:\n${firstError}`);
}

function report(used: ReadonlyMap<string, readonly number[]>): void {
  const base = median(used.get("native") ?? []) ?? Number.NaN;
  for (const line of machineLines()) console.log(`- ${line}`);
  console.log("\n| dialect | CPU µs/request (median) | least | times `/decide` |\n|---|---:|---:|---:|");
  for (const [dialect, samples] of used) {
    const middle = median(samples) ?? Number.NaN;
    const over = middle / base > ratioMax ? " **above 1.3**" : "";
    console.log(`| ${dialect} | ${middle.toFixed(0)} | ${Math.min(...samples).toFixed(0)} | ${(middle / base).toFixed(2)}${over} |`);
  }
}
