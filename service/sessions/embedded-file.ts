import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { open } from "lmdb";
import type { Db } from "./embedded-records.ts";

interface FileOptions {
  readonly dir: string;
  /** Bytes of address space: more than may ever be in use. */
  readonly mapBytes: number;
  /** Commits go into the shared map, and to the disk when the system gets to it. Else each waits until it is on the disk. */
  readonly unsynced: boolean;
}

/** Room on the disk that is there before it is needed: writing a map where the disk is full would end the process instead of failing. */
const reserveBytes = 16 * 2 ** 20;
const zeros = Buffer.alloc(2 ** 20);
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Where things stand in the first two pages, which LMDB reads without looking: a file that is none of its own ends the process. */
const layout = { magic: 24, version: 28, pageSize: 48, lastPage: 144, bytes: 160 };
/** Sorts behind every other key; no record begins so. */
const keptKey = "~";
const magic = 0xbeefc0de;
const version = 2;

/** An LMDB file, and what LMDB leaves to its user. */
export class EmbeddedFile {
  readonly db: Db;
  readonly #handle: number;
  readonly #unsynced: boolean;
  #reservedTo = 0;

  constructor({ dir, mapBytes, unsynced }: FileOptions) {
    const file = join(dir, "data.mdb");
    // Another process may have just made it and not written its first pages yet.
    for (let tries = 0; !isWhole(file); tries++) {
      if (tries === 10) throw new Error(`\`${file}\` is not a database, or a part of it is missing`);
      Atomics.wait(pause, 0, 0, 20);
    }
    this.db = open<Uint8Array, string>({
      path: dir,
      mapSize: mapBytes,
      noSync: unsynced,
      useWritemap: unsynced,
      overlappingSync: false,
      encoding: "binary",
      keyEncoder: { writeKey, readKey },
    });
    this.#handle = openSync(file, "r+");
    this.#unsynced = unsynced;
    this.#keepOne();
  }

  /** LMDB ends the process (an assertion on its free list) at a change after the very last record was removed: so one always stays. */
  #keepOne(): void {
    this.db.transactionSync(() => {
      if (this.db.getBinary(keptKey) === undefined) this.db.putSync(keptKey, new Uint8Array([1]));
    });
  }

  /** Throws when the disk has no room. */
  reserve(): void {
    if (!this.#unsynced) return;
    // In a transaction nobody else takes pages, so that whatever lies behind the last one is nobody's.
    this.db.transactionSync(() => {
      const used = this.#usage().fileBytes;
      for (let at = Math.max(used, this.#reservedTo); at < used + reserveBytes; at = this.#reservedTo) {
        this.#reservedTo = at + writeSync(this.#handle, zeros, 0, zeros.length, at);
      }
    });
  }

  /** Bytes that records take. */
  bytesInUse(): number {
    return this.#usage().usedBytes;
  }

  /** Closes the file; all that any process has written so far is on the disk then. */
  async close(): Promise<void> {
    await this.db.close();
    try {
      fsyncSync(this.#handle);
    } finally {
      closeSync(this.#handle);
    }
  }

  #usage(): { usedBytes: number; fileBytes: number } {
    const stats = this.db.getStats() as Record<string, number>;
    const { pageSize = 0, treeBranchPageCount = 0, treeLeafPageCount = 0, overflowPages = 0, lastPageNumber = 0 } = stats;
    return { usedBytes: pageSize * (treeBranchPageCount + treeLeafPageCount + overflowPages), fileBytes: pageSize * (lastPageNumber + 1) };
  }
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

function writeKey(key: string, target: Buffer, start: number): number {
  return start + target.write(key, start);
}

function readKey(source: Buffer, start: number, end: number): string {
  return source.toString("utf8", start, end);
}
