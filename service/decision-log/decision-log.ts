import type { DecisionLog } from "../decide/ports.ts";
import type { EventLog } from "../decide/session/events.ts";
import { RemitError } from "../errors.ts";
import { BatchWriter, type BatchWriterOptions } from "./batch-writer.ts";
import { maskPlain, maskRecord, type RecordMasker } from "./mask.ts";

export interface DecisionLogOptions extends BatchWriterOptions {
  readonly queueRecordsMax: number;
  readonly queueBytesMax: number;
  /** Policy masking (`system/log/mask`); the default masking always runs. */
  readonly policyMask: RecordMasker;
}

/** Records of decisions and of what happens to sessions as JSON Lines, masked before they are queued. */
export interface BatchedLog extends DecisionLog, EventLog {
  flush(): Promise<void>;
  /** Lets go of a rotated file. */
  reopen(): void;
  close(): Promise<void>;
}

/**
 * Never blocks the event loop per record and never drops: lines wait until every sink has taken them, in order. When the queue is
 * full, `write` throws `record_failed`, and the decision that could not be recorded does not count.
 */
export function createDecisionLog(options: DecisionLogOptions): BatchedLog {
  const writer = new BatchWriter(options);
  const checkRoom = (): void => {
    if (writer.records >= options.queueRecordsMax || writer.bytes >= options.queueBytesMax)
      throw new RemitError("record_failed", `the record queue is full with ${writer.records} records; see the errors of its sinks`);
  };
  return {
    write(record, policy) {
      checkRoom();
      const { policyMask } = options;
      const masked = "call" in record ? maskRecord(record, policyMask, policy) : maskPlain(record, policyMask, policy);
      writer.push(`${JSON.stringify(masked)}\n`);
    },
    checkRoom,
    writeEvent: (event, policy) => writer.push(`${JSON.stringify(maskPlain(event, options.policyMask, policy))}\n`),
    flush: () => writer.flush(),
    reopen() {
      for (const sink of options.sinks) sink.reopen();
    },
    async close() {
      await writer.flush();
      writer.flushSync();
      for (const sink of options.sinks) sink.close();
    },
  };
}
