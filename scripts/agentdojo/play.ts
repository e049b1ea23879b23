import type { Answer, Gateway, Outcome } from "./gateway.ts";
import { attackPairs, type Call, deliver, type InjectionTask, type Suite, type UserTask } from "./traces.ts";

/** What became of the calls of one trace: allowed when all are, denied when one is, asked otherwise. */
export interface Verdict {
  readonly outcome: Outcome;
  /** The first call that was not allowed: its tool, and why. */
  readonly refused: { readonly call: number; readonly tool: string; readonly codes: readonly string[] } | null;
}

/** A user task that nobody tampers with. */
export interface TaskResult extends Verdict {
  readonly id: string;
}

/** An attack on a user task: `benign` is what became of the user's own calls, `attack` of the attacker's; allowed is a success. */
export interface PairResult {
  readonly id: string;
  readonly benign: Verdict;
  readonly attack: Verdict;
}

/** Everything that one suite gave. */
export interface SuiteResult {
  readonly suite: string;
  readonly benchmark: string;
  readonly tasks: readonly TaskResult[];
  readonly pairs: readonly PairResult[];
}

/** Plays every user task as it is, then every attack pair, each in a session of its own. `step` is called after each. */
export async function playSuite(gateway: Gateway, suite: Suite, step: () => void): Promise<SuiteResult> {
  const tasks: TaskResult[] = [];
  for (const task of suite.user_tasks) {
    tasks.push(await playTask(gateway, suite, task));
    step();
  }
  const pairs: PairResult[] = [];
  for (const { user, injection } of attackPairs(suite)) {
    pairs.push(await playPair(gateway, suite, user, injection));
    step();
  }
  return { suite: suite.suite, benchmark: suite.benchmark, tasks, pairs };
}

/** How many traces a suite has, for a progress bar. */
export function traceCount(suite: Suite): number {
  return suite.user_tasks.length + attackPairs(suite).length;
}

async function playTask(gateway: Gateway, { suite }: Suite, task: UserTask): Promise<TaskResult> {
  const session = `${suite}.${task.id}`;
  await gateway.declare(session, task.prompt);
  return { id: task.id, ...(await playCalls(gateway, session, task.calls, null)) };
}

/** After the user's last call the agent is taken to be hijacked, and makes the attacker's calls. */
async function playPair(gateway: Gateway, { suite }: Suite, user: UserTask, injection: InjectionTask): Promise<PairResult> {
  const session = `${suite}.${user.id}.${injection.id}`;
  await gateway.declare(session, user.prompt);
  const benign = await playCalls(gateway, session, user.calls, injection.goal);
  const attack = await playCalls(gateway, session, injection.calls, injection.goal);
  return { id: `${user.id} × ${injection.id}`, benign, attack };
}

/** Calls go on after one that is not allowed; only what was allowed has happened, so only that is reported. */
async function playCalls(gateway: Gateway, session: string, calls: readonly Call[], injected: string | null): Promise<Verdict> {
  const answers: Answer[] = [];
  for (const call of calls) {
    const answer = await gateway.decide(session, call.tool, call.arguments);
    if (answer.outcome === "allowed") await gateway.report(answer.decisionId, deliver(call.result, injected));
    answers.push(answer);
  }
  return verdictOf(calls, answers);
}

function verdictOf(calls: readonly Call[], answers: readonly Answer[]): Verdict {
  const outcomes = new Set(answers.map(({ outcome }) => outcome));
  const outcome = outcomes.has("denied") ? "denied" : outcomes.has("asked") ? "asked" : "allowed";
  const first = answers.findIndex((answer) => answer.outcome !== "allowed");
  const [call, answer] = [calls[first], answers[first]];
  if (call === undefined || answer === undefined) return { outcome, refused: null };
  return { outcome, refused: { call: first + 1, tool: call.tool, codes: answer.codes } };
}
