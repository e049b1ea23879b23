import type { EmbeddedFile } from "./embedded-file.ts";
import { endingKeys, type Records, readHead } from "./embedded-records.ts";

/** Records looked at in one slice, which takes about a millisecond. */
const sliceRecords = 500;

const relistedAtOnce = 100;

export interface SweepState {
  /** Where the next slice begins. */
  readonly from: string;
  /** So much had ended that the next slice should come soon. */
  readonly busy: boolean;
}

export const sweepStart: SweepState = { from: endingKeys.start, busy: false };

/** Looks at the next few records and removes those that have ended by now: round and round, so that nothing need be listed by time. */
export function sweepSlice(file: EmbeddedFile, records: Records, state: SweepState, nowMs: number): SweepState {
  const ended: string[] = [];
  let last = "";
  let seen = 0;
  for (const { key, value } of file.db.getRange({ start: state.from, end: endingKeys.end, limit: sliceRecords })) {
    last = key;
    seen++;
    if (readHead(value as Buffer).expiresMs <= nowMs) ended.push(key);
  }
  if (ended.length > 0) file.write(() => removeAll(records, ended, nowMs));
  // Else a change that needs room might look through the list in vain.
  if (records.due(nowMs, 1).length > 0) file.write(() => records.makeRoom(nowMs, relistedAtOnce));
  // From the last one on again: of an owner with many fields only a part may be gone.
  const from = seen < sliceRecords ? endingKeys.start : last;
  return { from, busy: ended.length > sliceRecords / 10 };
}

function removeAll(records: Records, keys: readonly string[], nowMs: number): void {
  let left = sliceRecords;
  for (const key of keys) {
    if (left <= 0) return;
    left -= records.expire(key, nowMs, left);
  }
}
