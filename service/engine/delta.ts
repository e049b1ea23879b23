import { createHash } from "node:crypto";
import { z } from "zod";
import type { JsonObject } from "../decide/json.ts";
import { type Members, refuse } from "./archive.ts";
import { type Bundle, isUnder, json, readManifest } from "./bundle.ts";

const Patch = z.object({
  data: z.array(z.object({ op: z.enum(["upsert", "replace", "remove"]), path: z.string().startsWith("/"), value: z.unknown().optional() })),
});
type Operation = z.infer<typeof Patch>["data"][number];

export const patchName = "patch.json";

/** Applies a delta to the active snapshot: a new bundle, the old one untouched. Roots and modules must be the same. */
export function applyDelta(active: Bundle, members: Members): Bundle {
  const manifest = readManifest(members);
  const same = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
  if (!same(manifest.roots, active.manifest.roots) || !same(manifest.wasm, active.manifest.wasm))
    throw refuse("the delta has other roots or modules than the active bundle; publish a snapshot");
  const patch = Patch.safeParse(json(patchName, members.get(patchName) ?? Buffer.alloc(0)));
  if (!patch.success) throw refuse(`\`${patchName}\` is not a list of operations`);
  const data = structuredClone(active.data) as Record<string, unknown>;
  for (const operation of patch.data.data) apply(data, operation, manifest.roots ?? [""]);
  const digest = createHash("sha256")
    .update(active.digest)
    .update(members.get(patchName) ?? "")
    .update(manifest.revision);
  return {
    ...active,
    manifest: { ...active.manifest, revision: manifest.revision },
    data: data as JsonObject,
    digest: `sha256:${digest.digest("hex")}`,
  };
}

function apply(data: Record<string, unknown>, { op, path, value }: Operation, roots: readonly string[]): void {
  const parts = path
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (parts.includes("__proto__") || !isUnder(parts.join("/"), roots)) throw refuse(`the delta changes \`${path}\`, outside of the roots`);
  const last = parts.pop() ?? "";
  let parent = data;
  for (const part of parts) parent = step(parent, part, op, path);
  if (op !== "upsert" && !Object.hasOwn(parent, last)) throw refuse(`the delta changes \`${path}\`, which is not there`);
  if (op === "remove") Reflect.deleteProperty(parent, last);
  else parent[last] = value;
}

function step(parent: Record<string, unknown>, part: string, op: Operation["op"], path: string): Record<string, unknown> {
  if (!Object.hasOwn(parent, part) && op === "upsert") parent[part] = {};
  const child = Object.hasOwn(parent, part) ? parent[part] : undefined;
  if (typeof child !== "object" || child === null) throw refuse(`the delta changes \`${path}\`, which is not there`);
  return child as Record<string, unknown>;
}
