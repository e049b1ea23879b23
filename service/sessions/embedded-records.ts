import type { Database } from "lmdb";
import type { DocChange, FieldsChange } from "../decide/ports.ts";
import { type CounterHead, type DocHead, isLiving, type TenantRecords, textUnitsMax } from "./apply-change.ts";

/** Keys are text, values bytes. */
export type Db = Database<Uint8Array, string>;

/**
 * How a record begins, in 25 bytes: three numbers and one byte. A document's text follows.
 * `version`: of a document; the same number is the value of a counter, and the generation of an owner.
 * `listedMs`: where a limited document stands in the list of those that end. It is not listed anew each time its end moves later.
 */
export interface Head extends DocHead, CounterHead {
  readonly listedMs: number;
}

const headBytes = 25;
const tooShort = "a record is too short";
/** A UTF-16 unit takes at most three bytes. */
const scratchBytes = headBytes + 3 * textUnitsMax;

// One root database: the first character of a key says what it is. What ends by itself comes first, side by side.
const counterKey = (tenant: string, key: string): string => `c${tenant}/${key}`;
const docKey = (tenant: string, key: string): string => `d${tenant}/${key}`;
const ownerKey = (tenant: string, owner: string): string => `e${tenant}/${owner}`;
export const endingKeys = { start: "c", end: "f" };
/** The owner's length keeps owner and name apart. `owner`: the key of the owner. */
const fieldsPrefix = (owner: string): string => `f${owner.length}:${owner.slice(1)}:`;
const listKey = (timeMs: number, doc: string): string => `l${String(timeMs).padStart(timeDigits, "0")}${doc}`;
const limitedKey = (tenant: string): string => `n${tenant}`;
const timeDigits = 16;
/** After every character that a key can hold. */
const keysEnd = "\u{10ffff}";

/** The database on one side; on the other what its bytes mean. The caller holds the transaction. */
export class Records {
  readonly #db: Db;
  // One buffer for all that is written: LMDB copies it before `putSync` returns, and knows its address already.
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);

  constructor(db: Db) {
    this.#db = db;
  }

  /** Null unless there is a living document. */
  doc(tenant: string, key: string, nowMs: number): { version: number; text: string } | null {
    const bytes = this.#db.getBinaryFast(docKey(tenant, key));
    if (bytes === undefined) return null;
    if (bytes.length < headBytes) throw new Error(tooShort);
    return bytes.readDoubleLE(8) > nowMs ? { version: bytes.readDoubleLE(0), text: bytes.toString("utf8", headBytes, bytes.length) } : null;
  }

  counter(tenant: string, key: string, nowMs: number): number {
    const head = this.head(counterKey(tenant, key));
    return isLiving(head, nowMs) ? head.value : 0;
  }

  fields(tenant: string, owner: string, names: readonly string[], nowMs: number): (string | null)[] {
    const key = ownerKey(tenant, owner);
    const head = this.head(key);
    if (!isLiving(head, nowMs)) return names.map(() => null);
    const prefix = fieldsPrefix(key);
    return names.map((name) => this.#field(prefix + name, head.version));
  }

  head(key: string): Head | null {
    const bytes = this.#db.getBinaryFast(key);
    return bytes === undefined ? null : readHead(bytes);
  }

  /** Writes a record, and lists it only if it is limited and not listed for this time or an earlier one. */
  put(key: string, { version, expiresMs, limited }: DocHead, before: Head | null, text = ""): void {
    const listed = before?.limited ? before.listedMs : null;
    const stays = limited && listed !== null && listed <= expiresMs;
    if (listed !== null && !stays) this.#db.removeSync(listKey(listed, key));
    const listedMs = stays ? listed : expiresMs;
    this.#scratch.writeDoubleLE(version, 0);
    this.#scratch.writeDoubleLE(expiresMs, 8);
    this.#scratch.writeDoubleLE(listedMs, 16);
    this.#scratch[24] = Number(limited);
    this.#write(key, headBytes, text);
    if (limited && !stays) this.#list(listedMs, key);
  }

  /** Removes a record, and the document from the list. */
  remove(key: string, before: Head): void {
    if (before.limited) this.#db.removeSync(listKey(before.listedMs, key));
    this.#db.removeSync(key);
  }

  /** Sets fields of an owner; those of an earlier life of it are not its own. */
  putFields(tenant: string, { owner, expiresMs, entries }: FieldsChange, nowMs: number, id: number): void {
    const key = ownerKey(tenant, owner);
    const before = this.head(key);
    const living = isLiving(before, nowMs) ? before : null;
    if (living === null && expiresMs <= nowMs) return;
    const generation = living?.version ?? id;
    const prefix = fieldsPrefix(key);
    for (const { name, value, overwrite } of entries) {
      if (!overwrite && this.#field(prefix + name, generation) !== null) continue;
      this.#scratch.writeDoubleLE(generation, 0);
      this.#write(prefix + name, 8, value);
    }
    if (living === null || living.expiresMs < expiresMs) this.put(key, { version: generation, expiresMs, limited: false }, before);
  }

  limited(tenant: string): number {
    const bytes = this.#db.getBinaryFast(limitedKey(tenant));
    return bytes === undefined ? 0 : bytes.readDoubleLE(0);
  }

  addLimited(tenant: string, add: number): void {
    this.#scratch.writeDoubleLE(this.limited(tenant) + add, 0);
    this.#write(limitedKey(tenant), 8);
  }

  /** The first entries of the list of limited documents that were to have ended by now. */
  due(nowMs: number, entriesMax: number): string[] {
    return [...this.#db.getKeys({ start: listKey(0, ""), end: listKey(nowMs + 1, ""), limit: entriesMax })];
  }

  /** Removes limited documents that have ended, in order of time, and lists anew those that live longer; returns how many went. */
  makeRoom(nowMs: number, entriesMax: number): number {
    let removed = 0;
    for (const entry of this.due(nowMs, entriesMax)) {
      const key = entry.slice(1 + timeDigits);
      const head = this.head(key);
      if (head?.limited !== true || listKey(head.listedMs, key) !== entry) this.#db.removeSync(entry);
      else if (head.expiresMs > nowMs) this.#relist(key, head);
      else removed += this.expire(key, nowMs, 0);
    }
    return removed;
  }

  /**
   * Removes what has ended by now, with all that belongs to it; of an owner at most `fieldsMax` fields, and the owner with the last.
   * Returns how many records went.
   */
  expire(key: string, nowMs: number, fieldsMax: number): number {
    const head = this.head(key);
    if (head === null || head.expiresMs > nowMs) return 0;
    if (key.startsWith("e")) return this.#expireOwner(key, head, fieldsMax);
    this.remove(key, head);
    if (head.limited) this.addLimited(key.slice(1, key.indexOf("/")), -1);
    return 1;
  }

  #expireOwner(key: string, head: Head, fieldsMax: number): number {
    const prefix = fieldsPrefix(key);
    const fields = [...this.#db.getKeys({ start: prefix, end: prefix + keysEnd, limit: fieldsMax + 1 })];
    for (const field of fields.slice(0, fieldsMax)) this.#db.removeSync(field);
    if (fields.length <= fieldsMax) this.remove(key, head);
    return fields.length;
  }

  /** Null unless it was set in this life of its owner. */
  #field(key: string, generation: number): string | null {
    const bytes = this.#db.getBinaryFast(key);
    if (bytes === undefined || bytes.readDoubleLE(0) !== generation) return null;
    return bytes.toString("utf8", 8, bytes.length);
  }

  #relist(key: string, head: Head): void {
    const bytes = this.#db.getBinary(key);
    if (bytes === undefined) return;
    this.#db.removeSync(listKey(head.listedMs, key));
    bytes.writeDoubleLE(head.expiresMs, 16);
    this.#db.putSync(key, bytes);
    this.#list(head.expiresMs, key);
  }

  #list(timeMs: number, key: string): void {
    this.#scratch[0] = 1;
    this.#write(listKey(timeMs, key), 1);
  }

  #write(key: string, size: number, text = ""): void {
    const end = text === "" ? size : size + this.#scratch.write(text, size);
    this.#db.putSync(key, this.#scratch.subarray(0, end));
  }
}

