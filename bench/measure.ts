import { createReadStream, existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Contender, type DecisionLogFile, type Running, stopServer } from "./contenders/contender.ts";
import { type LoadOptions, type LoadResult, runLoad } from "./load.ts";
import { coreBusyUs, cpuUs, residentMiB, waitQuiet } from "./machine.ts";

export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly connections: readonly number[];
  /** See LoadOptions. */
  readonly poll: boolean;
  /** Folder for configurations and logs; each server gets an empty one of its own. */
  readonly dir: string;
  readonly progress: (text: string) => void;
}

/** One round of one server at one number of connections. */
export interface Sample extends LoadResult {
  readonly connections: number;
  /** CPU the server used for one request, all its threads; null where it cannot be read. */
  readonly cpuUsPerRequest: number | null;
  /** Share of the servers' core that somebody else used meanwhile. */
  readonly foreign: number | null;
}

export interface Measured {
  readonly contender: Contender;
  readonly samples: Sample[];
  residentMiB: number | null;
  /** Decisions that were answered, and records of decisions in the log; null without a log. */
  answered: number;
  records: number | null;
}

/** A share of foreign CPU above which a round is repeated, a bounded number of times. */
export const foreignMax = 0.15;
export const repeatsMax = 2;

/**
 * Takes turns: in each round each server is started anew, warmed up, loaded, and stopped, alone on its core; so a slow spell of the
 * machine hits all alike. Throws when an answer was wrong or the log does not hold one record for each answer.
 */
export async function measureAll(contenders: readonly Contender[], plan: Plan): Promise<readonly Measured[]> {
  const all = contenders.map((contender): Measured => ({ contender, samples: [], residentMiB: null, answered: 0, records: null }));
  for (let round = 1; round <= plan.rounds; round++) for (const one of all) await turn(one, round, plan);
  return all;
}

async function turn(one: Measured, round: number, plan: Plan): Promise<void> {
  rmSync(plan.dir, { recursive: true, force: true });
  mkdirSync(plan.dir, { recursive: true });
  await waitQuiet(2500);
  const running = await one.contender.start(plan.dir);
  try {
    const warm = await runLoad(running.target, { connections: 16, seconds: plan.warmUpSeconds, poll: plan.poll });
    checkAnswers(one.contender, warm);
    let answered = warm.answered;
    for (const connections of plan.connections) {
      for (let attempt = 0; ; attempt++) {
        const sample = await take(running, { connections, seconds: plan.seconds, poll: plan.poll });
        checkAnswers(one.contender, sample);
        answered += sample.answered;
        plan.progress(progressLine(one.contender, round, sample));
        if ((sample.foreign ?? 0) > foreignMax && attempt < repeatsMax) continue;
        one.samples.push(sample);
        break;
      }
    }
    one.residentMiB = residentMiB(running.process.pid ?? 0) ?? null;
    await stopServer(running.process);
    await checkRecords(one, running.log, answered);
  } finally {
    await stopServer(running.process);
    rmSync(plan.dir, { recursive: true, force: true });
  }
}

/** One round of one target. */
export async function take(running: Running, options: LoadOptions): Promise<Sample> {
  await waitQuiet(2500);
  const pid = running.process.pid ?? 0;
  const [cpuBefore, busyBefore, startedMs] = [cpuUs(pid), coreBusyUs(), performance.now()];
  const result = await runLoad(running.target, options);
  const [cpuAfter, busyAfter, wallUs] = [cpuUs(pid), coreBusyUs(), (performance.now() - startedMs) * 1000];
  const used = cpuBefore === undefined || cpuAfter === undefined ? null : cpuAfter - cpuBefore;
  const busy = busyBefore === undefined || busyAfter === undefined ? null : busyAfter - busyBefore;
  const foreign = used === null || busy === null ? null : Math.max(0, (busy - used) / wallUs);
  return { ...result, connections: options.connections, cpuUsPerRequest: used === null ? null : used / result.answered, foreign };
}

function progressLine({ name }: Contender, round: number, sample: Sample): string {
  const cpu = sample.cpuUsPerRequest === null ? "" : `, ${sample.cpuUsPerRequest.toFixed(0)} us CPU/request`;
  const foreign =
    (sample.foreign ?? 0) > foreignMax ? `, disturbed: ${Math.round((sample.foreign ?? 0) * 100)} % of the core was not its own` : "";
  return `round ${round}: ${name}, ${sample.connections} connections: ${sample.perSecond.toFixed(0)} requests/s${cpu}${foreign}`;
}

function checkAnswers({ name }: Contender, result: LoadResult): void {
  if (result.errors > 0)
    throw new Error(`${name}: ${result.errors} of ${result.answered} answers were wrong; the first:\n${result.firstError}`);
  if (result.answered === 0) throw new Error(`${name}: no answer at all`);
}

/** What is fast because it forgets would win: each answer must have its record. */
async function checkRecords(one: Measured, log: DecisionLogFile | null, answered: number): Promise<void> {
  one.answered += answered;
  if (log === null) return;
  const records = await countRecords(log, answered);
  if (records !== answered) throw new Error(`${one.contender.name}: ${answered} answers, but ${records} records in its decision log`);
  one.records = (one.records ?? 0) + records;
}

/** Lines with the marker; waits a moment for a log that is written after its server has ended. */
async function countRecords(log: DecisionLogFile, expected: number): Promise<number> {
  let count = 0;
  for (let attempt = 0; attempt < 10; attempt++) {
    count = existsSync(log.path) ? await countMarkers(log) : 0;
    if (count >= expected) return count;
    await sleep(100);
  }
  return count;
}

async function countMarkers({ path, marker }: DecisionLogFile): Promise<number> {
  if (statSync(path).size === 0) return 0;
  let count = 0;
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "latin1", highWaterMark: 1 << 20 })) {
    const text = rest + (chunk as string);
    let from = 0;
    for (let at = text.indexOf(marker); at >= 0; at = text.indexOf(marker, from)) {
      count++;
      from = at + marker.length;
    }
    rest = text.slice(Math.max(from, text.length - marker.length + 1));
  }
  return count;
}
