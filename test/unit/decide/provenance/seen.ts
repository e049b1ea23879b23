import type { Json } from "../../../../service/decide/json.ts";
import {
  type Find,
  judge as judgeQuestion,
  namesToAsk as namesOfQuestion,
  type Verdict,
} from "../../../../service/decide/provenance/judge.ts";
import type { OriginCode } from "../../../../service/decide/provenance/names.ts";
import { questionOf } from "../../../../service/decide/provenance/question.ts";
import { rememberedNames } from "../../../../service/decide/provenance/remember.ts";

const origins = { k: "task", t: "trusted", u: "untrusted", n: "untrusted" } as const;

/** A store that has seen these texts, in this order: the first origin of a name stays, but a task's overwrites. */
export function seen(...texts: readonly (readonly [OriginCode, string])[]): (name: string) => string | undefined {
  const stored = new Map<string, string>();
  for (const [code, text] of texts) {
    for (const name of rememberedNames(text, origins[code]).names) if (code === "k" || !stored.has(name)) stored.set(name, code);
  }
  return (name) => stored.get(name);
}

/** Where a value comes from, as far as the store says. */
export function judge(value: Json, find: Find): Verdict {
  return judgeQuestion(questionOf(value), find);
}

/** The names that are asked for about a value, each once. */
export function namesToAsk(value: Json): string[] {
  return [...new Set(namesOfQuestion(questionOf(value)))];
}