export function readHead(bytes: Buffer): Head {
  if (bytes.length < headBytes) throw new Error(tooShort);
  const version = bytes.readDoubleLE(0);
  return { version, value: version, expiresMs: bytes.readDoubleLE(8), listedMs: bytes.readDoubleLE(16), limited: bytes[24] === 1 };
}

interface TenantOptions {
  /** As `tenantKey` gives it. */
  readonly tenant: string;
  readonly docsMax: number;
  readonly nowMs: number;
  /** Number of this transaction: never given twice, so it serves as version and as generation. */
  readonly id: number;
}

/** How much is looked through for room inside one change. */
const roomEntriesMax = 1_000;

/** One tenant's part, in the terms of `applyChange`. */
export class EmbeddedTenant implements TenantRecords<Head, Head> {
  readonly docsMax: number;
  readonly #records: Records;
  readonly #options: TenantOptions;

  constructor(records: Records, options: TenantOptions) {
    this.docsMax = options.docsMax;
    this.#records = records;
    this.#options = options;
  }

  doc(key: string): Head | null {
    return this.#records.head(docKey(this.#options.tenant, key));
  }

  counter(key: string): Head | null {
    return this.#records.head(counterKey(this.#options.tenant, key));
  }

  limited(): number {
    return this.#records.limited(this.#options.tenant);
  }

  makeRoom(): boolean {
    return this.#records.makeRoom(this.#options.nowMs, roomEntriesMax) > 0;
  }

  writeDoc({ key, text, expiresMs, limited }: DocChange, before: Head | null): void {
    const { tenant, id } = this.#options;
    const stored = docKey(tenant, key);
    const growth = Number(limited && text !== null) - Number(before?.limited ?? false);
    if (growth !== 0) this.#records.addLimited(tenant, growth);
    if (text !== null) this.#records.put(stored, { version: id, expiresMs, limited }, before, text);
    else if (before !== null) this.#records.remove(stored, before);
  }

  writeCounter(key: string, value: number, expiresMs: number, before: Head | null): void {
    this.#records.put(counterKey(this.#options.tenant, key), { version: value, expiresMs, limited: false }, before);
  }

  writeFields(change: FieldsChange): void {
    this.#records.putFields(this.#options.tenant, change, this.#options.nowMs, this.#options.id);
  }
}
