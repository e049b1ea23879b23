import type { Sink } from "../batch-writer.ts";
import { writeFullySync } from "./file.ts";

/** Lines to standard output, apart from the operational log, which goes to standard error. */
export function createStdoutSink(): Sink {
  return {
    write: (lines) =>
      new Promise((resolve, reject) => {
        process.stdout.write(lines, (error) => (error === null || error === undefined ? resolve() : reject(error)));
      }),
    writeSync: (lines) => writeFullySync(1, lines),
    reopen: () => undefined,
    close: () => undefined,
  };
}
