import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { builtinNames, builtins } from "../../../service/engine/builtins/index.ts";
import { readValue } from "../../../service/engine/value/read.ts";
import { compare } from "../../../service/engine/value/value.ts";
import { valueText } from "../../../service/engine/value/write.ts";
import { WasmPolicy } from "../../../service/engine/wasm-policy.ts";
import { rewriteModule } from "../../../service/engine/wasm-rewrite.ts";
import { call, opaRows } from "../../helpers/builtins.ts";

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/engine/${name}`, import.meta.url));
const rows = opaRows("sprintf");

describe("sprintf", () => {
  it("answers as OPA does, mistakes included", () => {
    expect(rows.length).toBeGreaterThan(1700);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it.each(["%*d", "%.*f", "%p", "%w", "%[x]d", "%9999999d", "%.9999999f", "%x"])(
    "fails for `%s`, which it does not write as Go would",
    (format) => {
      expect(call("sprintf", JSON.stringify(format), "[1.5, 1.5]")).toBe("fails");
    },
  );

  // Without bounds on backtracking each of these would take minutes.
  it.each(["%", "%0", "%[1", "%.1", "%[1]"])("reads a long run that starts with `%s` in one go", (start) => {
    const run = start.at(-1) === "]" ? "[1]" : start.at(-1) === "%" ? "0" : (start.at(-1) ?? "");

    call("sprintf", JSON.stringify(start + run.repeat(100_000)), "[1]");
  });

  it("writes bytes that are not UTF-8 as they are", () => {
    expect(call("sprintf", '"%x|%s"', '["a\\udcff\\udcc3é", "\\udcff"]')).toBe('"61ffc3c3a9|\udcff"');
  });

  it.each([
    ["1", "[]"],
    ['"%d"', "1"],
    ['"%d"', "{}"],
    ['"%d"', '"x"'],
  ])("fails for the operands %s and %s", (format, values) => {
    expect(call("sprintf", format, values)).toBe("fails");
  });
});

describe("Rego values", () => {
  it.each([
    ['{3, 1, "b", {2}, null, [1], {"a": 1}}', '{null, 1, 3, "b", [1], {"a": 1}, {2}}'],
    ["set()", "set()"],
    ["{}", "{}"],
    ['{"b":1,"a":{2,1}}', '{"a": {1, 2}, "b": 1}'],
    ["[10, 9007199254740993, 1.50, -0.0]", "[10, 9007199254740993, 1.50, -0.0]"],
    ["{9007199254740993, 9007199254740992, 1e3, 2}", "{2, 1e3, 9007199254740992, 9007199254740993}"],
    ['"a\\u0007 \\u00e9\\u2028"', '"a\\a é\\u2028"'],
  ])("reads %s", (text, expected) => {
    expect(valueText(readValue(text))).toBe(expected);
  });

  it("are ordered as OPA orders them", () => {
    const ordered = ["null", "false", "true", "-1", "1.5", '"a"', '"b"', "[]", "[1]", "[1,1]", "[2]", "{}", '{"a":1}', "set()", "{1}"];
    const shuffled = [...ordered].reverse().map(readValue).sort(compare).map(valueText);

    expect(shuffled).toEqual(ordered.map((text) => valueText(readValue(text))));
  });
});

describe("builtins in a module", () => {
  it("get sets as sets and integers with every digit", () => {
    const { bytes, memoryPagesMin } = rewriteModule(gunzipSync(fixture("builtins.wasm.gz")), builtinNames);
    const module = new WebAssembly.Module(new Uint8Array(bytes));
    const policy = new WasmPolicy({
      module,
      builtins,
      data: Buffer.from("{}"),
      memoryPagesMin,
      memoryPagesMax: 200,
      fuelMax: 10_000_000,
      builtinErrors: "deny",
    });

    const evaluation = policy.evaluate("remit/decision", { text: "é\u0000😀", value: { a: [1] } }, 1_795_488_384_652);

    expect(evaluation).toMatchObject({
      ok: true,
      result: {
        set: '{1, 3, "b", {2}}',
        empty: "set()|{}",
        nested: '{"a": {true, "x"}, "b": [1, null]}',
        exact: "1767323045123456789",
        sum: 789,
        again: true,
        trace: true,
        given: 'é\u0000😀 {"a": [1]}',
      },
    });
  });
});
