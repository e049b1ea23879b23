import type { PolicyInstance } from "../../service/engine/instance.ts";
import { readValue } from "../../service/engine/value/read.ts";
import { differenceOf, load } from "../oracle/judge.ts";
import type { Oracle, Outcome } from "../oracle/oracle.ts";

/** One query, asked over many inputs. */
export interface Subject {
  readonly name: string;
  readonly query: string;
  readonly modules: readonly string[];
  readonly data?: string;
  readonly v0?: boolean;
  /** See `Asked.anyFailure`. */
  readonly anyFailure?: boolean;
}

/** What came of the inputs: how many were compared, how many of those had a result, and how the engine differed. */
export interface Comparison {
  readonly compared: number;
  readonly defined: number;
  readonly differences: readonly string[];
}

const nowNs = 1_795_488_384_652_000_000n;

/** Inputs that OPA itself could not take, or not in time, say nothing about the engine. */
const unasked = /^(?:input: |panic: |eval_cancel_error)/;

/** Nor do answers that OPA itself could not write as JSON: `to_number("+1")` is the number `+1` there. */
function isAnswer({ rows = [], error = "" }: Outcome): boolean {
  try {
    rows.forEach(readValue);
    return !unasked.test(error);
  } catch {
    return false;
  }
}

/** Compiles a query once, asks OPA and the engine about every input, and tells where they differ. */
export async function compareAll(oracle: Oracle, subject: Subject, inputs: readonly string[]): Promise<Comparison> {
  const { name, query, modules, data, v0 } = subject;
  const answer = await oracle.ask({ id: name, query, modules, inputs, now_ns: Number(nowNs), ...(data && { data }), ...(v0 && { v0 }) });
  const loaded = answer.wasm === undefined ? [answer.compile_error ?? "no module"] : load(answer.wasm, data);
  if (!("ask" in loaded)) throw new Error(`${name} cannot be evaluated: ${loaded.join(", ")}`);
  return tally(subject, loaded, inputs, answer.outcomes ?? []);
}

function tally(
  { name, anyFailure = false }: Subject,
  instance: PolicyInstance,
  inputs: readonly string[],
  outcomes: readonly Outcome[],
): Comparison {
  const asked = outcomes.flatMap((outcome, index) => (isAnswer(outcome) ? [{ input: inputs[index] ?? "", outcome }] : []));
  const differences = asked.flatMap(({ input, outcome }) => {
    const difference = differenceOf(instance, { input, nowNs, anyFailure }, outcome);
    return difference === undefined
      ? []
      : [`${name}, input ${input.slice(0, 400)}: ${difference.kind}: ${difference.detail.slice(0, 600)}`];
  });
  return { compared: asked.length, defined: asked.filter(({ outcome }) => (outcome.rows ?? []).length > 0).length, differences };
}
