import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, readdirSync, readlinkSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RemitError } from "../errors.ts";

/** Marks of processes that write without waiting for the disk, and of those that wait for it. */
const [usePrefix, syncedPrefix] = ["use-", "synced-"];
/** A process touches its mark about twice a second; one that has not done so for this long counts as gone. */
const goneAfterMs = 10_000;
const lookEveryMs = 100;
const pause = new Int32Array(new SharedArrayBuffer(4));

const elsewhere =
  "a process of another pid namespace has the session store open, whose locks tell processes apart by their pid: " +
  "let the containers share one pid namespace, or use Redis";

/**
 * A file that says that a process has the folder open: `use-<pid namespace>-<pid>-<random>`. LMDB knows the owners of its locks by
 * their pid alone, so that two containers, both of pid 1, would wait for each other for good: processes of one namespace only.
 */
export class Mark {
  readonly #dir: string;
  readonly #path: string;

  /** Waits a little for a mark that is not touched any more. Throws `session_store_unavailable` when another pid namespace is there. */
  constructor(dir: string, unsynced: boolean) {
    const prefix = unsynced ? usePrefix : syncedPrefix;
    this.#dir = dir;
    this.#path = join(dir, `${prefix}${processSpace()}-${process.pid}-${randomUUID().slice(0, 8)}`);
    this.#write();
    try {
      this.#waitUntilAlone();
    } catch (thrown) {
      this.remove();
      throw thrown;
    }
  }

  /** To be called again and again. Says why this process has to keep off the store, or null. */
  stay(): string | null {
    const at = touchedMs(this.#path);
    // It was stopped for so long that others had to take it for gone: they go first now.
    if ((at === null || !isFresh(at)) && livingElsewhere(this.#dir).size > 0) return elsewhere;
    this.#touch();
    return null;
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }

  #waitUntilAlone(): void {
    const first = livingElsewhere(this.#dir);
    for (let waitedMs = 0; waitedMs < 2 * goneAfterMs; waitedMs += lookEveryMs) {
      const living = livingElsewhere(this.#dir);
      if (living.size === 0) return;
      for (const [name, at] of living) if (first.get(name) !== at) throw new RemitError("session_store_unavailable", elsewhere);
      Atomics.wait(pause, 0, 0, lookEveryMs);
      // Else two that start at once would each take the other for gone.
      this.#touch();
    }
    throw new RemitError("session_store_unavailable", elsewhere);
  }

  #touch(): void {
    const now = new Date();
    try {
      utimesSync(this.#path, now, now);
    } catch (thrown) {
      if (codeOf(thrown) !== "ENOENT") throw thrown;
      this.#write();
    }
  }

  #write(): void {
    writeFileSync(this.#path, "");
    syncFolder(this.#dir);
  }
}

/** Marks of processes that write without waiting for the disk and have not left; null when there is no such folder. */
export function unsyncedMarks(dir: string): string[] | null {
  return marksOf(dir)?.filter((name) => name.startsWith(usePrefix)) ?? null;
}

/** Marks of processes that were killed. Those of another pid namespace cannot be asked for: their marks tell by when they were touched. */
export function deadMarks(dir: string): string[] {
  const space = processSpace();
  const living = livingElsewhere(dir);
  return (marksOf(dir) ?? []).filter((name) => {
    const [, inSpace, pid] = name.split("-");
    return inSpace === space ? !isRunning(Number(pid)) : !living.has(name);
  });
}

/** Marks of other pid namespaces that were touched of late, with the time (milliseconds since the epoch). */
function livingElsewhere(dir: string): Map<string, number> {
  const space = processSpace();
  const living = new Map<string, number>();
  for (const name of marksOf(dir) ?? []) {
    const at = name.split("-")[1] === space ? null : touchedMs(join(dir, name));
    if (at !== null && isFresh(at)) living.set(name, at);
  }
  return living;
}

/** A time far ahead says that the clock was set, and not that somebody lives. */
function isFresh(atMs: number): boolean {
  return Math.abs(Date.now() - atMs) <= goneAfterMs;
}

function touchedMs(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function marksOf(dir: string): string[] | null {
  try {
    return readdirSync(dir).filter((name) => name.startsWith(usePrefix) || name.startsWith(syncedPrefix));
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return null;
    throw thrown;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return codeOf(thrown) !== "ESRCH";
  }
}

/** Process ids mean something within one namespace only. */
function processSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
  } catch {
    return "0";
  }
}

export function syncFolder(dir: string): void {
  const handle = openSync(dir, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

export function codeOf(thrown: unknown): string {
  return typeof thrown === "object" && thrown !== null && "code" in thrown ? String(thrown.code) : "";
}
