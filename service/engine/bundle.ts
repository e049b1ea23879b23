import { createHash } from "node:crypto";
import { z } from "zod";
import type { Json, JsonObject } from "../decide/json.ts";
import { describe } from "../errors.ts";
import { parseStrictJson } from "../json/strict-json.ts";
import { type Members, refuse } from "./archive.ts";
import { findOutside, isWithin, type Roots, readRoots } from "./roots.ts";

const SelfTest = z.strictObject({
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  allow: z.boolean(),
  reason: z.string().optional(),
});
/** A call whose decision is known, evaluated before the bundle goes live. */
export type SelfTest = z.infer<typeof SelfTest>;

const RemitMetadata = z.object({
  self_test: z.array(SelfTest).max(1000).optional(),
  /** What a failing builtin makes of the decision: a deny (the default), or what the policy makes of undefined, as in OPA. */
  builtin_errors: z.enum(["deny", "undefined"]).optional(),
});

const Manifest = z.object({
  revision: z.string().max(256).default(""),
  roots: z.array(z.string()).optional(),
  wasm: z.array(z.object({ entrypoint: z.string(), module: z.string() })).optional(),
  metadata: z.object({ remit: RemitMetadata.optional() }).optional(),
});
/** `.manifest` as OPA defines it; `metadata.remit` is ours. */
export type Manifest = z.infer<typeof Manifest>;

/** A bundle whose form was checked; its module was not looked at yet. */
export interface Bundle {
  readonly manifest: Manifest;
  readonly roots: Roots;
  readonly data: JsonObject;
  readonly wasm: Buffer;
  /** `sha256:…` over names and contents of all members, so the same content has the same digest however it was packed. */
  readonly digest: string;
  /** Digest of the delta that was applied last. */
  readonly delta: string | null;
}

/** Data may be larger and hold more than a request. */
const jsonLimits = { depthMax: 256, nodesMax: 10_000_000 };

/** Reads manifest, data and module of a snapshot. Throws RemitError `bundle_invalid`. */
export function readBundle(members: Members): Bundle {
  const manifest = readManifest(members);
  const roots = readRoots(manifest.roots);
  for (const { entrypoint } of manifest.wasm ?? [])
    if (!isWithin(entrypoint.split("/"), roots))
      throw refuse(`entrypoint \`${entrypoint}\` is outside of the manifest's roots; add its root`);
  const wasm = readModule(members, manifest);
  return { manifest, roots, wasm, data: readData(members, roots), digest: digestOf(members), delta: null };
}

/** Reads `.manifest` alone; deltas have one too. */
export function readManifest(members: Members): Manifest {
  const bytes = members.get(".manifest");
  if (bytes === undefined) throw refuse("the bundle has no `.manifest`; build it with `opa build`");
  const parsed = Manifest.safeParse(json(".manifest", bytes));
  if (parsed.success) return parsed.data;
  throw refuse(`\`.manifest\` is wrong: ${z.prettifyError(parsed.error).replaceAll("\n", " ").slice(0, 500)}`);
}

function readModule(members: Members, manifest: Manifest): Buffer {
  const names = new Set((manifest.wasm ?? []).map(({ module }) => module.replace(/^\//, "")));
  const [name, ...others] = names;
  if (name === undefined) throw refuse("`.manifest` names no WebAssembly module; build the bundle with `opa build -t wasm`");
  if (others.length > 0) throw refuse("the bundle has several WebAssembly modules; build it with all entrypoints in one `opa build`");
  const wasm = members.get(name);
  if (wasm === undefined) throw refuse(`\`.manifest\` names \`${name}\`, which is not in the bundle; build it again`);
  return wasm;
}

/** Merges every `data.json` under the path of its folder, as OPA does; nothing may lie outside the roots. */
function readData(members: Members, roots: Roots): JsonObject {
  const data: Record<string, unknown> = {};
  for (const [name, bytes] of members) {
    const parts = name.split("/");
    const file = parts.pop();
    if (file === "data.yaml" || file === "data.yml") throw refuse(`\`${name}\` is not read; write data as JSON`);
    if (file === "data.json") merge(data, nest(parts, json(name, bytes)), name, []);
  }
  const outside = findOutside(data, roots);
  if (outside !== undefined) throw refuse(`data at \`${outside.join("/")}\` is outside of the manifest's roots; add its root`);
  return data as JsonObject;
}

function nest(parts: readonly string[], value: Json): Json {
  return parts.reduceRight<Json>((inner, part) => ({ [part]: inner }), value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Keys cannot be `__proto__`: neither names of members nor strict JSON may hold it. */
function merge(target: Record<string, unknown>, source: unknown, name: string, path: readonly string[]): void {
  if (!isObject(source)) throw refuse(`\`${name}\` must hold an object`);
  for (const [key, value] of Object.entries(source)) {
    const known = Object.hasOwn(target, key) ? target[key] : undefined;
    if (known === undefined) target[key] = value;
    else if (isObject(known) && isObject(value)) merge(known, value, name, [...path, key]);
    else throw refuse(`\`${name}\` sets \`${[...path, key].join("/")}\` a second time; keep one of them`);
  }
}

/** Parses a member strictly. `input.request.time_ns` of a self-test is the one integer that may be large. */
export function json(name: string, bytes: Buffer): Json {
  try {
    return parseStrictJson(bytes, { ...jsonLimits, largeIntegers: name === ".manifest" });
  } catch (cause) {
    throw refuse(`\`${name}\` is not sound JSON: ${describe(cause)}`, cause);
  }
}

/** Digest over names and contents of members, in the order of their names. */
export function digestOf(members: Members): string {
  const hash = createHash("sha256");
  for (const [name, content] of [...members].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0${content.length}\0`).update(createHash("sha256").update(content).digest());
  return `sha256:${hash.digest("hex")}`;
}
