import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { builtins } from "../../../../service/engine/builtins/index.ts";
import { readValue } from "../../../../service/engine/value/read.ts";
import { RegoNumber } from "../../../../service/engine/value/value.ts";
import { call, opaRows, testContext } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("numbers");

function random(context: ReturnType<typeof testContext>, key: string, limit: bigint | number): bigint {
  const value = builtins.get("rand.intn")?.([key, new RegoNumber(String(limit))], context);
  return value instanceof RegoNumber ? BigInt(value.text) : -1n;
}

describe("builtins of numbers", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(2000);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  it("return or fail for any arguments, and do so again", () => {
    const name = fc.constantFrom("numbers.range_step", "units.parse", "units.parse_bytes", "semver.compare", "semver.is_valid");
    fc.assert(fc.property(name, fc.array(anyValue, { maxLength: 3 }), (builtin, args) => isSteady(builtin, ...args)));
  });
});

describe("numbers.range_step", () => {
  it("has every step from one end to the other, whatever the size", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: -50, max: 50 }), fc.integer({ min: 1, max: 9 }), (from, distance, step) => {
        const to = from + BigInt(distance);
        const range = readValue(call("numbers.range_step", String(from), String(to), String(step)) ?? "");
        const expected = Array.from({ length: Math.floor(Math.abs(distance) / step) + 1 }, (_, index) =>
          String(from + BigInt(index * (distance < 0 ? -step : step))),
        );
        expect((range as readonly RegoNumber[]).map(({ text }) => text)).toEqual(expected);
      }),
    );
  });

  it("is bounded and paid", () => {
    expect(call("numbers.range_step", "1", "1000001", "1")).toBe("fails");
    expect(call("numbers.range_step", "0", `1${"0".repeat(300)}`, "1")).toBe("fails");
    expect(() => callLimited(5_000_000, "numbers.range_step", "1", "1000000", "1")).toThrow(OutOfFuel);
  });
});

describe("rand.intn", () => {
  it("is below the limit, and the same for a key and a limit in one evaluation", () => {
    fc.assert(
      fc.property(fc.string(), fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), (key, limit) => {
        const context = testContext();
        const first = random(context, key, limit);
        expect(first >= 0n && first < limit).toBe(true);
        expect([random(context, key, limit), random(context, key, -limit)]).toEqual([first, first]);
      }),
    );
  });

  it("differs by key, by limit and by evaluation, and reaches all numbers", () => {
    const [context, limit] = [testContext(), 2n ** 62n];
    const drawn = [random(context, "a", limit), random(context, "b", limit), random(context, "a", limit + 1n)];
    expect(new Set([...drawn, random(testContext(), "a", limit)]).size).toBe(4);
    expect(new Set(Array.from({ length: 400 }, (_, key) => random(context, `key ${key}`, 4)))).toEqual(new Set([0n, 1n, 2n, 3n]));
  });

  it("fails for the one limit that has no positive", () => {
    expect(call("rand.intn", '"a"', "-9223372036854775808")).toBe("fails");
  });
});

describe("units", () => {
  it("are exact for integers of any size", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.constantFrom(["Ki", 1024n], ["M", 1_000_000n], ["", 1n]), (amount, [unit, factor]) => {
        expect(call("units.parse", `"${amount}${unit}"`)).toBe(String(amount * (factor as bigint)));
      }),
    );
  });

  it("have conversions of long numbers paid", () => {
    for (const name of ["units.parse", "units.parse_bytes"]) {
      expect(() => callLimited(100_000, name, '"1e999999"')).toThrow(OutOfFuel);
      expect(() => callLimited(100_000, name, `"${"7".repeat(1_000_000)}"`)).toThrow(OutOfFuel);
    }
    expect(call("units.parse", '"1e999999k"')?.length).toBe(1_000_003);
  });

  it.each(["1".repeat(1_000_000), "1e5".repeat(300_000), "+-".repeat(500_000), "1.".repeat(500_000), "e".repeat(1_000_000)])(
    "read a long text in one go",
    (text) => {
      for (const unit of ["x", ""]) call("units.parse", JSON.stringify(text + unit));
      expect(call("units.parse_bytes", JSON.stringify(`${text}x`))).toBe("fails");
    },
  );
});

describe("semver.compare", () => {
  it("fails where OPA compares for ever", () => {
    expect(call("semver.compare", '"1.0.0-99999999999999999999"', '"1.0.0-99999999999999999998"')).toBe("fails");
    expect(call("semver.compare", '"1.0.0-99999999999999999999"', '"1.0.0-99999999999999999999"')).toBe("0");
  });

  it.each(["a.".repeat(500_000), "1.".repeat(500_000), "-".repeat(1_000_000), "0".repeat(1_000_000)])(
    "reads a long text in one go",
    (text) => {
      const [first, second] = [`1.0.0-${text}a`, `1.0.0-${text}b`].map((version) => JSON.stringify(version));
      expect(call("semver.compare", first ?? "", second ?? "")).toBe("-1");
      expect(call("semver.is_valid", JSON.stringify(`1.0.0-${text}_`))).toBe("false");
      expect(call("semver.is_valid", JSON.stringify(`1.0.${text}`))).toBe("false");
    },
  );
});
