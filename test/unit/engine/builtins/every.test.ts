import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DeclaredType, typedValue } from "../../../../scripts/fuzz/values.ts";
import { type Builtin, BuiltinError } from "../../../../service/engine/builtins/builtin.ts";
import { builtins } from "../../../../service/engine/builtins/index.ts";
import { setOf, type Value } from "../../../../service/engine/value/value.ts";
import { wireText } from "../../../../service/engine/value/write.ts";

interface Declared {
  readonly name: string;
  readonly decl: { readonly args?: readonly DeclaredType[] };
}

const { builtins: declared } = JSON.parse(readFileSync("rego/capabilities.json", "utf8")) as { readonly builtins: readonly Declared[] };
const types = new Map(declared.map(({ name, decl }) => [name, decl.args ?? []]));
const table = [...builtins];

/** Answers that are meant to be others in the next evaluation. */
const random: ReadonlySet<string> = new Set([
  "io.jwt.encode_sign",
  "io.jwt.encode_sign_raw",
  "providers.aws.sign_req",
  "rand.intn",
  "uuid.rfc4122",
]);

class OutOfFuel extends Error {}

interface Ran {
  /** Rego text, or what stands for no answer. */
  readonly answer: string;
  readonly spent: number;
}

/** Runs a builtin with an amount of fuel; any other exception than a failure or the end of the fuel is a defect. */
function run(builtin: Builtin, args: readonly Value[], fuel: number): Ran {
  let spent = 0;
  const spend = (units: number) => {
    if (!(units >= 0)) throw new Error(`it pays ${units}`);
    spent += units;
    if (spent > fuel) throw new OutOfFuel();
  };
  try {
    const result = builtin(args, { nowNs: 1_795_488_384_652_000_000n, cache: new Map(), spend });
    return { answer: result === undefined ? "undefined" : wireText(result), spent };
  } catch (error) {
    if (error instanceof BuiltinError) return { answer: "fails", spent };
    if (error instanceof OutOfFuel) return { answer: "out of fuel", spent };
    throw error;
  }
}

const operands = (name: string) => fc.tuple(...(types.get(name) ?? []).map((type) => typedValue(type, 3)));

describe("every builtin", () => {
  it("has its operands declared", () => {
    expect(table.filter(([name]) => !types.has(name)).map(([name]) => name)).toEqual([]);
    expect(table.length).toBeGreaterThan(90);
  });

  it.each(table)("%s answers, fails or runs out of fuel, and the same way every time", (name, builtin) => {
    fc.assert(
      fc.property(operands(name), (args) => {
        const first = run(builtin, args, 50_000_000);
        const again = run(builtin, args, 50_000_000);

        expect(again.answer === "fails").toBe(first.answer === "fails");
        if (!random.has(name)) expect(again.answer).toBe(first.answer);
      }),
      { numRuns: 100 },
    );
  });

  it.each(table)("%s lets the end of the fuel through", (name, builtin) => {
    fc.assert(
      fc.property(operands(name), (args) => {
        const { answer, spent } = run(builtin, args, -1);

        if (spent > 0) expect(answer).toBe("out of fuel");
      }),
      { numRuns: 50 },
    );
  });

  it.each(table)("%s bears deep, wide and long operands", (name, builtin) => {
    let deep: Value = "x";
    for (let depth = 0; depth < 500; depth++) deep = [deep];
    const wide = Array.from({ length: 2000 }, (_, index) => `member ${index % 7}`);
    const hostile: readonly Value[] = [
      deep,
      wide,
      setOf(wide),
      "a".repeat(50_000),
      "((a*)*)*".repeat(200),
      '{"a":'.repeat(2000),
      "%".repeat(20_000),
    ];
    const count = (types.get(name) ?? []).length;
    for (const value of hostile) run(builtin, Array(count).fill(value), 20_000_000);
  });
});
