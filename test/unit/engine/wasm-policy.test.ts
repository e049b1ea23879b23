import { beforeEach, describe, expect, it } from "vitest";
import { readDecision } from "../../../service/decide/decision.ts";
import { builtinNames, builtins } from "../../../service/engine/builtins/index.ts";
import { WasmPolicy } from "../../../service/engine/wasm-policy.ts";
import { rewriteModule } from "../../../service/engine/wasm-rewrite.ts";
import { fixtureWasm, hazardInput, hostile } from "./hazard.ts";

const { bytes, memoryPagesMin } = rewriteModule(fixtureWasm("hazard"), builtinNames);
const module = new WebAssembly.Module(new Uint8Array(bytes));
const fuelMax = 3_000_000;
const builtinErrors = "deny";
const load = () =>
  new WasmPolicy({ module, builtins, data: Buffer.from("{}"), memoryPagesMin, memoryPagesMax: 180, fuelMax, builtinErrors });

let policy: WasmPolicy;
beforeEach(() => {
  policy = load();
});
const evaluate = (input: unknown) => policy.evaluate("remit/decision", input, 0);
const code = (input: unknown) => {
  const evaluation = evaluate(input);
  return evaluation.ok ? "ok" : evaluation.error.code;
};
function allows(input: ReturnType<typeof hazardInput>): boolean {
  const evaluation = evaluate(input);
  const read = readDecision(evaluation.ok ? evaluation.result : undefined, input.nonce);
  return read.ok && read.decision.allow;
}

describe("WasmPolicy", () => {
  it("decides", () => {
    expect(allows(hazardInput("good"))).toBe(true);
    expect(allows(hazardInput("other"))).toBe(false);
  });

  it.each(hostile)("fails closed on %s, and the next call is right", (_name, input, expected) => {
    expect(code(input)).toBe(expected);
    expect(allows(hazardInput("good"))).toBe(true);
    expect(allows(hazardInput("other"))).toBe(false);
  });

  it("leaves no trace of a text that looks like an escaped surrogate", () => {
    expect(allows(hazardInput("good", { x: "\\ud800" }))).toBe(true);
  });

  it("does not see an input as another's: the nonce is echoed", () => {
    const evaluation = evaluate(hazardInput("good", {}, "mine"));

    expect(readDecision(evaluation.ok ? evaluation.result : undefined, "yours").ok).toBe(false);
  });

  it("gives memory back after an evaluation that grew it, and data stays as it was", () => {
    const data = Buffer.from(JSON.stringify({ catalog: "x".repeat(1000) }));
    policy = new WasmPolicy({ module, builtins, data, memoryPagesMin, memoryPagesMax: 200, fuelMax: 100_000_000, builtinErrors });
    const big = hazardInput("good", { hoard: 2000, pad: "x".repeat(2000) });
    for (let i = 0; i < 50; i++) {
      expect(allows(big)).toBe(true);
      expect(code(hazardInput("good", { hoard: 20_000, pad: "x".repeat(2000) }))).toBe("policy_memory");
    }
    expect(allows(hazardInput("good"))).toBe(true);
  });

  it.each([
    ["a date", new Date(0)],
    ["bytes", Buffer.from("{}")],
    ["a map", new Map([["nonce", "n"]])],
    ["a boxed text", Object("x")],
    ["an object that turns into another", { toJSON: () => "x" }],
    ["an object without a text", { toJSON: () => undefined }],
    [
      "a cycle",
      Object.assign(hazardInput("good"), {
        get self() {
          return this;
        },
      }),
    ],
    ["a large integer", { ...hazardInput("good"), x: 2n ** 64n }],
  ])("does not evaluate %s", (_name, input) => {
    expect(code(input)).toBe("policy_error");
    expect(allows(hazardInput("good"))).toBe(true);
  });

  it("takes deep, wide and odd inputs for what they are", () => {
    policy = new WasmPolicy({
      module,
      builtins,
      data: Buffer.from("{}"),
      memoryPagesMin,
      memoryPagesMax: 200,
      fuelMax: 1_000_000_000,
      builtinErrors,
    });
    const deep = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`) as object;

    expect(allows(hazardInput("good", deep(2000)))).toBe(true);
    expect(allows(hazardInput("good", { "\u0000": "\u0000\u0001\u2028\ud83d\ude00", "": [], x: [1e300, -0, 5e-324] }))).toBe(true);
    expect(code(hazardInput("good", deep(100_000)))).toBe("policy_error");
    expect(allows(hazardInput("good", { x: "y".repeat(3_000_000) }))).toBe(true);
    expect(code(hazardInput("good", { x: "y".repeat(14_000_000) }))).toBe("policy_memory");
    expect(allows(hazardInput("good"))).toBe(true);
  });

  it("refuses an entrypoint that the module does not have", () => {
    const evaluation = policy.evaluate("toString", hazardInput("good"), 0);

    expect(evaluation).toMatchObject({ ok: false, error: { code: "policy_undefined" } });
  });

  it("bounds work in proportion to the fuel", () => {
    const count = (fuel: number) => {
      const bounded = new WasmPolicy({
        module,
        builtins,
        data: Buffer.from("{}"),
        memoryPagesMin,
        memoryPagesMax: 200,
        fuelMax: fuel,
        builtinErrors,
      });
      return [10, 20, 40, 80, 160, 320].filter((spin) => bounded.evaluate("remit/decision", hazardInput("good", { spin }), 0).ok).length;
    };

    expect(count(20_000)).toBeLessThan(count(2_000_000));
  });
});

describe("rewriteModule", () => {
  it.each([
    ["nothing", Buffer.alloc(0)],
    ["something else", Buffer.from("not a module at all")],
    ["half a module", fixtureWasm("hazard").subarray(0, 5000)],
  ])("refuses %s", (_name, wasm) => {
    expect(() => rewriteModule(wasm, builtinNames)).toThrow(expect.objectContaining({ code: "bundle_invalid" }));
  });

  it("keeps every answer the same", () => {
    const original = new WebAssembly.Module(new Uint8Array(fixtureWasm("hazard")));

    expect(WebAssembly.Module.imports(module)).toEqual(WebAssembly.Module.imports(original));
    expect(WebAssembly.Module.exports(module).map(({ name }) => name)).toEqual([
      ...WebAssembly.Module.exports(original).map(({ name }) => name),
      "remit_stack_pointer",
      "remit_fuel",
    ]);
  });
});
