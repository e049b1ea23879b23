import { builtinNames, builtins } from "../../service/engine/builtins/index.ts";
import { PolicyAbort } from "../../service/engine/host.ts";
import { PolicyInstance } from "../../service/engine/instance.ts";
import { readValue } from "../../service/engine/value/read.ts";
import { compare, RegoObject, RegoSet, setOf, type Value } from "../../service/engine/value/value.ts";
import { valueText } from "../../service/engine/value/write.ts";
import { rewriteModule } from "../../service/engine/wasm-rewrite.ts";
import { describe as describeError, RemitError } from "../../service/errors.ts";
import type { Outcome } from "./oracle.ts";

/** Why the engine's answer is not OPA's; `undefined` when it is. */
export interface Difference {
  readonly kind: "wrong" | "error" | "silent";
  readonly detail: string;
}

/** Bounds that no sound question of a test reaches. */
const bounds = { memoryPagesMax: 4000, fuelMax: 2_000_000_000, builtinErrors: "deny" } as const;

/** The host's builtins, and the one that only OPA's suite has: it waits, and time stands still all the same. */
const hosted = new Map([...builtins, ["test.sleep", () => null] as const]);

/**
 * An instance of a module that the oracle compiled (base64), or the builtins that it needs and the host does not
 * have. `replaced` are the builtins that the host gives instead of the module.
 */
export function load(wasm: string, data = "{}", replaced: ReadonlySet<string> = builtinNames): PolicyInstance | readonly string[] {
  const { bytes, memoryPagesMin } = rewriteModule(Buffer.from(wasm, "base64"), replaced);
  const module = new WebAssembly.Module(new Uint8Array(bytes));
  const instance = new PolicyInstance({ module, builtins: hosted, data: Buffer.from(data), memoryPagesMin, ...bounds });
  const missing = instance.builtinNames.filter((name) => !hosted.has(name));
  return missing.length > 0 ? missing : instance;
}

/** What is asked of an instance; no input is an input that is undefined. */
export interface Asked {
  readonly input?: string;
  readonly nowNs: bigint;
  /** Arrays that come from sets: they are compared in any order. */
  readonly sorted?: boolean;
  /** Whether a builtin failed is not compared: OPA may see by its index of rules, or the module by its order, that a call is not needed. */
  readonly anyFailure?: boolean;
}

/** Asks an instance and holds its answer against OPA's: rows as sets, numbers by their value, and whether a builtin failed on the way. */
export function differenceOf(instance: PolicyInstance, asked: Asked, expected: Outcome): Difference | undefined {
  const actual = ask(instance, asked);
  if ("error" in actual)
    return expected.error !== undefined && actual.aborted
      ? undefined
      : { kind: "error", detail: `${actual.error} (OPA: ${expected.error ?? "no error"})` };
  const shown = valueText(actual.rows);
  if (expected.error !== undefined) return { kind: "wrong", detail: `OPA fails with \`${expected.error}\`, the engine gives ${shown}` };
  const rows = setOf((expected.rows ?? []).map((row) => comparable(readValue(row), asked)));
  const own = setOf(actual.rows.items.map((row) => comparable(row, asked)));
  if (compare(rows, own) !== 0) return { kind: "wrong", detail: `OPA gives ${valueText(rows)}, the engine ${shown}` };
  return asked.anyFailure === true ? undefined : silence(expected.strict_error, actual.failure);
}

function silence(expected: string | undefined, failure: string | undefined): Difference | undefined {
  if ((expected === undefined) === (failure === undefined)) return undefined;
  const detail =
    expected === undefined ? `no builtin fails in OPA, but here: ${failure}` : `in OPA a builtin fails (${expected}), here none`;
  return { kind: "silent", detail };
}

/** Rows, or an evaluation that ended otherwise: `aborted` by the policy itself, as by a conflict of rules, and by nothing else. */
type Answered = { readonly rows: RegoSet; readonly failure: string | undefined } | { readonly error: string; readonly aborted: boolean };

function ask(instance: PolicyInstance, { input, nowNs }: Asked): Answered {
  try {
    const { text, failure } = instance.ask({ entrypoint: 0, input, nowNs, format: "value" });
    const rows = readValue(text);
    return rows instanceof RegoSet ? { rows, failure } : { error: `the result is no set: ${text}`, aborted: false };
  } catch (error) {
    instance.restore();
    const aborted = error instanceof RemitError && error.code === "policy_error" && error.cause instanceof PolicyAbort;
    return { error: describeError(error), aborted };
  }
}

/** The bindings, with their arrays sorted where their order means nothing. */
function comparable(row: Value, { sorted = false }: Asked): Value {
  if (!sorted || !(row instanceof RegoObject)) return row;
  return new RegoObject(
    row.entries.map(([key, value]) => [key, Array.isArray(value) ? [...(value as readonly Value[])].sort(compare) : value]),
  );
}
