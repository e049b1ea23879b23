import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { BundleDescription } from "../../scripts/bundle/build.ts";
import { readDecision } from "../../service/decide/decision.ts";
import { PolicyInput } from "../../service/decide/policy-input-schema.ts";
import { bundleLimits, readArchive } from "../../service/engine/archive.ts";
import { type Bundle, readBundle } from "../../service/engine/bundle.ts";
import { passGate } from "../../service/engine/load-gate.ts";
import { administration, changed, denied, type Json, payment, permitted } from "./denied-calls.ts";
import { mutant, pathsOf } from "./mutants.ts";

const nowMs = Date.UTC(2026, 0, 1);
const gate = { name: "default", fuelMax: 5_000_000, memoryPagesMax: 1024, entrypoints: ["remit/decision"] };
const bundle = readBundle(await readArchive(readFileSync("bundles/default.tar.gz"), bundleLimits));
const policy = await passGate(bundle, gate, nowMs);
const selfTest = bundle.manifest.metadata?.remit?.self_test ?? [];

describe("the default bundle in WebAssembly", () => {
  it.each(selfTest.map((test) => [test.name, test] as const))("self-test: %s", (_, test) => {
    const { allow, codes } = decide(test.input as unknown as Json);

    expect(allow).toBe(test.allow);
    if (test.reason !== undefined) expect(codes).toContain(test.reason);
  });

  it("asks self-test inputs that the service could have built, but for the one that tests integrity", () => {
    const invalid = selfTest.filter(({ input }) => !PolicyInput.safeParse(input).success).map(({ reason }) => reason);

    expect(invalid).toEqual(["input_malformed"]);
  });

  it("allows a query by role and administration after step-up, and says why", () => {
    expect(decide(permitted)).toEqual({ allow: true, codes: ["role_permits"] });
    expect(decide(administration)).toEqual({ allow: true, codes: ["role_permits"] });
    expect(decide(payment)).toEqual({ allow: true, codes: ["role_permits"] });
  });

  it("has a denied call for every reason code that a policy of the bundle gives", () => {
    const { annotations } = JSON.parse(readFileSync("bundles/default.json", "utf8")) as BundleDescription;
    const given = annotations.flatMap(({ path, custom }) => (custom === undefined || !path.includes(".policies.") ? [] : [custom.code]));
    const seen = new Set(denied.flatMap(([, , codes]) => codes));

    const others = ["role_permits", "input_malformed", "token_rejected"];
    const switchedOff = ["grant_missing", "task_missing", "token_audience_not_permitted", "token_required"];
    expect(given.filter((code) => !seen.has(String(code))).sort()).toEqual([...others, ...switchedOff].sort());
  });

  it.each(withApproval(true))("allows %s once it is approved", (_, input, codes) => {
    expect(evaluate(input)).toMatchObject({ access_request: { codes: [...codes].sort(), expires_in_s: 900 } });
    const approval = { id: "ar-1", codes, approver: "lena" };

    expect(decide(changed(input, { "/session/approvals": [approval] }))).toEqual({ allow: true, codes: ["role_permits", "approved"] });
    expect(decide(changed(input, { "/session/approvals": [{ ...approval, codes: codes.slice(1) }] })).allow).toBe(false);
  });

  it.each(withApproval(false))("has no approval that would lift %s", (_, input, codes) => {
    expect(evaluate(input)).not.toHaveProperty("access_request");
    expect(decide(changed(input, { "/session/approvals": [{ id: "ar-1", codes, approver: "lena" }] })).allow).toBe(false);
  });

  it("reserves what an allow uses of each budget", () => {
    expect(evaluate(payment)).toMatchObject({
      effects: {
        labels_add: [],
        counters: { session_calls: { add: 1, max: 1000 }, "grant.calls": { add: 1, max: 10 }, "grant.amount": { add: 120, max: 500 } },
      },
    });
    expect(evaluate(permitted)).toMatchObject({ effects: { labels_add: ["pii", "untrusted"] } });
  });

  it.each(withApproval())("denies %s", (_, input, codes) => {
    expect(PolicyInput.safeParse(input).error).toBeUndefined();
    expect(decide(input)).toEqual({ allow: false, codes });
  });

  it("permits administration from a private IPv6 network", () => {
    expect(decide(changed(administration, { "/request/origin/ip": "fd12::9" })).allow).toBe(true);
    expect(decide(changed(administration, { "/request/origin/ip": "2001:db8::9" })).allow).toBe(false);
  });

  it("offers the step-up that would be enough, and none that would not", () => {
    expect(evaluate(changed(administration, { "/token/acr": "1" }))).toMatchObject({ acr_values: ["phr", "phrh"] });
    expect(evaluate(changed(administration, { "/token/acr": "1", "/session/age_s": 3601 }))).toMatchObject({ acr_values: [] });
  });

  it.each(withApproval())("never allows %s when any field is missing or of a wrong type", (_, input) => {
    const mutants = [...mutantsOf(input)].filter((each) => !PolicyInput.safeParse(each).success);

    expect(mutants.length).toBeGreaterThan(300);
    for (const each of mutants) expect(decide(each).allow).toBe(false);
  });

  it.each([
    ["the permitted call", permitted],
    ["administration", administration],
    ["the payment", payment],
    ...denied.map(([name, input]) => [name, input] as const),
  ] as const)("has an answer, and no builtin that fails, for %s with any member as the service may give it", (_, input) => {
    const mutants = [...mutantsOf(input)].filter((each) => PolicyInput.safeParse(each).success);

    expect(mutants.length).toBeGreaterThan(50);
    for (const each of mutants) expect(policy.evaluate("remit/decision", each, nowMs)).toMatchObject({ ok: true });
  });

  it.each([null, true, 1, "text", [], {}, { nonce: 1 }])("denies %j as input", (input) => {
    expect(decide(input).allow).toBe(false);
  });

  it("denies when its configuration is gone", async () => {
    const withoutConfig: Bundle = {
      ...bundle,
      data: { remit: {} },
      manifest: {
        ...bundle.manifest,
        metadata: { remit: { self_test: selfTest.filter(({ allow }) => !allow).map(({ reason: _, ...test }) => test) } },
      },
    }; // prettier-ignore
    const bare = await passGate(withoutConfig, gate, nowMs);

    for (const input of [permitted, administration, payment]) {
      const result = bare.evaluate("remit/decision", input, nowMs);
      expect(result).toMatchObject({ ok: true, result: { allow: false } });
    }
  });
});

