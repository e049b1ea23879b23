import { closeSync, mkdirSync, openSync, write, writeSync } from "node:fs";
import { dirname } from "node:path";
import { describe, RemitError } from "../../errors.ts";
import type { Sink } from "../batch-writer.ts";

/** Appends to a file that only its owner can read: records hold what agents did for whom. */
export function createFileSink(path: string): Sink {
  let fd = open(path);
  let stale = false;

  // Between two writes only: closing a descriptor that a write is using could hand its number, and our records, to a socket.
  const current = (): number => {
    if (!stale) return fd;
    const old = fd;
    fd = open(path);
    stale = false;
    closeSync(old);
    return fd;
  };

  return {
    write: async (lines) => writeSome(current(), lines),
    writeSync: (lines) => writeSomeSync(current(), lines),
    reopen() {
      stale = true;
    },
    close: () => closeSync(fd),
  };
}

function open(path: string): number {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return openSync(path, "a", 0o600);
  } catch (cause) {
    throw new RemitError("record_failed", `cannot open \`${path}\` for decision records: ${describe(cause)}`, { cause });
  }
}

function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

/** How long a full pipe is waited for at the end of the process. */
const fullPipeMsMax = 2000;

/** Writes some bytes; a full pipe (EAGAIN) is tried again for a while. */
export function writeSomeSync(fd: number, bytes: Buffer): number {
  for (const untilMs = Date.now() + fullPipeMsMax; ; ) {
    try {
      return writeSync(fd, bytes, 0, bytes.length);
    } catch (error) {
      const full = error instanceof Error && "code" in error && error.code === "EAGAIN";
      if (!full || Date.now() > untilMs) throw error;
    }
  }
}
