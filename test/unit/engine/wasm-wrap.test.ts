import { describe, expect, it } from "vitest";
import { builtinNames, builtins } from "../../../service/engine/builtins/index.ts";
import { Host } from "../../../service/engine/host.ts";
import type { BuiltinErrors } from "../../../service/engine/instance.ts";
import { WasmPolicy } from "../../../service/engine/wasm-policy.ts";
import { rewriteModule } from "../../../service/engine/wasm-rewrite.ts";
import { wrapNatives } from "../../../service/engine/wasm-wrap.ts";
import { fixtureWasm } from "./hazard.ts";

const wasm = fixtureWasm("natives");

function load(builtinErrors: BuiltinErrors): WasmPolicy {
  const { bytes, memoryPagesMin } = rewriteModule(wasm, builtinNames);
  const module = new WebAssembly.Module(new Uint8Array(bytes));
  return new WasmPolicy({
    module,
    builtins,
    data: Buffer.from("{}"),
    memoryPagesMin,
    memoryPagesMax: 200,
    fuelMax: 1_000_000,
    builtinErrors,
  });
}

const strict = load("deny");
const lenient = load("undefined");
const ask = (policy: WasmPolicy, input: object) => policy.evaluate("remit/decision", input, 0);

describe("builtins of the module", () => {
  it("answer", () => {
    expect(ask(strict, { text: "1.5", left: 2, right: 4, list: ["a", "b"] })).toMatchObject({
      ok: true,
      result: { number: 1.5, sum: 6, greatest: "b", starts: true, joined: "a,b", quotient: 0.5 },
    });
  });

  it.each([
    ["a text that is no number", { text: "1x" }, "to_number"],
    ["a list that is a text", { list: "ab" }, /max|concat/],
    ["a text that is a list", { text: ["1"] }, /startswith|to_number/],
    ["a term that is a text", { left: "1", right: 2 }, /plus|div/],
    ["a divisor of zero", { left: 1, right: 0 }, "div"],
    ["members that are no texts", { list: [1, 2] }, "concat"],
  ])("deny the decision when they fail for %s, and say which it was", (_name, input, name) => {
    expect(ask(strict, input)).toMatchObject({ ok: false, error: { code: "policy_error", message: expect.stringMatching(name) } });
  });

  it("are undefined when they fail in a bundle that asks for that, as in OPA", () => {
    expect(ask(lenient, { text: "1x", left: 1, right: 0 })).toMatchObject({ ok: true, result: { starts: true, sum: 1 } });
    expect(ask(lenient, { text: "1x" })).not.toHaveProperty("result.number");
  });

  it("do not fail by giving nothing where OPA gives nothing", () => {
    expect(ask(strict, { list: [] })).toMatchObject({ ok: true, result: { joined: "" } });
    expect(ask(strict, { list: [] })).not.toHaveProperty("result.greatest");
  });

  it("do not fail where they are not asked", () => {
    expect(ask(strict, {})).toMatchObject({ ok: true, result: {} });
  });

  it("are evaluated again as if nothing had happened", () => {
    for (let i = 0; i < 5000; i++) expect(ask(strict, { text: "1x" }).ok).toBe(false);
    expect(ask(strict, { text: "12" })).toMatchObject({ ok: true, result: { number: 12 } });
  });
});

describe("wrapNatives", () => {
  it("finds them by the name section, and says when that is gone", () => {
    const renamed = withName(wasm, "\u0004name", "\u0004none");

    expect(wrapNatives(wasm, new Set()).named).toBe(true);
    expect(wrapNatives(renamed, new Set())).toEqual({ bytes: renamed, named: false });
    // One that names other functions is as good as none.
    expect(wrapNatives(withName(wasm, "\bopa_eval", "\bopa_evil"), new Set()).named).toBe(false);
  });

  it("refuses a module whose function of that name is another one", () => {
    // `opa_malloc_init` takes one value and gives none.
    expect(() => wrapNatives(withName(wasm, "opa_malloc_init", "opa_agg_product"), new Set())).toThrow(/not the one of OPA's runtime/);
  });
});

describe("values in memory", () => {
  it("are not read from a module that keeps them in another way", () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const state = { nowNs: 0n, failure: undefined, cache: new Map(), spend: () => undefined };
    const exports = { opa_malloc: () => 64, opa_value_parse: () => 4096, opa_json_dump: () => 0 };
    const host = new Host(memory, builtins, state);

    expect(() => host.isReadable(exports)).toThrow(RangeError);
    // A number where a list should be.
    Buffer.from(memory.buffer).set([3, 1], 4096);
    expect(host.isReadable(exports)).toBe(false);
  });
});

/** The module with a text in it replaced by one of the same length. */
function withName(module: Uint8Array, from: string, to: string): Buffer {
  const copy = Buffer.from(module);
  const at = copy.lastIndexOf(from);
  if (at < 0 || from.length !== to.length) throw new Error(`there is no ${from}`);
  copy.write(to, at);
  return copy;
}
