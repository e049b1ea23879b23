import { describe, expect, it } from "vitest";
import type { DecisionRecord } from "../../../service/decide/decision-record.ts";
import type { Evaluation, PolicySnapshot } from "../../../service/decide/ports.ts";
import { createPolicyMask } from "../../../service/decision-log/policy-mask.ts";
import { RemitError } from "../../../service/errors.ts";

const record = { decision_id: "d" } as DecisionRecord;
const snapshot = (evaluation: Evaluation, entrypoints = ["system/log/mask"]): PolicySnapshot => ({
  bundle: { name: "b", revision: "r", digest: "sha256:0" },
  data: {},
  entrypoints: new Set(entrypoints),
  query: () => ({ kind: "undefined", evalNs: 1 }),
  evaluate: () => evaluation,
});
const ok = (result: unknown): Evaluation => ({ ok: true, result, evalNs: 1 });
const failed = (code: "policy_error" | "policy_undefined"): Evaluation => ({ ok: false, error: new RemitError(code, "x"), evalNs: 1 });

function run(policy: PolicySnapshot | null) {
  const failures: string[] = [];
  const rules = createPolicyMask({ nowMs: () => 0 }, (kind) => void failures.push(kind))(record, policy);
  return { rules, failures };
}

describe("policy mask", () => {
  it("reads OPA's shapes", () => {
    const result = ["/input/a", { op: "remove", path: "/result/b" }, { op: "upsert", path: "/input/c", value: 1 }];

    expect(run(snapshot(ok(result))).rules).toEqual([
      { op: "remove", path: "/input/a" },
      { op: "remove", path: "/result/b" },
      { op: "upsert", path: "/input/c", value: 1 },
    ]);
  });

  it.each([
    ["no policy decided", null],
    ["the bundle has no mask", snapshot(ok([]), ["remit/decision"])],
    ["the mask is undefined", snapshot(failed("policy_undefined"))],
  ])("masks nothing more when %s", (_name, policy) => {
    expect(run(policy)).toEqual({ rules: [], failures: [] });
  });

  it.each([
    ["fails", failed("policy_error"), "policy_error"],
    ["is no list", ok({ "/input/a": true }), "policy_result_invalid"],
    ["names a path outside", ok(["/decision_id"]), "policy_result_invalid"],
    ["has an unknown operation", ok([{ op: "move", path: "/input/a" }]), "policy_result_invalid"],
  ])("says that masking failed when the mask %s", (_name, evaluation, kind) => {
    expect(run(snapshot(evaluation))).toEqual({ rules: null, failures: [kind] });
  });
});
