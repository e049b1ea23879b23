import { closeSync, mkdirSync, openSync, write, writeSync } from "node:fs";
import { dirname } from "node:path";
import { describe, RemitError } from "../../errors.ts";
import type { Sink } from "../batch-writer.ts";

/** Appends to a file that only its owner can read: records hold what agents did for whom. */
export function createFileSink(path: string): Sink {
  let fd = open(path);
  return {
    write: (lines) => writeFully(fd, lines),
    writeSync: (lines) => writeFullySync(fd, lines),
    reopen() {
      const old = fd;
      fd = open(path);
      closeSync(old);
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

/** A short write is continued where it stopped, so that no line is cut or written twice. */
export async function writeFully(fd: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += await writeSome(fd, bytes, at);
}

function writeSome(fd: number, bytes: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, null, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
}

/** Synchronous twin of {@link writeFully}; a full pipe (EAGAIN) is tried again. */
export function writeFullySync(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSomeSync(fd, bytes, at);
}

function writeSomeSync(fd: number, bytes: Buffer, at: number): number {
  try {
    return writeSync(fd, bytes, at, bytes.length - at);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
    throw error;
  }
}
