import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleLimits, readArchive } from "../../service/engine/archive.ts";
import { packBundle } from "./bundles.ts";

/** `data.remit` of the default bundle, to be changed. */
interface RemitData {
  readonly remit: { readonly config: Record<string, unknown>; readonly catalog: { readonly tools: Record<string, object> } };
}

interface Manifest {
  readonly metadata: { readonly remit: { readonly self_test: readonly { readonly input: { session: Record<string, unknown> } }[] } };
}

/** The default bundle with other budgets, in a file of its own; returns its path. Its self-test states the new budgets as the service would. */
export function defaultBundleWith(
  budgets: Readonly<Record<string, { scope: string; window_s: number | null; max: number }>>,
): Promise<string> {
  return changedBundle((data, manifest) => {
    data.remit.config.budgets = budgets;
    const unused = Object.entries(budgets).map(([name, { scope, window_s }]) => [name, { used: 0, scope, window_s }]);
    for (const { input } of manifest.metadata.remit.self_test) input.session.budgets = Object.fromEntries(unused);
  });
}

/** The default bundle with more tools in its catalog, in a file of its own; returns its path. */
export function defaultBundleKnowing(tools: Readonly<Record<string, object>>): Promise<string> {
  return changedBundle((data) => void Object.assign(data.remit.catalog.tools, tools));
}

async function changedBundle(change: (data: RemitData, manifest: Manifest) => void): Promise<string> {
  const archive = await readArchive(readFileSync("bundles/default.tar.gz"), bundleLimits);
  const data = JSON.parse(textOf(archive, "data.json")) as RemitData;
  const manifest = JSON.parse(textOf(archive, ".manifest")) as Manifest;
  change(data, manifest);
  const changed = new Map<string, Buffer | string>([
    ...archive,
    ["data.json", JSON.stringify(data)],
    [".manifest", JSON.stringify(manifest)],
  ]);
  const members = [...changed].map(([name, content]) => ({ name, content }));
  const file = join(mkdtempSync(join(tmpdir(), "remit-bundle-")), "bundle.tar.gz");
  writeFileSync(file, await packBundle(members));
  return file;
}

function textOf(members: ReadonlyMap<string, Buffer>, name: string): string {
  return members.get(name)?.toString("utf8") ?? "";
}
