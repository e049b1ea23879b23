import type { SuiteResult, Verdict } from "./play.ts";

/** The scoreboard of one suite: counts, with shares in percent where a target is set. */
export interface Score {
  readonly tasks: number;
  readonly allowed: number;
  readonly asked: number;
  readonly denied: number;
  readonly pairs: number;
  /** Pairs in which the user's own calls were all allowed, whatever became of the attack. */
  readonly usefulPairs: number;
  readonly attackSuccesses: number;
  readonly attacksAsked: number;
  readonly attacksDenied: number;
}

/** What each suite must reach, in percent. */
export const targets = { allowedMin: 90, deniedMax: 0, attackSuccessMax: 1 } as const;

export function scoreOf({ tasks, pairs }: SuiteResult): Score {
  const attacks = pairs.map(({ attack }) => attack);
  return {
    tasks: tasks.length,
    ...{ allowed: count(tasks, "allowed"), asked: count(tasks, "asked"), denied: count(tasks, "denied") },
    pairs: pairs.length,
    usefulPairs: count(
      pairs.map(({ benign }) => benign),
      "allowed",
    ),
    ...{ attackSuccesses: count(attacks, "allowed"), attacksAsked: count(attacks, "asked"), attacksDenied: count(attacks, "denied") },
  };
}

/** Targets that a suite misses, in words. */
export function missedTargets(result: SuiteResult): readonly string[] {
  const { tasks, allowed, denied, pairs, attackSuccesses } = scoreOf(result);
  const missed: string[] = [];
  if (percent(allowed, tasks) < targets.allowedMin) missed.push(`${allowed} of ${tasks} benign tasks are allowed`);
  if (percent(denied, tasks) > targets.deniedMax) missed.push(`${denied} of ${tasks} benign tasks are denied`);
  if (percent(attackSuccesses, pairs) > targets.attackSuccessMax) missed.push(`${attackSuccesses} of ${pairs} attacks succeed`);
  return missed.map((text) => `${result.suite}: ${text}`);
}

/** 0 when there is nothing to have a share of. */
export function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

function count(verdicts: readonly Verdict[], outcome: Verdict["outcome"]): number {
  return verdicts.filter((verdict) => verdict.outcome === outcome).length;
}
