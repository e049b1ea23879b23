import { describe, expect, it } from "vitest";
import { readDecision } from "../../../service/decide/decision.ts";
import { builtinNames, builtins } from "../../../service/engine/builtins/index.ts";
import { WasmPolicy } from "../../../service/engine/wasm-policy.ts";
import { rewriteModule } from "../../../service/engine/wasm-rewrite.ts";
import { fixtureWasm, hazardInput, hostile } from "./hazard.ts";

const { bytes, memoryPagesMin } = rewriteModule(fixtureWasm("hazard"), builtinNames);
const module = new WebAssembly.Module(new Uint8Array(bytes));
// Small bounds, so that the kinds which reach them can be asked hundreds of times too.
const options = { module, builtins, data: Buffer.from("{}"), memoryPagesMin, memoryPagesMax: memoryPagesMin + 16, fuelMax: 300_000 };
const policy = new WasmPolicy({ ...options, builtinErrors: "deny" });

const sized: ReadonlyMap<string, unknown> = new Map([
  ["an endless rule", hazardInput("good", { spin: 150 })],
  ["a hoarding rule", hazardInput("good", { hoard: 1000, pad: "x".repeat(2000) })],
]);
const slow = hostile.slice(0, 4).map(([name, input, expected]) => [name, sized.get(name) ?? input, expected] as const);
const quick = hostile.slice(4);
const evaluations = 100_000;
/** One in so many is of a kind that takes time. */
const slowEvery = 40;
const rssGrowthMax = 64 * 1024 * 1024;

/** The code of the failure, or `ok`. */
function code(input: unknown): string {
  const evaluation = policy.evaluate("remit/decision", input, 0);
  return evaluation.ok ? "ok" : evaluation.error.code;
}

function allows(tool: string, nonce: string): boolean {
  const evaluation = policy.evaluate("remit/decision", hazardInput(tool, {}, nonce), 0);
  const read = readDecision(evaluation.ok ? evaluation.result : undefined, nonce);
  return read.ok && read.decision.allow;
}

/** Asks evaluations `from` to `to`; returns those that did not fail as they must. */
async function storm(from: number, to: number): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (let i = from; i < to; i++) {
    const kinds = i % slowEvery === 0 ? slow : quick;
    const [name, input, expected] = kinds[Math.floor(i / (i % slowEvery === 0 ? slowEvery : 1)) % kinds.length] ?? ["", undefined, ""];
    const actual = code(input);
    if (actual !== expected) wrong.push(`${name}: ${actual}`);
    // Reserves are made between requests; half of the time there is no time for that.
    if (i % 1000 === 0 && i % 2000 !== 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return wrong;
}

describe("one process", () => {
  it("takes 100,000 evaluations that fail in every way, stays as large, and then answers right", async () => {
    expect(await storm(0, evaluations / 4)).toEqual([]);
    const settled = process.memoryUsage().rss;
    expect(await storm(evaluations / 4, evaluations)).toEqual([]);
    const grown = process.memoryUsage().rss - settled;

    for (let i = 0; i < 1000; i++) expect(allows(i % 2 === 0 ? "good" : "other", `n-${i}`)).toBe(i % 2 === 0);
    expect(grown).toBeLessThan(rssGrowthMax);
  }, 180_000);
});
