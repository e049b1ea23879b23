import type { Sink } from "../batch-writer.ts";
import { writeSomeSync } from "./file.ts";

/** Lines to standard output, apart from the operational log, which goes to standard error. */
export function createStdoutSink(): Sink {
  // A reader that goes away is reported by the write that fails, and must not end the service.
  process.stdout.on("error", () => undefined);
  return {
    write: (lines) =>
      new Promise((resolve, reject) => {
        process.stdout.write(lines, (error) => (error === null || error === undefined ? resolve(lines.length) : reject(error)));
      }),
    writeSync: (lines) => writeSomeSync(1, lines),
    reopen: () => undefined,
    close: () => undefined,
  };
}
