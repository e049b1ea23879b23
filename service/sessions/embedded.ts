import type { ChangeResult, StateChange, StateQuery, StateSnapshot, StateStore } from "../decide/ports.ts";
import { describe, RemitError, toRemitError } from "../errors.ts";
import { applyChange, checkChange } from "./apply-change.ts";
import { sweepSlice, sweepStart } from "./embedded-expiry.ts";
import { EmbeddedFile } from "./embedded-file.ts";
import { enterHome, type Home, readBootId } from "./embedded-home.ts";
import { EmbeddedTenant, Records } from "./embedded-records.ts";
import { tenantKey } from "./tenant-key.ts";

export interface EmbeddedStoreOptions {
  /** A folder on a disk of this machine, for this store alone. */
  readonly path: string;
  /** Living limited documents of a tenant. */
  readonly docsMax: number;
  /** What a change that was answered survives: the end of any process, or a crash of the machine too. The latter waits for the disk. */
  readonly durability: "process" | "machine";
  /** Bytes in use above which nothing more is written until enough has expired; looked at once a second. */
  readonly bytesMax?: number;
  /** Told of what goes wrong in the background. */
  readonly onError?: (error: RemitError) => void;
  /** Names this run of the machine; asked of the system when left out, null: not known. */
  readonly bootId?: string | null;
}

const bytesMaxDefault = 4 * 2 ** 30;
/** What may be written before `bytesMax` is noticed. */
const spareBytes = 2 ** 30;
const sweepEveryMs = 500;
const sweepBusyMs = 20;
/** The clock of a request in flight may lag behind. */
const sweepSlackMs = 10_000;
const sizeCheckEvery = 2;
const readerCheckEvery = 120;

/**
 * State in a file of this machine (LMDB), shared by all its processes: each sees what the others have committed, and one that is killed
 * leaves nothing half done. Answers synchronously. Nothing that lives is ever removed. All processes must be of one pid namespace, since
 * LMDB tells the owners of its locks by their pid. How long it waits for the others has no bound: one that is stopped in the middle of a
 * change (SIGSTOP, a paused container) holds up every change until it goes on or is killed.
 */
export function createEmbeddedStore(options: EmbeddedStoreOptions): StateStore {
  const bootId = options.bootId === undefined ? readBootId() : options.bootId;
  // Where a crash cannot be told from an orderly end, every commit waits for the disk.
  const unsynced = options.durability === "process" && bootId !== null;
  const mapBytes = (options.bytesMax ?? bytesMaxDefault) + spareBytes;
  return guard("the session store cannot be opened", () => {
    const home = enterHome({ path: options.path, bootId, unsynced, nowMs: Date.now() });
    const file = new EmbeddedFile({ dir: home.dir, mapBytes, unsynced });
    return new EmbeddedStore(options, home, file);
  });
}

class EmbeddedStore implements StateStore {
  readonly lostAtMs: number | null;
  readonly #options: EmbeddedStoreOptions;
  readonly #home: Home;
  readonly #file: EmbeddedFile;
  readonly #records: Records;
  #timer: NodeJS.Timeout;
  #sweep = sweepStart;
  #sweeps = 0;
  /** Nothing may be written at the moment. */
  #isFull = false;
  /** Why the file may not even be looked at. */
  #away: string | null = null;
  #isClosed = false;

  constructor(options: EmbeddedStoreOptions, home: Home, file: EmbeddedFile) {
    this.#options = options;
    this.#home = home;
    this.#file = file;
    this.#records = new Records(file.db);
    this.lostAtMs = home.lostAtMs;
    this.#timer = this.#tickIn(sweepEveryMs);
  }

  read(tenant: string, { docs, counters, fields }: StateQuery, nowMs: number): StateSnapshot {
    return this.#run(() => {
      // Else it would read as of the beginning of this turn of the event loop, before what other processes have committed since.
      this.#file.db.resetReadTxn();
      const records = this.#records;
      const name = tenantKey(tenant);
      return {
        docs: docs.map((key) => records.doc(name, key, nowMs) ?? { version: 0, text: null }),
        counters: counters.map((key) => records.counter(name, key, nowMs)),
        fields: fields.map(({ owner, names }) => records.fields(name, owner, names, nowMs)),
      };
    });
  }

  change(tenant: string, change: StateChange, nowMs: number): ChangeResult {
    checkChange(change);
    return this.#run(() => {
      if (this.#isFull) throw new Error("`bytesMax` is reached");
      return this.#file.write(() => {
        const options = { tenant: tenantKey(tenant), docsMax: this.#options.docsMax, nowMs, id: this.#file.db.getWriteTxnId() };
        return applyChange(new EmbeddedTenant(this.#records, options), change, nowMs);
      });
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    // One that is killed while the file is being closed may have written what is not on the disk.
    const dead = guard("the session store cannot be closed", () => this.#home.dead());
    await this.#file.close();
    guard("the session store cannot be closed", () => this.#home.leave(dead));
  }

  #tickIn(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      try {
        this.#away = this.#stay();
        this.#run(() => this.#tick());
      } catch (thrown) {
        this.#options.onError?.(toRemitError(thrown));
      }
      if (!this.#isClosed) this.#timer = this.#tickIn(this.#sweep.busy ? sweepBusyMs : sweepEveryMs);
    }, delayMs).unref();
  }

  #stay(): string | null {
    try {
      return this.#home.stay();
    } catch (thrown) {
      return `others cannot see that the session store is open: ${describe(thrown)}`;
    }
  }

  #tick(): void {
    const { db } = this.#file;
    this.#sweeps++;
    // Pages that a killed process was reading could never be used again.
    if (this.#sweeps % readerCheckEvery === 0) db.readerCheck();
    if (this.#sweeps % sizeCheckEvery === 0) this.#isFull = this.#file.bytesInUse() > (this.#options.bytesMax ?? bytesMaxDefault);
    db.resetReadTxn();
    this.#sweep = sweepSlice(this.#file, this.#records, this.#sweep, Date.now() - sweepSlackMs);
  }

  #run<T>(work: () => T): T {
    if (this.#isClosed) throw new RemitError("session_store_unavailable", "the session store is closed");
    if (this.#away !== null) throw new RemitError("session_store_unavailable", this.#away);
    return guard("the session store failed", work);
  }
}

/** Whatever LMDB throws means that the store cannot answer. */
function guard<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof RemitError) throw thrown;
    throw new RemitError("session_store_unavailable", `${what}: ${describe(thrown)}`, { cause: thrown });
  }
}
