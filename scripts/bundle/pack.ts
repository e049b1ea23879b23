import { buffer } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { extract, pack } from "tar-stream";

/** Files of a bundle: name without leading `/`, and content. */
export type Members = ReadonlyMap<string, Buffer>;

/** Reads a gzipped tar of plain files, such as `opa build` writes. */
export async function unpack(tarball: Buffer): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  const reader = extract();
  reader.end(gunzipSync(tarball));
  for await (const entry of reader) {
    if (entry.header.type === "file") members.set(entry.header.name.replace(/^\/+/, ""), await buffer(entry));
    else entry.resume();
  }
  return members;
}

/** A gzipped tar that depends on names and contents only: sorted, no times, no owners, a gzip header without time and system. */
export async function packReproducibly(members: Members): Promise<Buffer> {
  const archive = pack();
  const names = [...members.keys()].sort();
  for (const name of names) archive.entry({ name: `/${name}`, mode: 0o644, mtime: new Date(0) }, members.get(name) ?? Buffer.alloc(0));
  archive.finalize();
  const tarball = gzipSync(await buffer(archive), { level: 9 });
  tarball.fill(0, 4, 8);
  tarball[9] = 255;
  return tarball;
}
