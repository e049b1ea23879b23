import fc from "fast-check";
import type { BuiltinContext } from "../../service/engine/builtins/builtin.ts";
import { builtins } from "../../service/engine/builtins/index.ts";
import { readValue } from "../../service/engine/value/read.ts";
import { objectOf, RegoNumber, setOf, type Value } from "../../service/engine/value/value.ts";
import { wireText } from "../../service/engine/value/write.ts";
import { call, testContext } from "./builtins.ts";

const numbers = fc.oneof(
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.constantFrom("0", "1", "2", "-1", "1.0", "1.50", "1e3", "-0", "1e400", "0.1"),
);

const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Value>(null, true, false),
    numbers.map((text) => new RegoNumber(text)),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.constantFrom("a", "", "0", "10.0.0.1", "1.0.0", "\udc80", "a/b"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(tie("value"), { maxLength: 4 }).map(setOf),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map(objectOf),
  ),
}));

/** Rego's text of any value. */
export const anyValue: fc.Arbitrary<string> = value.map(wireText);

/** Thrown by {@link limited} when no fuel is left. */
export class OutOfFuel extends Error {}

/** An evaluation with so many units of fuel. */
export function limited(fuel: number): BuiltinContext & { left: number } {
  return {
    ...testContext(),
    left: fuel,
    spend(units) {
      this.left -= units;
      if (this.left < 0) throw new OutOfFuel();
    },
  };
}

/** Calls a builtin with Rego's text of its arguments and so much fuel; the result as Rego's text. */
export function callLimited(fuel: number, name: string, ...texts: readonly string[]): string | null {
  const result = builtins.get(name)?.(texts.map(readValue), limited(fuel));
  return result === undefined ? null : wireText(result);
}

/** Whether a builtin answers, or fails, and does the same when it is asked again. */
export function isSteady(name: string, ...texts: readonly string[]): boolean {
  const first = call(name, ...texts);
  return call(name, ...texts) === first;
}
