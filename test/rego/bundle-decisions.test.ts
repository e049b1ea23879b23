import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readDecision } from "../../service/decide/decision.ts";
import { PolicyInput } from "../../service/decide/policy-input.ts";
import { bundleLimits, readArchive } from "../../service/engine/archive.ts";
import { type Bundle, readBundle } from "../../service/engine/bundle.ts";
import { passGate } from "../../service/engine/load-gate.ts";

const nowMs = Date.UTC(2026, 0, 1);
const gate = { name: "default", fuelMax: 5_000_000, memoryPagesMax: 1024, entrypoints: ["remit/decision"] };
const bundle = readBundle(await readArchive(readFileSync("bundles/default.tar.gz"), bundleLimits));
const policy = await passGate(bundle, gate, nowMs);
const selfTest = bundle.manifest.metadata?.remit?.self_test ?? [];

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const permitted = selfTest.find(({ allow }) => allow)?.input as unknown as Json;
const verified = {
  present: true,
  verified: true,
  issuer: "https://issuer.example",
  acr: "phr",
  amr: ["pwd"],
  auth_time: 1767225480,
  auth_age_s: 120,
  age_s: 120,
  expires_in_s: 480,
};
const administration = changed(permitted, {
  "/call/tool": "delete_customer",
  "/call/arguments": { id: "c-1" },
  "/tool/class": "admin",
  "/tool/queries": [],
  "/provenance": {},
  "/subject/roles": ["admin"],
  "/subject/verified": true,
  ...Object.fromEntries(Object.entries(verified).map(([name, value]) => [`/token/${name}`, value])),
});

/** Calls that are denied, with the codes in their order. One changed value makes each of an allowed call. */
const denied: readonly (readonly [string, Json, readonly string[]])[] = [
  ["a role that may not", changed(permitted, { "/subject/roles": ["viewer"] }), ["role_not_permitted"]],
  ["no role", changed(permitted, { "/subject/roles": [] }), ["role_not_permitted"]],
  ["an unknown tool", changed(permitted, { "/tool/known": false }), ["tool_unknown"]],
  ["unknown arguments", changed(permitted, { "/call/arguments_known": false }), ["arguments_unknown"]],
  ["nobody", changed(permitted, { "/subject/id": null }), ["subject_unknown"]],
  ["a subject that nobody may state", changed(permitted, { "/request/pep/asserts_subject": false }), ["subject_unknown"]],
  ["an expired token", changed(permitted, { "/token/present": true, "/token/failure": "token_expired" }), ["token_expired"]],
  ["a stale token", changed(administration, { "/token/age_s": 901 }), ["token_stale"]],
  ["a weak authentication", changed(administration, { "/token/acr": "1" }), ["step_up_required"]],
  ["an old authentication", changed(administration, { "/token/auth_age_s": 901 }), ["step_up_required"]],
  ["a destructive annotation", changed(permitted, { "/call/annotations": { destructiveHint: true } }), ["step_up_required"]],
  [
    "a destructive name",
    changed(permitted, { "/tool/class": "update", "/subject/roles": ["editor"], "/call/tool": "purge_all" }),
    ["step_up_required"],
  ],
  ["an origin outside", changed(administration, { "/request/origin/ip": "203.0.113.9" }), ["origin_not_permitted"]],
  ["an unknown origin", changed(administration, { "/request/origin/ip": null }), ["origin_not_permitted"]],
  ["an origin that is no address", changed(administration, { "/request/origin/ip": "not an address" }), ["origin_not_permitted"]],
  ["no session", changed(administration, { "/session/id": null, "/session/known": false, "/session/age_s": null }), ["session_required"]],
  ["an old session", changed(administration, { "/session/age_s": 3601 }), ["session_too_old"]],
]; // prettier-ignore

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
  });

  it.each(denied)("denies %s", (_, input, codes) => {
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

  it.each(denied)("never allows %s when any field is missing or of a wrong type", (_, input) => {
    const mutants = [...mutantsOf(input)].filter((mutant) => !PolicyInput.safeParse(mutant).success);

    expect(mutants.length).toBeGreaterThan(300);
    for (const mutant of mutants) expect(decide(mutant).allow).toBe(false);
  });

  it.each([
    ["the permitted call", permitted],
    ["administration", administration],
    ...denied.map(([name, input]) => [name, input] as const),
  ] as const)("has an answer, and no builtin that fails, for %s with any member as the service may give it", (_, input) => {
    const mutants = [...mutantsOf(input)].filter((mutant) => PolicyInput.safeParse(mutant).success);

    expect(mutants.length).toBeGreaterThan(50);
    for (const mutant of mutants) expect(policy.evaluate("remit/decision", mutant, nowMs)).toMatchObject({ ok: true });
  });

  it.each([null, true, 1, "text", [], {}, { nonce: 1 }])("denies %j as input", (input) => {
    expect(decide(input).allow).toBe(false);
  });

  it("denies when its configuration is gone", async () => {
    const withoutConfig: Bundle = {
      ...bundle,
      data: { remit: {} },
      manifest: { ...bundle.manifest, metadata: { remit: { self_test: selfTest.filter(({ allow }) => !allow) } } },
    }; // prettier-ignore
    const bare = await passGate(withoutConfig, gate, nowMs);

    for (const input of [permitted, administration]) {
      const result = bare.evaluate("remit/decision", input, nowMs);
      expect(result).toMatchObject({ ok: true, result: { allow: false } });
    }
  });
});

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

/** A copy with the values at the JSON pointers replaced. */
function changed(document: Json, changes: Readonly<Record<string, Json>>): Json {
  const copy = structuredClone(document) as Record<string, unknown>;
  for (const [pointer, value] of Object.entries(changes)) {
    const parts = pointer.split("/").slice(1);
    const last = parts.pop() ?? "";
    const parent = parts.reduce((node, part) => node[part] as Record<string, unknown>, copy);
    parent[last] = value;
  }
  return copy as Json;
}

const wrongs: readonly Json[] = [null, true, -1, "x", [1], { x: 1 }];

/** Every copy with one value missing, or with one value of another type in its place. */
function* mutantsOf(document: Json): Generator<Json> {
  for (const path of pathsOf(document)) {
    yield at(document, path, undefined);
    for (const wrong of wrongs) yield at(document, path, wrong);
  }
}

function pathsOf(document: Json): readonly (readonly string[])[] {
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([name, value]) => [[name], ...pathsOf(value).map((path) => [name, ...path])]);
}

function at(document: Json, path: readonly string[], value: Json | undefined): Json {
  const copy = structuredClone(document) as Record<string, unknown>;
  const parent = path.slice(0, -1).reduce((node, part) => node[part] as Record<string, unknown>, copy);
  const last = path.at(-1) ?? "";
  if (value !== undefined) parent[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return copy as Json;
}
