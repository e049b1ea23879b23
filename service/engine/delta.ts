import { createHash } from "node:crypto";
import { z } from "zod";
import type { JsonObject } from "../decide/json.ts";
import { unescapedPart } from "../decide/pointer.ts";
import { type Members, refuse } from "./archive.ts";
import { type Bundle, digestOf, json, readManifest } from "./bundle.ts";
import { isWithin, type Roots } from "./roots.ts";
import { signaturesName } from "./signature.ts";

const path = z.string().startsWith("/");
/** OPA's `patch.json`. */
const Patch = z.strictObject({
  data: z.array(
    z.discriminatedUnion("op", [
      z.strictObject({ op: z.literal("upsert"), path, value: z.json() }),
      z.strictObject({ op: z.literal("replace"), path, value: z.json() }),
      z.strictObject({ op: z.literal("remove"), path, value: z.json().optional() }),
    ]),
  ),
});
type Operation = z.infer<typeof Patch>["data"][number];

const patchName = "patch.json";
const allowedNames: ReadonlySet<string> = new Set([".manifest", patchName, signaturesName]);

/** Whether a bundle is a delta: a change of data, to be applied to the active snapshot. */
export function isDelta(members: Members): boolean {
  return members.has(patchName);
}

/**
 * Applies a delta to the active bundle: a new bundle, the old one untouched; `undefined` when it is the delta that was applied last.
 * Roots and modules must be the same. Throws RemitError `bundle_invalid`.
 */
export function applyDelta(active: Bundle, members: Members): Bundle | undefined {
  const delta = digestOf(members);
  if (delta === active.delta) return undefined;
  const manifest = readManifest(members);
  if (setOf(manifest.roots) !== setOf(active.manifest.roots))
    throw refuse("the delta has other roots than the active bundle; publish a snapshot");
  if (setOf(manifest.wasm) !== setOf(active.manifest.wasm))
    throw refuse("the delta has other modules than the active bundle; publish a snapshot");
  const data = structuredClone(active.data) as Record<string, unknown>;
  for (const operation of readPatch(members)) apply(data, operation, active.roots);
  const digest = createHash("sha256").update(active.digest).update(delta).digest("hex");
  const { revision } = manifest;
  return { ...active, manifest: { ...active.manifest, revision }, data: data as JsonObject, digest: `sha256:${digest}`, delta };
}

/** Text by which two lists can be compared whatever their order. */
function setOf(list: readonly unknown[] = []): string {
  return JSON.stringify(list.map((item) => JSON.stringify(item)).sort());
}

function readPatch(members: Members): readonly Operation[] {
  for (const name of members.keys())
    if (!allowedNames.has(name)) throw refuse(`a delta holds \`${patchName}\` and \`.manifest\` only, not \`${name}\`; publish a snapshot`);
  const patch = Patch.safeParse(json(patchName, members.get(patchName) ?? Buffer.alloc(0)));
  if (patch.success) return patch.data.data;
  throw refuse(`\`${patchName}\` is wrong: ${z.prettifyError(patch.error).replaceAll("\n", " ").slice(0, 500)}`);
}

function apply(data: Record<string, unknown>, operation: Operation, roots: Roots): void {
  const parts = partsOf(operation.path);
  if (!isWithin(parts, roots)) throw refuse(`the delta changes \`${operation.path}\`, outside of the manifest's roots`);
  const last = parts.pop() ?? "";
  let parent = data;
  for (const part of parts) parent = step(parent, part, operation);
  if (operation.op !== "upsert" && !Object.hasOwn(parent, last))
    throw refuse(`the delta changes \`${operation.path}\`, which is not there`);
  if (operation.op === "remove") delete parent[last];
  else parent[last] = operation.value;
}

/** Parts of a JSON pointer (RFC 6901). */
function partsOf(pointer: string): string[] {
  const parts = pointer.slice(1).split("/").map(unescapedPart);
  if (parts.includes("") || parts.includes("__proto__")) throw refuse(`the delta's path \`${pointer}\` has an empty or forbidden part`);
  return parts;
}

function step(parent: Record<string, unknown>, part: string, { op, path }: Operation): Record<string, unknown> {
  if (!Object.hasOwn(parent, part) && op === "upsert") parent[part] = {};
  const child = Object.hasOwn(parent, part) ? parent[part] : undefined;
  if (Array.isArray(child)) throw refuse(`the delta changes \`${path}\`, within an array; replace the array as a whole`);
  if (typeof child !== "object" || child === null) throw refuse(`the delta changes \`${path}\`, which is not there`);
  return child as Record<string, unknown>;
}
