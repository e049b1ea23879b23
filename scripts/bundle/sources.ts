import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";

/** Folder of the policies. */
export const regoDir = resolve(import.meta.dirname, "../../rego");

/** What the bundle is made of: path below `rego/` with `/`, and content. */
export type Sources = ReadonlyMap<string, Buffer>;

/** Lower-case hexadecimal SHA-256. */
export function sha256(content: Buffer | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** Policies, their data and the self-test, in the order of their names; tests and schemas do not go into the bundle. */
export function readSources(folder: string = regoDir): Sources {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => relative(folder, join(folder, name)).split(sep).join("/"))
    .filter(isSource)
    .sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

function isSource(name: string): boolean {
  if (name.startsWith("schemas/") || name.endsWith("_test.rego")) return false;
  return name.endsWith(".rego") || name === "data.json" || name.endsWith("/data.json") || name === "self-test.json";
}

/** One digest of all sources: of the lines `<sha256>  <name>`, as `sha256sum` prints them. */
export function sourcesDigest(sources: Sources): string {
  return sha256([...sources].map(([name, content]) => `${sha256(content)}  ${name}\n`).join(""));
}
