/** JSON text that goes into the policy as it is: integers beyond 2^53 keep every digit. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** One argument: its value, and its JSON text for numbers that a double cannot hold. */
export interface Argument {
  readonly value: unknown;
  readonly text: string;
  /** The value in Rego's own text, where sets are not arrays; absent when it is the same as the JSON text. */
  readonly rego?: string;
}

/** What an evaluation lends to its builtins. */
export interface BuiltinContext {
  /** The one clock of the evaluation, milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * A builtin: arguments to a JSON value or {@link RawJson}. `undefined` is Rego's undefined. Throwing a {@link BuiltinError} is a
 * builtin that fails: undefined in Rego, and the whole decision is denied with `policy_error`.
 */
export type Builtin = (args: readonly Argument[], context: BuiltinContext) => unknown;

/** A builtin that cannot answer for these arguments, as OPA's error. */
export class BuiltinError extends Error {}
