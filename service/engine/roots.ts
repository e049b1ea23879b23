import { refuse } from "./archive.ts";

/** What a bundle owns, as paths into `data`; one empty path is everything. */
export type Roots = readonly (readonly string[])[];

/** Reads `roots` of a manifest; left out, the bundle owns everything. Roots that overlap are refused, as OPA does. */
export function readRoots(roots: readonly string[] = [""]): Roots {
  const paths = roots.map((root) => root.split("/").filter((part) => part !== ""));
  for (const [index, path] of paths.entries())
    for (const other of paths.slice(index + 1))
      if (startsWith(path, other) || startsWith(other, path))
        throw refuse(`\`.manifest\` has overlapping roots \`${path.join("/")}\` and \`${other.join("/")}\`; leave one of them out`);
  return paths;
}

/** Whether a path lies within one of the roots. */
export function isWithin(path: readonly string[], roots: Roots): boolean {
  return roots.some((root) => startsWith(path, root));
}

/** The first path of a document that lies outside of the roots, if any. */
export function findOutside(value: unknown, roots: Roots, path: readonly string[] = []): readonly string[] | undefined {
  if (isWithin(path, roots)) return undefined;
  const leadsToRoot = roots.some((root) => startsWith(root, path));
  if (!leadsToRoot || typeof value !== "object" || value === null || Array.isArray(value)) return path;
  for (const [key, child] of Object.entries(value)) {
    const outside = findOutside(child, roots, [...path, key]);
    if (outside !== undefined) return outside;
  }
  return undefined;
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((part, index) => path[index] === part);
}
