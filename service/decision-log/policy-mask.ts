import { z } from "zod";
import type { Clock } from "../decide/ports.ts";
import type { MaskRule, RecordMasker } from "./mask.ts";

const entrypoint = "system/log/mask";

/** OPA's shapes: `"/input/x"` removes, an object removes or upserts. Paths outside `/input` and `/result` are refused. */
const path = z.string().regex(/^\/(input|result)(\/|$)/);
const Rules = z.array(
  z.union([
    path.transform((text): MaskRule => ({ op: "remove", path: text })),
    z.strictObject({ op: z.enum(["remove", "upsert"]), path, value: z.unknown().optional() }),
  ]),
);

const none: readonly MaskRule[] = [];

/** Masking by `system/log/mask` of the bundle that decided, when it has one. A mask that fails or has the wrong shape gives `null`. */
export function createPolicyMask(clock: Clock, onFailure: (kind: string) => void): RecordMasker {
  return (record, snapshot) => {
    if (snapshot === null || !snapshot.entrypoints.has(entrypoint)) return none;
    const evaluation = snapshot.evaluate(entrypoint, record, clock.nowMs());
    if (!evaluation.ok && evaluation.error.code === "policy_undefined") return none;
    const rules = Rules.safeParse(evaluation.ok ? evaluation.result : undefined);
    if (rules.success) return rules.data;
    onFailure(evaluation.ok ? "policy_result_invalid" : evaluation.error.code);
    return null;
  };
}
