import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readDecision } from "../../service/decide/decision.ts";
import { bundleLimits, readArchive } from "../../service/engine/archive.ts";
import { builtinNames, builtins } from "../../service/engine/builtins/index.ts";
import { readBundle } from "../../service/engine/bundle.ts";
import { WasmPolicy } from "../../service/engine/wasm-policy.ts";
import { rewriteModule } from "../../service/engine/wasm-rewrite.ts";
import { administration, changed, denied, type Json, payment, permitted } from "./denied-calls.ts";
import { mutant, pathsOf, valueAt } from "./mutants.ts";

const nowMs = Date.UTC(2026, 0, 1);
const bundle = readBundle(await readArchive(readFileSync("bundles/default.tar.gz"), bundleLimits));
// Compiled once: only the data differs.
const { bytes, memoryPagesMin } = rewriteModule(bundle.wasm, builtinNames);
const module = await WebAssembly.compile(new Uint8Array(bytes));
const shipped = bundle.data as Json;
const config = valueAt(shipped, ["remit", "config"]) as { readonly [section: string]: Json };

interface Case {
  readonly name: string;
  readonly input: Json;
}

const calls: readonly Case[] = denied.map(([name, input]) => ({ name, input }));

const stated = changed(administration, { "/token/audience": ["https://other.example"] });

/** What the shipped configuration leaves off: the setting that switches it on, and a call that is then denied. */
const switchedOn: readonly (Case & { readonly setting: string; readonly value: Json })[] = [
  {
    name: "a payment without a grant",
    setting: "/grants/required/update",
    value: true,
    input: changed(payment, { "/session/grant": null }),
  },
  {
    name: "a change without a task",
    setting: "/task_relevance/task_required",
    value: true,
    input: changed(payment, { "/tool/asked_for": null }),
  },
  { name: "a token for another server", setting: "/token/audiences/crm", value: ["https://crm.example"], input: stated },
  { name: "a query without a token", setting: "/classes/query/token_required", value: true, input: permitted },
  {
    name: "labelled results without a session",
    setting: "/sessions/required/returns",
    value: true,
    input: changed(permitted, { "/session/id": null, "/session/known": false, "/session/age_s": null }),
  },
  {
    name: "an unknown tool that says that it only reads",
    setting: "/unknown_tools/annotated_reads",
    value: false,
    input: changed(permitted, {
      "/tool/known": false,
      "/tool/class": "read",
      "/tool/class_source": "annotations",
      "/call/annotations_trusted": true,
    }),
  },
];

describe("a denied call stays denied whatever is missing or of a wrong type in", () => {
  it.each(Object.keys(config))("data.remit.config.%s", (section) => {
    expect(opened(shipped, section, calls)).toEqual([]);
  });

  it.each(switchedOn)("the section of $setting: $name", ({ setting, value, input, name }) => {
    const data = changed(shipped, { [`/remit/config${setting}`]: value });
    expect(allows(policyWith(data), input)).toBe(false);

    expect(opened(data, setting.split("/")[1] ?? "", [{ name, input }])).toEqual([]);
  });
});

/** Each mutant of the section that allows one of the calls, with the call's name. */
function opened(data: Json, section: string, cases: readonly Case[]): readonly string[] {
  const root = ["remit", "config", section];
  const within = pathsOf(valueAt(data, root) ?? null).map((path) => [...root, ...path]);
  return [root, ...within].flatMap((path) =>
    wrongsAt(data, path).flatMap((wrong) => {
      const policy = policyWith(mutant(data, path, wrong));
      const found = cases.filter(({ input }) => allows(policy, input));
      return found.map(({ name }) => `${path.slice(2).join(".")} = ${JSON.stringify(wrong)} allows ${name}`);
    }),
  );
}

const wrongs: readonly (Json | undefined)[] = [undefined, null, true, -1, "x", [1], { x: 1 }];

/** What the value there must not be: another type, a list or object of something else, or missing. */
function wrongsAt(data: Json, path: readonly string[]): readonly (Json | undefined)[] {
  const value = valueAt(data, path) ?? null;
  return wrongs.filter((wrong) => !(isLeaf(wrong) && typeof wrong === typeof value && value !== null) && !isMeant(data, path, wrong));
}

function isLeaf(value: Json | undefined): boolean {
  return value !== undefined && typeof value !== "object";
}

/** A list or a table that lacks one entry is another list or table, and null is how a class says that it has no such limit. */
function isMeant(data: Json, path: readonly string[], wrong: Json | undefined): boolean {
  if (wrong === null) return /^classes\.\w+\.(?:networks|session_age_s_max|token_age_s_max)$/.test(path.slice(2).join("."));
  if (wrong !== undefined) return false;
  const parent = path.slice(0, -1);
  return Array.isArray(valueAt(data, parent)) || tables.has(parent.slice(2).join("."));
}

const tables: ReadonlySet<string> = new Set(["budgets", "destructive.verbs", "token.audiences"]);

function policyWith(data: Json): WasmPolicy {
  const text = Buffer.from(JSON.stringify(data));
  return new WasmPolicy({ module, builtins, data: text, memoryPagesMin, memoryPagesMax: 1024, fuelMax: 5_000_000, builtinErrors: "deny" });
}

function allows(policy: WasmPolicy, input: Json): boolean {
  const evaluation = policy.evaluate("remit/decision", input, nowMs);
  const read = readDecision(evaluation.ok ? evaluation.result : undefined, "self-test");
  return read.ok && read.decision.allow;
}
