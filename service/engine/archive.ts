import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { gunzipSync } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { RemitError } from "../errors.ts";

/** Members of a bundle by name, without a leading slash. */
export type Members = ReadonlyMap<string, Buffer>;

/** Bounds of one bundle. */
export interface BundleLimits {
  readonly packedBytesMax: number;
  readonly unpackedBytesMax: number;
  readonly membersMax: number;
}

export const bundleLimits: BundleLimits = { packedBytesMax: 64 * 2 ** 20, unpackedBytesMax: 256 * 2 ** 20, membersMax: 10_000 };

export function refuse(why: string, cause?: unknown): RemitError {
  return new RemitError("bundle_invalid", why, { cause });
}

/** Reads a `.tar.gz` in memory: nothing is written to disk, so no name can reach outside. Throws RemitError `bundle_invalid`. */
export async function readArchive(packed: Buffer, limits: BundleLimits): Promise<Members> {
  if (packed.length > limits.packedBytesMax) throw refuse(`the bundle is larger than ${limits.packedBytesMax} bytes`);
  return readTar(gunzip(packed, limits.unpackedBytesMax), limits);
}

function gunzip(packed: Buffer, bytesMax: number): Buffer {
  try {
    return gunzipSync(packed, { maxOutputLength: bytesMax });
  } catch (cause) {
    const tooLarge = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    throw refuse(tooLarge ? `the bundle unpacks to more than ${bytesMax} bytes` : "the bundle is truncated or not a gzip archive", cause);
  }
}

function readTar(tar: Buffer, limits: BundleLimits): Promise<Members> {
  const members = new Map<string, Buffer>();
  const seen = new Set<string>();
  const unpack = extract();
  return new Promise((resolve, reject) => {
    unpack.on("entry", (header, stream, next) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk) => void chunks.push(chunk as Buffer));
      stream.on("end", () => {
        try {
          addEntry(header, Buffer.concat(chunks), { members, seen, limits });
          next();
        } catch (error) {
          reject(error);
          unpack.destroy();
        }
      });
    });
    unpack.on("finish", () => resolve(members));
    unpack.on("error", (cause: Error) => reject(refuse(`the bundle is not a sound tar archive: ${cause.message}`, cause)));
    unpack.end(tar);
  });
}

interface Collected {
  readonly members: Map<string, Buffer>;
  readonly seen: Set<string>;
  readonly limits: BundleLimits;
}

function addEntry(header: Header, content: Buffer, collected: Collected): void {
  if (header.type === "directory") return;
  if (header.type !== "file") throw refuse(`bundle member \`${header.name}\` is a ${header.type}, not a regular file`);
  add(header.name, content, collected);
}

/** Adds a member under its plain name; names that mean different files to different readers are refused. */
function add(name: string, content: Buffer, { members, seen, limits }: Collected): void {
  const plain = name.replace(/^\.?\//, "");
  const parts = plain.split("/");
  if (plain === "" || name.includes("\\") || name.includes("\0") || parts.some((part) => part === ".." || part === "." || part === ""))
    throw refuse(`bundle member \`${name}\` has a name that could reach outside the bundle`);
  if (seen.has(plain.toLowerCase())) throw refuse(`bundle member \`${name}\` is there twice`);
  if (members.size >= limits.membersMax) throw refuse(`the bundle has more than ${limits.membersMax} members`);
  seen.add(plain.toLowerCase());
  members.set(plain, content);
}

/** Reads a folder as a bundle; links are refused. */
export function readFolder(folder: string, limits: BundleLimits): Members {
  const collected: Collected = { members: new Map(), seen: new Set(), limits };
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) throw refuse(`bundle member \`${path}\` is not a regular file`);
    bytes += statSync(path).size;
    if (bytes > limits.unpackedBytesMax) throw refuse(`the bundle is larger than ${limits.unpackedBytesMax} bytes`);
    add(relative(folder, path), readFileSync(path), collected);
  }
  return collected.members;
}
