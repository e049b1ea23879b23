import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const fixture = (name: string) => new URL(`../../fixtures/engine/${name}`, import.meta.url);

/** A compiled fixture policy. */
export function fixtureWasm(name: "hazard" | "unknown-builtin" | "other-entrypoint"): Buffer {
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
