import type { Json } from "./denied-calls.ts";

/** The way to every value within a document. */
export function pathsOf(document: Json): readonly (readonly string[])[] {
  if (typeof document !== "object" || document === null) return [];
  return Object.entries(document).flatMap(([name, value]) => [[name], ...pathsOf(value).map((path) => [name, ...path])]);
}

/** The value that a path leads to. */
export function valueAt(document: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((node, part) => (node as { readonly [name: string]: Json } | undefined)?.[part], document);
}

/** A copy with another value at the path, or with none (`undefined`). */
export function mutant(document: Json, path: readonly string[], value: Json | undefined): Json {
  const copy = structuredClone(document) as Record<string, unknown>;
  const parent = path.slice(0, -1).reduce((node, part) => node[part] as Record<string, unknown>, copy);
  const last = path.at(-1) ?? "";
  if (value !== undefined) parent[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return copy as Json;
}
