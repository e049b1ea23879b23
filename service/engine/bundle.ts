import { createHash } from "node:crypto";
import { z } from "zod";
import type { Json, JsonObject } from "../decide/json.ts";
import { parseStrictJson } from "../json/strict-json.ts";
import { type Members, refuse } from "./archive.ts";

const SelfTest = z.object({
  name: z.string(),
  input: z.record(z.string(), z.unknown()),
  allow: z.boolean(),
  reason: z.string().optional(),
});
/** A call whose decision is known, evaluated before the bundle goes live. */
export type SelfTest = z.infer<typeof SelfTest>;

const Manifest = z.object({
  revision: z.string().min(1).max(256),
  roots: z.array(z.string()).optional(),
  wasm: z.array(z.object({ entrypoint: z.string(), module: z.string() })).optional(),
  metadata: z.object({ remit: z.object({ self_test: z.array(SelfTest).max(1000) }).optional() }).optional(),
});
/** `.manifest` as OPA defines it; `metadata.remit.self_test` is ours. */
export type Manifest = z.infer<typeof Manifest>;

/** A bundle whose form was checked; its module was not looked at yet. */
export interface Bundle {
  readonly manifest: Manifest;
  readonly data: JsonObject;
  readonly wasm: Buffer;
  /** `sha256:…` over names and contents of all members, so the same content has the same digest however it was packed. */
  readonly digest: string;
}

/** Data may be larger and hold more than a request. */
const jsonLimits = { depthMax: 256, nodesMax: 10_000_000 };

/** Reads manifest, data and module of a snapshot. Throws RemitError `bundle_invalid`. */
export function readBundle(members: Members): Bundle {
  const manifest = readManifest(members);
  const wasm = readModule(members, manifest);
  return { manifest, data: readData(members, manifest.roots ?? [""]), wasm, digest: digestOf(members) };
}

/** Reads `.manifest` alone; deltas have one too. */
export function readManifest(members: Members): Manifest {
  const bytes = members.get(".manifest");
  if (bytes === undefined) throw refuse("the bundle has no `.manifest`");
  const parsed = Manifest.safeParse(json(".manifest", bytes));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw refuse(`\`.manifest\` is wrong at \`${issue?.path.join(".") ?? ""}\`: ${issue?.message ?? ""}`);
}

function readModule(members: Members, manifest: Manifest): Buffer {
  const names = new Set((manifest.wasm ?? []).map(({ module }) => module.replace(/^\//, "")));
  const [name, ...others] = names;
  if (name === undefined) throw refuse("`.manifest` names no WebAssembly module; build the bundle with `opa build -t wasm`");
  if (others.length > 0) throw refuse("the bundle has several WebAssembly modules; build it with all entrypoints in one `opa build`");
  const wasm = members.get(name);
  if (wasm === undefined) throw refuse(`\`.manifest\` names \`${name}\`, which is not in the bundle`);
  return wasm;
}

/** Merges every `data.json` under the path of its folder, as OPA does; nothing may lie outside the roots. */
function readData(members: Members, roots: readonly string[]): JsonObject {
  const data: Record<string, unknown> = {};
  for (const [name, bytes] of members) {
    const parts = name.split("/");
    const file = parts.pop();
    if (file === "data.yaml" || file === "data.yml") throw refuse(`\`${name}\` is not read; write data as JSON`);
    if (file !== "data.json") continue;
    merge(data, nest(parts, json(name, bytes)), name, []);
  }
  for (const path of leafPaths(data, [])) if (!isUnder(path, roots)) throw refuse(`data at \`${path}\` is outside of the manifest's roots`);
  return data as JsonObject;
}

function nest(parts: readonly string[], value: Json): Json {
  return parts.reduceRight<Json>((inner, part) => ({ [part]: inner }), value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function merge(target: Record<string, unknown>, source: unknown, name: string, path: readonly string[]): void {
  if (!isObject(source)) throw refuse(`\`${name}\` must hold an object`);
  for (const [key, value] of Object.entries(source)) {
    const known = Object.hasOwn(target, key) ? target[key] : undefined;
    if (known === undefined) target[key] = value;
    else if (isObject(known) && isObject(value)) merge(known, value, name, [...path, key]);
    else throw refuse(`\`${name}\` sets \`${[...path, key].join("/")}\` a second time`);
  }
}

/** Paths deep enough to be told apart by roots; roots are rarely deeper than a few levels. */
function leafPaths(value: Record<string, unknown>, path: readonly string[]): string[] {
  return Object.entries(value).flatMap(([key, child]) =>
    isObject(child) && path.length < 8 && Object.keys(child).length > 0 ? leafPaths(child, [...path, key]) : [[...path, key].join("/")],
  );
}

/** Whether a path lies within one of the roots; the empty root holds everything. */
export function isUnder(path: string, roots: readonly string[]): boolean {
  return roots.map((root) => root.replace(/^\/|\/$/g, "")).some((root) => root === "" || path === root || path.startsWith(`${root}/`));
}

/** Parses a member strictly. `input.request.time_ns` of a self-test is the one integer that may be large. */
export function json(name: string, bytes: Buffer): Json {
  try {
    return parseStrictJson(bytes, { ...jsonLimits, largeIntegers: name === ".manifest" });
  } catch (cause) {
    throw refuse(`\`${name}\` is not sound JSON: ${cause instanceof Error ? cause.message : ""}`, cause);
  }
}

function digestOf(members: Members): string {
  const hash = createHash("sha256");
  for (const [name, content] of [...members].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${name}\0${content.length}\0`).update(createHash("sha256").update(content).digest());
  return `sha256:${hash.digest("hex")}`;
}
