import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** The last bundle that passed the gate, on disk: what the service starts with when its source is gone or bad. */
export interface LastGood {
  /** Path of the kept bundle, whether it exists or not. */
  readonly path: string;
  read(): Promise<Buffer | undefined>;
  /** Replaces it in one step: a crash leaves the old or the new one, never a mixture. */
  write(bytes: Buffer): Promise<void>;
}

export function createLastGood(folder: string): LastGood {
  const path = join(folder, "bundle.tar.gz");
  const read = async () => {
    try {
      return await readFile(path);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
  };
  return {
    path,
    read,
    async write(bytes) {
      if ((await read())?.equals(bytes)) return;
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await removeStaleDrafts(folder);
      // Several processes may share the folder: each has a draft of its own.
      const draft = join(folder, `${randomUUID()}${draftEnding}`);
      try {
        await writeSynced(draft, bytes);
        await rename(draft, path);
      } finally {
        await rm(draft, { force: true });
      }
      await syncFolder(folder);
    },
  };
}

const draftEnding = ".draft";
const draftStaleMs = 600_000;

/** A process that was killed while it wrote left its draft behind. */
async function removeStaleDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(draftEnding)) continue;
    const info = await stat(join(folder, name)).catch(() => undefined);
    if (info !== undefined && Date.now() - info.mtimeMs > draftStaleMs) await rm(join(folder, name), { force: true });
  }
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The rename itself is durable only once the folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
