import { type BuiltinContext, BuiltinError } from "../../service/engine/builtins/builtin.ts";
import { builtins } from "../../service/engine/builtins/index.ts";
import { readValue } from "../../service/engine/value/read.ts";
import { jsonText } from "../../service/engine/value/write.ts";

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

/** What OPA 1.22.2 answers: `[builtin, texts of its arguments, JSON text of the result or null where it is undefined]`. */
export type Row = readonly [string, readonly string[], string | null];

/** Calls a builtin with Rego's text of its arguments; the result as JSON text, null where it is undefined or fails. */
export function call(name: string, ...texts: readonly string[]): string | null {
  const builtin = builtins.get(name);
  if (builtin === undefined) throw new Error(`there is no builtin ${name}`);
  try {
    const result = builtin(texts.map(readValue), testContext());
    return result === undefined ? null : jsonText(result);
  } catch (error) {
    if (error instanceof BuiltinError) return null;
    throw error;
  }
}
