import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The last bundle that passed the gate, on disk: what the service starts with when its source is gone or bad. */
export interface LastGood {
  /** Path of the kept bundle, whether it exists or not. */
  readonly path: string;
  read(): Buffer | undefined;
  /** Replaces it in one step: a crash leaves the old or the new one, never a mixture. */
  write(bytes: Buffer): void;
}

export function createLastGood(folder: string): LastGood {
  const path = join(folder, "bundle.tar.gz");
  return {
    path,
    read: () => (existsSync(path) ? readFileSync(path) : undefined),
    write(bytes) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const draft = `${path}.tmp`;
      writeSynced(draft, bytes);
      renameSync(draft, path);
      syncFolder(folder);
    },
  };
}

function writeSynced(path: string, bytes: Buffer): void {
  const fd = openSync(path, "w", 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The rename itself is durable only once the folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
