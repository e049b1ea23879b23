import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import type { Db } from "./embedded-records.ts";

interface FileOptions {
  readonly dir: string;
  /** Bytes of address space: more than may ever be in use. */
  readonly mapBytes: number;
  /** Commits go into the cache of the system, and to the disk when the system gets to it. Else each waits until it is on the disk. */
  readonly unsynced: boolean;
}

const dataFile = "data.mdb";
const gateFolder = "gate";
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Where things stand in the first two pages, which LMDB reads without looking: a file that is none of its own ends the process. */
const layout = { magic: 24, version: 28, pageSize: 48, lastPage: 144, bytes: 160 };
const magic = 0xbeefc0de;
const version = 2;

/**
 * An LMDB file, and what LMDB leaves to its user.
 *
 * Whoever opens an LMDB file writes the number of the last transaction that it has seen into the shared lock file, without a lock
 * (mdb_env_open2). One committed by another process just then would be forgotten by all: readers would not see it, and the next writer
 * would reuse its number and pages. So nobody may change the file while somebody opens it, and for that there is a second one, the gate:
 * nothing is ever written to it, so that opening it does no harm, and its write lock is given back by the system when a process is killed.
 */
export class EmbeddedFile {
  readonly db: Db;
  readonly #gate: Db;
  readonly #handle: number;

  constructor({ dir, mapBytes, unsynced }: FileOptions) {
    this.#gate = openFile(join(dir, gateFolder), 2 ** 20, true);
    this.db = this.#gate.transactionSync(() => openFile(dir, mapBytes, unsynced));
    this.#handle = openSync(join(dir, dataFile), "r+");
    // Else a crash of the machine might leave a gate that cannot be opened.
    syncFile(join(dir, gateFolder, dataFile));
  }

  /** Runs `work` in a write transaction, one of all processes at a time. */
  write<T>(work: () => T): T {
    return this.#gate.transactionSync(() => this.db.transactionSync(work));
  }

  /** Bytes that records take. */
  bytesInUse(): number {
    const {
      pageSize = 0,
      treeBranchPageCount = 0,
      treeLeafPageCount = 0,
      overflowPages = 0,
    } = this.db.getStats() as Record<string, number>;
    return pageSize * (treeBranchPageCount + treeLeafPageCount + overflowPages);
  }

  /** Closes the file; all that any process has written so far is on the disk then. */
  async close(): Promise<void> {
    await this.db.close();
    await this.#gate.close();
    try {
      fsyncSync(this.#handle);
    } finally {
      closeSync(this.#handle);
    }
  }
}

function openFile(dir: string, mapBytes: number, unsynced: boolean): Db {
  const file = join(dir, dataFile);
  // Another process may have just made it and not written its first pages yet.
  for (let tries = 0; !isWhole(file); tries++) {
    if (tries === 10) throw new Error(`\`${file}\` is not a database, or a part of it is missing`);
    Atomics.wait(pause, 0, 0, 20);
  }
  // Not by `useWritemap`, which costs less: a full disk then ends the process (SIGBUS), and so does LMDB itself (an assertion of
  // mdb_freelist_save) when a transaction empties a page while it knows of no free one, as behind a reader that stands still.
  return open<Uint8Array, string>({
    path: dir,
    mapSize: mapBytes,
    noSync: unsynced,
    overlappingSync: false,
    encoding: "binary",
    keyEncoder: { writeKey, readKey },
  });
}

/** True for a file that LMDB can open: none, an empty one, or one whose first pages are in order and that is as long as they say. */
function isWhole(file: string): boolean {
  if (!existsSync(file)) return true;
  const handle = openSync(file, "r");
  try {
    const { size } = fstatSync(handle);
    const page = Buffer.alloc(layout.bytes);
    const isMeta = (at: number): boolean =>
      readSync(handle, page, 0, layout.bytes, at) === layout.bytes &&
      page.readUInt32LE(layout.magic) === magic &&
      page.readUInt32LE(layout.version) === version &&
      size >= page.readUInt32LE(layout.pageSize) * (Number(page.readBigUInt64LE(layout.lastPage)) + 1);
    return size === 0 || (isMeta(0) && isMeta(page.readUInt32LE(layout.pageSize)));
  } finally {
    closeSync(handle);
  }
}

function syncFile(file: string): void {
  const handle = openSync(file, "r+");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function writeKey(key: string, target: Buffer, start: number): number {
  return start + target.write(key, start);
}

function readKey(source: Buffer, start: number, end: number): string {
  return source.toString("utf8", start, end);
}
