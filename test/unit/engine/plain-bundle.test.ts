import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPolicySet, type PolicyEvent } from "../../../service/engine/policy-set.ts";
import { members, packBundle } from "../../helpers/bundles.ts";
import { fixtureWasm, hazardBundle } from "./hazard.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remit-bundle-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What `opa build -t wasm` writes for a policy that has nothing to do with tool calls. */
const plain = (change: object = {}) => ({
  ".manifest": JSON.stringify({
    ...{ revision: "p1", roots: [""], rego_version: 1 },
    wasm: [{ entrypoint: "other/decision", module: "/policy.wasm" }],
    ...change,
  }),
  "data.json": '{"table": {"1": "one"}}',
  "policy.wasm": fixtureWasm("other-entrypoint"),
});

async function load(files: Readonly<Record<string, Buffer | string>>, entrypoints: readonly string[]) {
  const events: PolicyEvent[] = [];
  const source = join(folder, "bundle.tar.gz");
  writeFileSync(source, await packBundle(members(files)));
  const set = createPolicySet({
    ...{ name: "plain", source, stateDir: join(folder, "state"), keys: [], watch: false },
    ...{ fuelMax: 3_000_000, memoryPagesMax: 200, entrypoints, nowMs: () => 0, onEvent: (event) => void events.push(event) },
  });
  await set.start();
  const refusals = events.flatMap((event) => (event.kind === "refused" ? [event.error.message] : []));
  return { snapshot: set.current(), refusals };
}

describe("a bundle without `remit/decision`", () => {
  it("is loaded without a self-test when its entrypoints are those that are asked for", async () => {
    const { snapshot, refusals } = await load(plain(), ["other/decision"]);
    expect(refusals).toEqual([]);
    expect([...(snapshot?.entrypoints ?? [])]).toEqual(["other/decision"]);
    const question = { entrypoint: "other/decision", input: undefined, builtinErrors: "undefined", nowMs: 0 } as const;
    expect(snapshot?.query(question)).toMatchObject({ kind: "value", value: true });
  });

  it("denies every tool call", async () => {
    const { snapshot } = await load(plain(), ["other/decision"]);
    expect(snapshot?.evaluate("remit/decision", {}, 0)).toMatchObject({ ok: false, error: { code: "policy_undefined" } });
  });

  it("is loaded when nothing is asked for", async () => {
    expect((await load(plain(), [])).snapshot).toBeDefined();
  });

  it.each([[["remit/decision"]], [["other/decision", "other/more"]]])("is refused when %j is asked for", async (entrypoints) => {
    const { snapshot, refusals } = await load(plain(), entrypoints);
    expect(snapshot).toBeUndefined();
    expect(refusals[0]).toContain(`no entrypoint \`${entrypoints.at(-1)}\``);
  });

  it("is refused when its manifest promises more than there is", async () => {
    const promised = plain({ wasm: [{ entrypoint: "remit/decision", module: "/policy.wasm" }] });
    const { snapshot, refusals } = await load(promised, ["other/decision"]);
    expect(snapshot).toBeUndefined();
    expect(refusals[0]).toContain("promises entrypoint `remit/decision`");
  });

  it("is not what a bundle with decisions becomes: that one needs its self-test, whatever is asked for", async () => {
    const { snapshot, refusals } = await load(hazardBundle({ metadata: {} }), []);
    expect(snapshot).toBeUndefined();
    expect(refusals[0]).toContain("no self-test that must be denied");
  });
});
