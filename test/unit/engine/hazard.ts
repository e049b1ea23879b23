import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const fixture = (name: string) => new URL(`../../fixtures/engine/${name}`, import.meta.url);

/** A compiled fixture policy. */
export function fixtureWasm(name: "hazard" | "natives" | "unknown-builtin" | "other-entrypoint"): Buffer {
  return gunzipSync(readFileSync(fixture(`${name}.wasm.gz`)));
}

export const fixtureFile = (name: string): Buffer => readFileSync(fixture(name));

/** `input` as far as the hazard policy looks at it. */
export const hazardInput = (tool: string, args: object = {}, nonce = "n") => ({ nonce, call: { tool, arguments: args } });

const selfTest = [
  { name: "good", input: hazardInput("good"), allow: true },
  { name: "bad", input: hazardInput("bad"), allow: false, reason: "not_good" },
];

/** Files of a sound bundle around the hazard policy; `change` replaces parts of its manifest. */
export function hazardBundle(change: object = {}, revision = "r1"): Record<string, Buffer | string> {
  const manifest = {
    revision,
    roots: ["remit"],
    wasm: [{ entrypoint: "remit/decision", module: "/policy.wasm" }],
    metadata: { remit: { self_test: selfTest } },
    ...change,
  };
  const data = { catalog: { tools: { good: { class: "read" } } } };
  return { ".manifest": JSON.stringify(manifest), "remit/data.json": JSON.stringify(data), "policy.wasm": fixtureWasm("hazard") };
}

/** Every way in which the hazard policy fails, and the code it must get; the first four take time. */
export const hostile: readonly (readonly [string, unknown, string])[] = [
  ["an endless rule", hazardInput("good", { spin: 1500 }), "policy_timeout"],
  ["a builtin whose work is too much", hazardInput("good", { network: "10.0.0.0/16" }), "policy_timeout"],
  ["a hoarding rule", hazardInput("good", { hoard: 20_000, pad: "x".repeat(2000) }), "policy_memory"],
  ["a builtin whose answer would be too large", hazardInput("good", { network: "10.0.0.0/8" }), "policy_error"],
  ["conflicting rules", hazardInput("good", { conflict: true }), "policy_error"],
  ["a builtin of the host that fails", hazardInput("good", { time: "yesterday" }), "policy_error"],
  ["a builtin of the module that fails", hazardInput("good", { number: "one" }), "policy_error"],
  ["an undefined decision", hazardInput("good", { undefined: true }), "policy_undefined"],
  ["a lone surrogate", hazardInput("good", { x: "\ud800" }), "policy_error"],
  ["a lone surrogate in a key", hazardInput("good", { "\udfff": 1 }), "policy_error"],
  ["null", null, "policy_error"],
  ["undefined", undefined, "policy_error"],
  ["false", false, "policy_error"],
  ["zero", 0, "policy_error"],
  ["no text", "", "policy_error"],
  ["a list", [hazardInput("good")], "policy_error"],
  ["bytes that are JSON", JSON.stringify(hazardInput("good")), "policy_error"],
];
