import { builtins } from "../../service/engine/builtins/index.ts";
import { PolicyInstance } from "../../service/engine/instance.ts";
import { readValue } from "../../service/engine/value/read.ts";
import { compare, RegoObject, type RegoSet, setOf, type Value } from "../../service/engine/value/value.ts";
import { valueText } from "../../service/engine/value/write.ts";
import { rewriteModule } from "../../service/engine/wasm-rewrite.ts";
import { describe as describeError } from "../../service/errors.ts";
import type { Answer } from "../oracle/oracle.ts";

/** What became of one question: `equal`, or how the engine's answer differs from OPA's. */
export interface Verdict {
  readonly kind: "equal" | "wrong" | "error" | "missing" | "silent" | "not_compiled";
  readonly detail: string;
}

/** The engine's answer: rows of bindings, or an evaluation that failed. */
type Outcome = { readonly rows: Value; readonly failure: string | undefined } | { readonly error: string };

export interface Judged {
  readonly input?: string;
  readonly data?: string;
  readonly now_ns?: number;
  /** Arrays are compared in any order. */
  readonly sorted?: boolean;
}

const bounds = { memoryPagesMax: 4000, fuelMax: 2_000_000_000 } as const;

/** Evaluates a compiled question twice, in a fresh and in a reused instance, and holds both answers against OPA's. */
export function judge(question: Judged, answer: Omit<Answer, "id">): Verdict {
  if (answer.wasm === undefined) return { kind: "not_compiled", detail: answer.compile_error ?? "" };
  const { bytes, memoryPagesMin } = rewriteModule(Buffer.from(answer.wasm, "base64"));
  const module = new WebAssembly.Module(new Uint8Array(bytes));
  const data = Buffer.from(question.data ?? "{}");
  const instance = new PolicyInstance({ module, builtins, data, memoryPagesMin, builtinErrors: "deny", ...bounds });
  const missing = instance.builtinNames.filter((name) => !builtins.has(name));
  if (missing.length > 0) return { kind: "missing", detail: missing.join(", ") };
  const fresh = compareWith(ask(instance, question), question, answer);
  if (fresh.kind !== "equal") return fresh;
  instance.restore();
  const reused = compareWith(ask(instance, question), question, answer);
  return reused.kind === "equal" ? fresh : { ...reused, detail: `in a reused instance: ${reused.detail}` };
}

function ask(instance: PolicyInstance, question: Judged): Outcome {
  try {
    const nowNs = BigInt(question.now_ns ?? 1_795_488_384_652_000_000);
    const { text, failure } = instance.ask({ entrypoint: 0, input: question.input, nowNs, format: "value" });
    return { rows: readValue(text), failure };
  } catch (error) {
    return { error: describeError(error) };
  }
}

function compareWith(outcome: Outcome, { sorted = false }: Judged, answer: Omit<Answer, "id">): Verdict {
  if ("error" in outcome) return answer.error === undefined ? { kind: "error", detail: outcome.error } : { kind: "equal", detail: "" };
  const shown = valueText(outcome.rows);
  if (answer.error !== undefined) return { kind: "wrong", detail: `OPA fails with \`${answer.error}\`, the engine gives ${shown}` };
  const expected = setOf((answer.rows ?? []).map((row) => ordered(readValue(row), sorted)));
  const actual = setOf((outcome.rows as RegoSet).items.map((row) => ordered(row, sorted)));
  if (compare(expected, actual) !== 0) return { kind: "wrong", detail: `OPA gives ${valueText(expected)}, the engine ${shown}` };
  if (answer.strict_error !== undefined && outcome.failure === undefined)
    return { kind: "silent", detail: `a builtin fails in OPA (${answer.strict_error}), and the engine did not notice` };
  if (answer.strict_error === undefined && outcome.failure !== undefined)
    return { kind: "silent", detail: `no builtin fails in OPA, but here: ${outcome.failure}` };
  return { kind: "equal", detail: "" };
}

/** The bindings with their arrays sorted, where the case says that their order means nothing. */
function ordered(row: Value, sorted: boolean): Value {
  if (!sorted || !(row instanceof RegoObject)) return row;
  return new RegoObject(
    row.entries.map(([key, value]) => [key, Array.isArray(value) ? [...(value as readonly Value[])].sort(compare) : value]),
  );
}
