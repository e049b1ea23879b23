import { readFileSync } from "node:fs";
import { z } from "zod";

const Call = z.object({
  tool: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  /** What the tool returned, as JSON text; a marker stands where an attacker could have written. */
  result: z.string(),
});
export type Call = z.infer<typeof Call>;

const UserTask = z.object({ id: z.string(), prompt: z.string(), calls: z.array(Call) });
export type UserTask = z.infer<typeof UserTask>;

const InjectionTask = z.object({ id: z.string(), goal: z.string(), calls: z.array(Call) });
export type InjectionTask = z.infer<typeof InjectionTask>;

const Suite = z.object({
  suite: z.string(),
  benchmark: z.string(),
  tools: z.array(z.string()),
  user_tasks: z.array(UserTask).min(1),
  injection_tasks: z.array(InjectionTask).min(1),
});
/** One suite of the benchmark: what benign agents do, and what hijacked ones do. */
export type Suite = z.infer<typeof Suite>;

/** Reads a file of traces; throws what is wrong with it. */
export function readSuite(path: string): Suite {
  return Suite.parse(JSON.parse(readFileSync(path, "utf8")));
}

const marker = /---CANARY_\w+?---/g;

/** The result of a call with `text` in place of every marker; null takes the markers away. */
export function deliver(result: string, text: string | null): string {
  const written = text === null ? "" : JSON.stringify(text).slice(1, -1);
  return result.replaceAll(marker, () => written);
}

/** Every injection task with every user task that reads something which an attacker could have written. An attack without calls is only talk. */
export function attackPairs(suite: Suite): readonly { readonly user: UserTask; readonly injection: InjectionTask }[] {
  const open = suite.user_tasks.filter(({ calls }) => calls.some((call) => call.result.search(marker) >= 0));
  const attacks = suite.injection_tasks.filter(({ calls }) => calls.length > 0);
  return open.flatMap((user) => attacks.map((injection) => ({ user, injection })));
}
