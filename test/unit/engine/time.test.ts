import { describe, expect, it } from "vitest";
import { RawJson } from "../../../service/engine/builtins/builtin.ts";
import { time } from "../../../service/engine/builtins/time.ts";

const call = (name: string, ...texts: string[]) => {
  const result = time[name]?.(
    texts.map((text) => ({ text, value: JSON.parse(text) as unknown })),
    { nowMs: 1_795_488_384_652 },
  );
  return result instanceof RawJson ? result.text : JSON.stringify(result);
};

// Expected values are those of OPA 1.22.2 (`opa eval`).
describe("time builtins", () => {
  it.each([
    ["time.parse_rfc3339_ns", ['"2026-01-02T03:04:05.123456789Z"'], "1767323045123456789"],
    ["time.parse_rfc3339_ns", ['"2026-01-02T03:04:05+02:00"'], "1767315845000000000"],
    ["time.parse_rfc3339_ns", ['"1969-12-31T23:59:59.5Z"'], "-500000000"],
    ["time.parse_duration_ns", ['"1h15m30.5s"'], "4530500000000"],
    ["time.parse_duration_ns", ['"-1.5h"'], "-5400000000000"],
    ["time.parse_duration_ns", ['"100us"'], "100000"],
    ["time.date", ["1767323045123456789"], "[2026,1,2]"],
    ["time.date", ['[1767315845000000000, "America/New_York"]'], "[2026,1,1]"],
    ["time.clock", ["1767323045123456789"], "[3,4,5]"],
    ["time.clock", ['[1767323045123456789, "Asia/Kolkata"]'], "[8,34,5]"],
    ["time.weekday", ["1767323045123456789"], '"Friday"'],
    ["time.now_ns", [], "1795488384652000000"],
  ])("%s(%j) is %s", (name, args, expected) => {
    expect(call(name, ...args)).toBe(expected);
  });

  it.each([
    ["time.parse_rfc3339_ns", '"2026-02-30T00:00:00Z"'],
    ["time.parse_rfc3339_ns", '"2026-01-02"'],
    ["time.parse_rfc3339_ns", '"9999-01-01T00:00:00Z"'],
    ["time.parse_rfc3339_ns", "17"],
    ["time.parse_duration_ns", '"1 hour"'],
    ["time.parse_duration_ns", '""'],
    ["time.date", '"today"'],
    ["time.date", '[0, "Atlantis/Capital"]'],
    ["time.date", "99999999999999999999"],
  ])("%s(%s) fails", (name, text) => {
    expect(() => call(name, text)).toThrow();
  });
});
