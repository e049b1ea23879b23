import type { PolicyInstance } from "../../service/engine/instance.ts";
import { describe as describeError } from "../../service/errors.ts";
import { differenceOf, load } from "../oracle/judge.ts";
import type { SuiteCase } from "../oracle/oracle.ts";

/** What became of one case. */
export interface Verdict {
  readonly kind: "equal" | "wrong" | "error" | "missing" | "silent" | "not_compiled";
  readonly detail: string;
}

const nowNs = 1_795_488_384_652_000_000n;

/** Evaluates a case in a fresh instance, and again in the same one, and holds both answers against OPA's. */
export function judge(item: SuiteCase): Verdict {
  if (item.wasm === undefined) return { kind: "not_compiled", detail: item.compile_error ?? "" };
  const loaded = loadCase(item.wasm, item.data);
  if (typeof loaded === "string") return { kind: "error", detail: loaded };
  if ("missing" in loaded) return { kind: "missing", detail: loaded.missing.join(", ") };
  const fresh = differenceOf(loaded, { ...item, nowNs }, item);
  if (fresh !== undefined) return fresh;
  const again = differenceOf(loaded, { ...item, nowNs }, item);
  return again === undefined ? { kind: "equal", detail: "" } : { ...again, detail: `in a reused instance: ${again.detail}` };
}

function loadCase(wasm: string, data: string | undefined): PolicyInstance | { readonly missing: readonly string[] } | string {
  try {
    const loaded = load(wasm, data);
    return "ask" in loaded ? loaded : { missing: loaded };
  } catch (error) {
    return describeError(error);
  }
}
