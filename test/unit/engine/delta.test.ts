import { describe, expect, it } from "vitest";
import type { Members } from "../../../service/engine/archive.ts";
import { readBundle } from "../../../service/engine/bundle.ts";
import { applyDelta } from "../../../service/engine/delta.ts";
import { hazardBundle } from "./hazard.ts";

const toMembers = (files: Readonly<Record<string, Buffer | string>>): Members =>
  new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]));
const wasm = [{ entrypoint: "remit/decision", module: "/policy.wasm" }];
const manifest = { revision: "d1", roots: ["remit"], wasm };

function delta(operations: unknown, change: object = {}, files: Readonly<Record<string, string>> = {}): Members {
  return toMembers({
    ".manifest": JSON.stringify({ ...manifest, ...change }),
    "patch.json": JSON.stringify({ data: operations }),
    ...files,
  });
}

const start = (tools: unknown = { good: { class: "read" } }) =>
  readBundle(toMembers({ ...hazardBundle(), "remit/data.json": JSON.stringify({ catalog: { tools }, list: [1, 2] }) }));
const dataAfter = (...operations: object[]) => applyDelta(start(), delta(operations))?.data;
const catalog = (tools: object) => ({ remit: { catalog: { tools }, list: [1, 2] } });

describe("a delta", () => {
  it.each([
    ["sets what is there", { op: "upsert", path: "/remit/catalog/tools/good", value: 1 }, catalog({ good: 1 })],
    [
      "sets what is not there, with its parents",
      { op: "upsert", path: "/remit/catalog/tools/a/b/c", value: null },
      catalog({ good: { class: "read" }, a: { b: { c: null } } }),
    ],
    ["replaces", { op: "replace", path: "/remit/catalog/tools/good/class", value: "admin" }, catalog({ good: { class: "admin" } })],
    ["removes", { op: "remove", path: "/remit/catalog/tools/good" }, catalog({})],
    [
      "names keys with slashes and tildes",
      { op: "upsert", path: "/remit/catalog/tools/a~1b~0c", value: 1 },
      catalog({ good: { class: "read" }, "a/b~c": 1 }),
    ],
    [
      "names keys that objects inherit",
      { op: "upsert", path: "/remit/catalog/tools/constructor", value: 1 },
      catalog({ good: { class: "read" }, constructor: 1 }),
    ],
  ])("%s", (_name, operation, expected) => {
    expect(dataAfter(operation)).toEqual(expected);
  });

  it("is applied in order, to a copy", () => {
    const active = start();
    const before = JSON.stringify(active.data);
    const steps = [
      { op: "upsert", path: "/remit/x", value: { y: 1 } },
      { op: "replace", path: "/remit/x/y", value: 2 },
    ];

    expect(applyDelta(active, delta(steps))?.data).toMatchObject({ remit: { x: { y: 2 } } });
    expect(JSON.stringify(active.data)).toBe(before);
  });

  it("is recognised when it comes again, and changes digest and revision when it does not", () => {
    const active = start();
    const first = delta([{ op: "remove", path: "/remit/list" }]);
    const applied = applyDelta(active, first);
    if (applied === undefined) throw new Error("the delta was not applied");

    expect(applied.digest).not.toBe(active.digest);
    expect(applied.manifest.revision).toBe("d1");
    expect(applyDelta(applied, first)).toBeUndefined();
  });

  it.each([
    [
      "leaves its roots through an escaped slash",
      delta([{ op: "upsert", path: "/remit~1x", value: 1 }]),
      /outside of the manifest's roots/,
    ],
    ["leaves its roots", delta([{ op: "remove", path: "/remit2/x" }]), /outside of the manifest's roots/],
    ["replaces everything", delta([{ op: "upsert", path: "/", value: {} }]), /empty or forbidden part/],
    ["reaches a prototype", delta([{ op: "upsert", path: "/remit/__proto__/x", value: 1 }]), /empty or forbidden part/],
    ["reaches what objects inherit", delta([{ op: "replace", path: "/remit/constructor/name", value: 1 }]), /not there/],
    ["goes through text", delta([{ op: "upsert", path: "/remit/catalog/tools/good/class/x", value: 1 }]), /not there/],
    ["changes a part of an array", delta([{ op: "upsert", path: "/remit/list/length", value: 0 }]), /within an array/],
    ["removes what is not there", delta([{ op: "remove", path: "/remit/nothing" }]), /not there/],
    ["sets nothing", delta([{ op: "upsert", path: "/remit/x" }]), /`patch.json` is wrong/],
    ["has another operation", delta([{ op: "move", path: "/remit/x", value: 1 }]), /`patch.json` is wrong/],
    ["has no list", delta({}), /`patch.json` is wrong/],
    ["has other roots", delta([], { roots: ["remit", "more"] }), /other roots/],
    ["has other modules", delta([], { wasm: [] }), /other modules/],
    ["brings a module", delta([], {}, { "policy.wasm": "x" }), /not `policy.wasm`/],
    ["brings data", delta([], {}, { "remit/data.json": "{}" }), /not `remit\/data.json`/],
  ])("is refused when it %s", (_name, members, message) => {
    expect(() => applyDelta(start(), members)).toThrow(
      expect.objectContaining({ code: "bundle_invalid", message: expect.stringMatching(message) }),
    );
  });
});
