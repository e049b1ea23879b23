import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { call, opaRows } from "../../../helpers/builtins.ts";
import { anyValue, callLimited, isSteady, OutOfFuel } from "../../../helpers/rego-values.ts";

const rows = opaRows("graph");
const name = "graph.reachable_paths";

describe(name, () => {
  it("answers as OPA does", () => {
    expect(rows.length).toBeGreaterThan(250);
    expect(rows.map(([builtin, args]) => [builtin, args, call(builtin, ...args)])).toEqual(rows);
  });

  it("returns or fails for any arguments, and does so again", () => {
    fc.assert(fc.property(anyValue, anyValue, (graph, starts) => isSteady(name, graph, starts)));
  });

  it("has every step paid: there are more paths than anyone can walk", () => {
    const names = Array.from({ length: 24 }, (_, index) => String(index));
    const complete = JSON.stringify(Object.fromEntries(names.map((vertex) => [vertex, names])));
    expect(() => callLimited(5_000_000, name, complete, '["0"]')).toThrow(OutOfFuel);
  });

  it("walks a long way without a deep stack", () => {
    const length = 50_000;
    const chain = JSON.stringify(Object.fromEntries(Array.from({ length }, (_, index) => [`v${index}`, [`v${index + 1}`]])));
    const [path = "", end] = [call(name, chain, '["v0"]'), `"v${length - 1}"]}`];
    expect(path?.endsWith(end)).toBe(true);
  });
});
