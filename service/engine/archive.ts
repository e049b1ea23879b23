import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { extract, type Header, pack } from "tar-stream";
import { RemitError } from "../errors.ts";

/** Members of a bundle by name, without a leading slash. */
export type Members = ReadonlyMap<string, Buffer>;

/** Bounds of one bundle. */
export interface BundleLimits {
  readonly packedBytesMax: number;
  readonly unpackedBytesMax: number;
  /** Most unpacked bytes for each packed one; small bundles may be denser. */
  readonly ratioMax: number;
  /** Most files and folders. */
  readonly entriesMax: number;
}

export const bundleLimits: BundleLimits = {
  packedBytesMax: 64 * 2 ** 20,
  unpackedBytesMax: 256 * 2 ** 20,
  ratioMax: 200,
  entriesMax: 10_000,
};

/** Below this a bundle is never too dense. */
const denseBytesMin = 4 * 2 ** 20;

/** RemitError `bundle_invalid`; says what is wrong, where, and what to do. */
export function refuse(why: string, cause?: unknown): RemitError {
  return new RemitError("bundle_invalid", why, { cause });
}

/** Reads a `.tar.gz` in memory: nothing is written to disk, so no name can reach outside. Throws RemitError `bundle_invalid`. */
export async function readArchive(packed: Buffer, limits: BundleLimits = bundleLimits): Promise<Members> {
  if (packed.length > limits.packedBytesMax) throw refuse(`the bundle is larger than ${limits.packedBytesMax} bytes; make it smaller`);
  return readTar(await unzip(packed, limits), limits);
}

async function unzip(packed: Buffer, limits: BundleLimits): Promise<Buffer> {
  const bytesMax = Math.min(limits.unpackedBytesMax, Math.max(denseBytesMin, packed.length * limits.ratioMax));
  try {
    return await promisify(gunzip)(packed, { maxOutputLength: bytesMax });
  } catch (cause) {
    const tooLarge = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    if (tooLarge) throw refuse(`the bundle unpacks from ${packed.length} to more than ${bytesMax} bytes; make it smaller`, cause);
    throw refuse("the bundle is truncated or not a gzip archive; build or copy it again", cause);
  }
}

function readTar(tar: Buffer, limits: BundleLimits): Promise<Members> {
  const collected: Collected = { members: new Map(), seen: new Set(), limits, entries: 0 };
  const unpack = extract();
  return new Promise((resolve, reject) => {
    unpack.on("entry", (header, stream, next) => {
      buffer(stream)
        .then((content) => {
          addEntry(header, content, collected);
          next();
        })
        .catch((error: unknown) => {
          reject(error);
          unpack.destroy();
        });
    });
    unpack.on("finish", () => resolve(collected.members));
    unpack.on("error", (cause: Error) => reject(refuse(`the bundle is not a sound tar archive: ${cause.message}`, cause)));
    unpack.end(tar);
  });
}

interface Collected {
  readonly members: Map<string, Buffer>;
  readonly seen: Set<string>;
  readonly limits: BundleLimits;
  entries: number;
}

function addEntry(header: Header, content: Buffer, collected: Collected): void {
  count(collected);
  if (header.type === "directory") return;
  if (header.type !== "file") throw refuse(`bundle member \`${header.name}\` is a ${header.type}, not a regular file`);
  add(header.name, content, collected);
}

function count(collected: Collected): void {
  if (++collected.entries > collected.limits.entriesMax) throw refuse(`the bundle has more than ${collected.limits.entriesMax} entries`);
}

/** Parts that a name must not have: they reach outside, or mean the prototype of an object once they become a path into the data. */
const forbiddenParts: ReadonlySet<string> = new Set(["", ".", "..", "__proto__"]);

/** Adds a member under its plain name; names that mean different files to different readers are refused. */
function add(name: string, content: Buffer, { members, seen }: Collected): void {
  const plain = name.replace(/^\.?\//, "");
  if (name.includes("\\") || name.includes("\0") || plain.split("/").some((part) => forbiddenParts.has(part)))
    throw refuse(`bundle member \`${name}\` has a forbidden name; use plain relative paths`);
  const same = plain.normalize("NFC").toLowerCase();
  if (seen.has(same)) throw refuse(`bundle member \`${name}\` is there twice (names that differ only by case are the same)`);
  seen.add(same);
  members.set(plain, content);
}

/** Reads a folder as a bundle; links are refused. Throws RemitError `bundle_invalid`. */
export async function readFolder(folder: string, limits: BundleLimits = bundleLimits): Promise<Members> {
  const collected: Collected = { members: new Map(), seen: new Set(), limits, entries: 0 };
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    count(collected);
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) throw refuse(`bundle member \`${relative(folder, path)}\` is not a regular file`);
    bytes += (await stat(path)).size;
    if (bytes > limits.unpackedBytesMax) throw refuse(`the bundle is larger than ${limits.unpackedBytesMax} bytes; make it smaller`);
    add(relative(folder, path), await readFile(path), collected);
  }
  return collected.members;
}

/** Packs members into a `.tar.gz`. */
export async function packArchive(members: Members): Promise<Buffer> {
  const archive = pack();
  for (const [name, content] of members) archive.entry({ name: `/${name}`, mode: 0o644, mtime: new Date(0) }, content);
  archive.finalize();
  return promisify(gzip)(await buffer(archive));
}
