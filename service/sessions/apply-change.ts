import type { ChangeResult, CounterChange, DocChange, FieldsChange, StateChange } from "../decide/ports.ts";
import { RemitError } from "../errors.ts";

/** Anything that ends: from `expiresMs` on it does not exist, even while it is still stored. */
export interface Expiring {
  readonly expiresMs: number;
}

export interface DocHead extends Expiring {
  readonly version: number;
  readonly limited: boolean;
}

export interface CounterHead extends Expiring {
  readonly value: number;
}

/** What is stored for one tenant, expired things included, while nobody else changes it. */
export interface TenantRecords<D extends DocHead = DocHead, C extends CounterHead = CounterHead> {
  doc(key: string): D | null;
  counter(key: string): C | null;
  /** `before`: what `doc` answered. A null text removes it. */
  writeDoc(change: DocChange, before: D | null): void;
  writeCounter(key: string, value: number, expiresMs: number, before: C | null): void;
  writeFields(change: FieldsChange): void;
  /** Limited documents that are stored, and how many may be. */
  limited(): number;
  readonly docsMax: number;
  /** Removes expired limited documents; false when there was nothing to remove. */
  makeRoom(): boolean;
}

interface DocStep<D> {
  readonly change: DocChange;
  readonly before: D | null;
}

interface CounterStep<C> {
  readonly before: C | null;
  value: number;
  expiresMs: number;
}

/** Checks everything, then writes everything: whatever is not `done` has written nothing. The same rules as the Redis script. */
export function applyChange<D extends DocHead, C extends CounterHead>(
  records: TenantRecords<D, C>,
  change: StateChange,
  nowMs: number,
): ChangeResult {
  const result = tryChange(records, change, nowMs);
  return result === "full" && records.makeRoom() ? tryChange(records, change, nowMs) : result;
}

function tryChange<D extends DocHead, C extends CounterHead>(
  records: TenantRecords<D, C>,
  change: StateChange,
  nowMs: number,
): ChangeResult {
  const docs = docSteps(records, change.docs, nowMs);
  if (docs === null) return "conflict";
  const counters = counterSteps(records, change.counters, nowMs);
  if (counters === null) return "over";
  let growth = 0;
  for (const step of docs) growth += growthOf(step, nowMs);
  if (growth > 0 && records.limited() + growth > records.docsMax) return "full";
  for (const { change: doc, before } of docs) records.writeDoc(doc.expiresMs > nowMs ? doc : { ...doc, text: null }, before);
  for (const [key, { value, expiresMs, before }] of counters) records.writeCounter(key, value, expiresMs, before);
  for (const fields of change.fields) records.writeFields(fields);
  return "done";
}

/** Null when a version differs, or a document is named twice: the second of them would overwrite the first unseen. */
function docSteps<D extends DocHead>(
  records: TenantRecords<D, CounterHead>,
  changes: readonly DocChange[],
  nowMs: number,
): DocStep<D>[] | null {
  const steps: DocStep<D>[] = [];
  for (const change of changes) {
    const before = records.doc(change.key);
    const version = isLiving(before, nowMs) ? before.version : 0;
    if (version !== change.version || steps.some((step) => step.change.key === change.key)) return null;
    steps.push({ change, before });
  }
  return steps;
}

/** Steps of one counter add up in their order. Null when one passes its limit; a step down never does. */
function counterSteps<C extends CounterHead>(
  records: TenantRecords<DocHead, C>,
  changes: readonly CounterChange[],
  nowMs: number,
): Map<string, CounterStep<C>> | null {
  const steps = new Map<string, CounterStep<C>>();
  for (const { key, add, max, expiresMs } of changes) {
    const step = steps.get(key) ?? firstStep(records.counter(key), nowMs);
    const value = step.value + add;
    if (add > 0 && value > (max ?? Number.MAX_SAFE_INTEGER)) return null;
    step.value = Math.max(0, value);
    step.expiresMs = Math.max(step.expiresMs, expiresMs);
    steps.set(key, step);
  }
  return steps;
}

function firstStep<C extends CounterHead>(before: C | null, nowMs: number): CounterStep<C> {
  return isLiving(before, nowMs) ? { before, value: before.value, expiresMs: before.expiresMs } : { before, value: 0, expiresMs: 0 };
}

function growthOf({ change, before }: DocStep<DocHead>, nowMs: number): number {
  const after = change.limited && change.text !== null && change.expiresMs > nowMs;
  return Number(after) - Number(before?.limited ?? false);
}

export function isLiving<T extends Expiring>(thing: T | null | undefined, nowMs: number): thing is T {
  return thing !== null && thing !== undefined && thing.expiresMs > nowMs;
}

export const textUnitsMax = 65_536;

/**
 * Throws `internal` before anything is touched. A number that is not whole (NaN above all) would pass every limit from then on, and a
 * text without bound would make everybody wait.
 */
export function checkChange({ docs, counters, fields }: StateChange): void {
  for (const { version, expiresMs, text } of docs) {
    checkWhole(version);
    checkWhole(expiresMs);
    if (text !== null && text.length > textUnitsMax)
      throw new RemitError("internal", `a document of the session state is longer than ${textUnitsMax} characters`);
  }
  for (const { add, max, expiresMs } of counters) {
    checkWhole(add);
    checkWhole(max ?? 0);
    checkWhole(expiresMs);
  }
  for (const { expiresMs } of fields) checkWhole(expiresMs);
}

function checkWhole(value: number): void {
  if (!Number.isSafeInteger(value)) throw new RemitError("internal", "a change of the session state holds a number that is not whole");
}
