import { describe, expect, it } from "vitest";
import { builtins } from "../../../service/engine/builtins/index.ts";
import { call, opaRows } from "../../helpers/builtins.ts";

const rows = opaRows("time");

describe("time builtins", () => {
  it("answer as OPA does", () => {
    expect(rows.length).toBeGreaterThan(800);
    expect(rows.map(([name, args]) => [name, args, call(name, ...args)])).toEqual(rows);
  });

  // Without bounds on backtracking each of these would take minutes.
  it.each([
    ["time.parse_duration_ns", ["1".repeat(200_000)]],
    ["time.parse_duration_ns", [`${"1.".repeat(100_000)}s`]],
    ["time.parse_rfc3339_ns", [`2026-01-02T03:04:05.${"1".repeat(200_000)}`]],
    ["time.parse_ns", [`2006.${"0".repeat(200_000)}5`, "2026"]],
    ["time.parse_ns", ["_".repeat(200_000), "_".repeat(200_000)]],
  ])("%s reads a long text in one go", (name, texts) => {
    call(name, ...texts.map((text) => JSON.stringify(text)));
  });

  it("know one now, and all of its digits", () => {
    expect(call("time.now_ns")).toBe("1795488384652000000");
  });

  it("keep nanoseconds that a double cannot hold", () => {
    expect(call("time.parse_rfc3339_ns", '"2026-01-02T03:04:05.123456789Z"')).toBe("1767323045123456789");
    expect(call("time.clock", '[1767323045123456789, "Asia/Kolkata"]')).toBe("[8, 34, 5]");
  });

  it("fail for an abbreviation that the runtime does not know, rather than make one up", () => {
    expect(call("time.format", '[0, "Asia/Kathmandu", "RFC1123"]')).toBe("fails");
    expect(call("time.format", '[0, "Asia/Kathmandu", "RFC1123Z"]')).toBe('"Thu, 01 Jan 1970 05:30:00 +0530"');
  });

  it.each(["17", "null", "[]", "{}", "true", '"x"', "[null]", '["x"]', "[1,2]", '[1,"UTC",3]', "1.5", "1e400"])(
    "fail for %s without a fault of their own",
    (text) => {
      for (const name of builtins.keys())
        if (name.startsWith("time.") && name !== "time.now_ns" && text !== "17") call(name, text, text, text, text);
      expect(call("time.parse_rfc3339_ns", text)).toBe("fails");
    },
  );
});
