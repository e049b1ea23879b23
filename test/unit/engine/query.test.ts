import { beforeEach, describe, expect, it } from "vitest";
import type { Json } from "../../../service/decide/json.ts";
import { builtinNames, builtins } from "../../../service/engine/builtins/index.ts";
import { WasmPolicy } from "../../../service/engine/wasm-policy.ts";
import { rewriteModule } from "../../../service/engine/wasm-rewrite.ts";
import { fixtureWasm, hazardInput, hostile } from "./hazard.ts";

const { bytes, memoryPagesMin } = rewriteModule(fixtureWasm("hazard"), builtinNames);
const module = new WebAssembly.Module(new Uint8Array(bytes));

let policy: WasmPolicy;
beforeEach(() => {
  const limits = { memoryPagesMin, memoryPagesMax: 180, fuelMax: 3_000_000, builtinErrors: "deny" } as const;
  policy = new WasmPolicy({ module, builtins, data: Buffer.from("{}"), ...limits });
});
const ask = (input: Json | undefined, builtinErrors: "deny" | "undefined" = "undefined", entrypoint = "remit/decision") => {
  const { evalNs, ...answer } = policy.query({ entrypoint, input, builtinErrors, nowMs: 0 });
  expect(evalNs).toBeGreaterThan(0);
  return answer.kind === "error" ? { kind: answer.kind, code: answer.error.code } : answer;
};

describe("WasmPolicy.query", () => {
  it("gives the value of an entrypoint", () => {
    expect(ask(hazardInput("good") as unknown as Json)).toMatchObject({ kind: "value", value: { allow: true } });
  });

  it.each<[string, Json | undefined]>([
    ["no input", undefined],
    ["null", null],
    ["false", false],
    ["zero", 0],
    ["a text", "x"],
    ["a list", []],
  ])("takes %s as input", (_name, input) => {
    const answer = ask(input);
    expect(answer.kind).not.toBe("error");
    if (answer.kind === "value") expect(answer.value).toMatchObject({ allow: false });
  });

  it.each(["no/such", "__proto__", "constructor", ""])("has nothing to say of the entrypoint `%s`", (entrypoint) => {
    expect(ask({}, "undefined", entrypoint)).toEqual({ kind: "undefined" });
  });

  it.each<[readonly (string | number)[], unknown]>([
    [["allow"], true],
    [["allow", "x"], undefined],
    [["reasons", 0], undefined],
    [["nothing"], undefined],
    [["__proto__"], undefined],
  ])("goes down by %j", (below, expected) => {
    const question = {
      entrypoint: "remit/decision",
      input: hazardInput("good") as unknown as Json,
      builtinErrors: "deny",
      nowMs: 0,
    } as const;
    const answer = policy.query({ ...question, below });
    expect(answer.kind === "value" ? answer.value : answer.kind).toEqual(expected ?? "undefined");
  });

  it.each(hostile.filter(([, , code]) => code === "policy_timeout" || code === "policy_memory"))(
    "is bounded on %s, and the next answer is right",
    (_name, input, code) => {
      expect(ask(input as Json)).toEqual({ kind: "error", code });
      expect(ask(hazardInput("good") as unknown as Json)).toMatchObject({ kind: "value", value: { allow: true } });
    },
  );

  it("refuses a lone surrogate instead of letting the module abort", () => {
    expect(ask({ x: "\ud800" })).toEqual({ kind: "error", code: "policy_error" });
    expect(ask("\udfff")).toEqual({ kind: "error", code: "policy_error" });
  });
});
