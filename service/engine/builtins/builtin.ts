import type { Value } from "../value/value.ts";

/** What an evaluation lends to its builtins. */
export interface BuiltinContext {
  /** The one clock of the evaluation, nanoseconds since the epoch. */
  readonly nowNs: bigint;
  /** What must be the same for the whole evaluation, by a key that starts with the builtin's name; empty at first. */
  readonly cache: Map<string, Value>;
  /**
   * Pays for work beyond reading arguments and writing the result, which the host charges by itself: a unit is about one step of a
   * compiled rule, some ten nanoseconds. Call it before the work is done; it throws when the evaluation has no fuel left.
   */
  spend(units: number): void;
}

/**
 * A builtin: values to a value, synchronous, without effects. `undefined` is Rego's undefined. Throwing a {@link BuiltinError} is a
 * builtin that fails: undefined in Rego, and the whole decision is denied with `policy_error` unless the bundle says otherwise.
 * Any other exception ends the evaluation.
 */
export type Builtin = (args: readonly Value[], context: BuiltinContext) => Value | undefined;

/** Builtins by their names in Rego. */
export type Family = Readonly<Record<string, Builtin>>;

/** A builtin that cannot answer for these arguments, as OPA's error. */
export class BuiltinError extends Error {}