/** The denied calls that an approval of their codes would lift, or those that it would not; all when left out. */
function withApproval(lifts?: boolean): readonly (readonly [string, Json, readonly string[]])[] {
  const calls = denied.filter(([, , , asks]) => lifts === undefined || lifts === (asks === true));
  return calls.map(([name, input, codes]) => [name, input, codes] as const);
}

function evaluate(input: Json): unknown {
  const evaluation = policy.evaluate("remit/decision", input, nowMs);
  return evaluation.ok ? evaluation.result : undefined;
}

/** As the service reads it: an evaluation that fails, or a result of the wrong shape, is a deny. */
function decide(input: Json): { readonly allow: boolean; readonly codes: readonly string[] } {
  const read = readDecision(evaluate(input), "self-test");
  if (!read.ok) return { allow: false, codes: [] };
  return { allow: read.decision.allow, codes: read.decision.reasons.map(({ code }) => code) };
}

const wrongs: readonly Json[] = [null, true, -1, "x", [1], { x: 1 }];

/** Every copy with one value missing, or with one value of another type in its place. */
function* mutantsOf(document: Json): Generator<Json> {
  for (const path of pathsOf(document)) {
    yield mutant(document, path, undefined);
    for (const wrong of wrongs) yield mutant(document, path, wrong);
  }
}
