import { readFileSync } from "node:fs";
import { type BuiltinContext, BuiltinError } from "../../service/engine/builtins/builtin.ts";
import { builtins } from "../../service/engine/builtins/index.ts";
import { readValue } from "../../service/engine/value/read.ts";
import { wireText } from "../../service/engine/value/write.ts";

/** An evaluation of a test: a fixed clock, and as much fuel as it wants. */
export function testContext(): BuiltinContext & { spent: number } {
  return {
    nowNs: 1_795_488_384_652_000_000n,
    cache: new Map(),
    spent: 0,
    spend(units) {
      this.spent += units;
    },
  };
}

/** What OPA answers: `[builtin, Rego text of its arguments, answer]`, written by scripts/oracle/record.ts; see there. */
export type Row = readonly [string, readonly string[], string | null];

/** The rows of a fixture `test/fixtures/engine/opa-<family>.json`. */
export function opaRows(family: string): readonly Row[] {
  return JSON.parse(readFileSync(new URL(`../fixtures/engine/opa-${family}.json`, import.meta.url), "utf8")) as readonly Row[];
}

/** Calls a builtin with Rego's text of its arguments; the result as Rego text, null where it is undefined, `fails` where it fails. */
export function call(name: string, ...texts: readonly string[]): string | null {
  const builtin = builtins.get(name);
  if (builtin === undefined) throw new Error(`there is no builtin ${name}`);
  try {
    const result = builtin(texts.map(readValue), testContext());
    return result === undefined ? null : wireText(result);
  } catch (error) {
    if (error instanceof BuiltinError) return "fails";
    throw error;
  }
}
