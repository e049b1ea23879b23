/**
 * Where lines go. Both write some of the bytes, from their start, and give how many the kernel took; `writeSync` is for the exit of
 * the process.
 */
export interface Sink {
  write(lines: Buffer): Promise<number>;
  writeSync(lines: Buffer): number;
  /** Opens anew, so that a rotated file is let go. */
  reopen(): void;
  close(): void;
}

export interface BatchWriterOptions {
  readonly sinks: readonly Sink[];
  readonly flushMs: number;
  readonly onWritten: (records: number, bytes: number) => void;
  readonly onPending: (records: number) => void;
  readonly onError: (error: unknown) => void;
}

interface Batch {
  readonly bytes: Buffer;
  readonly records: number;
  /** What each sink has not taken yet: a retry goes on where it stopped, so that no line is cut or written twice. */
  readonly left: Map<Sink, Buffer>;
}

/** Milliseconds until a batch that a sink refused is tried again. */
const retryMs = 1000;

/** Writes lines in batches, one batch at a time, in order; a batch stays until every sink has taken it. */
export class BatchWriter {
  readonly #options: BatchWriterOptions;
  #queue: string[] = [];
  #batch: Batch | undefined;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failed = false;
  #bytes = 0;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  get records(): number {
    return this.#queue.length + (this.#batch?.records ?? 0);
  }

  /** Characters and bytes that wait, whichever is known. */
  get bytes(): number {
    return this.#bytes + (this.#batch?.bytes.length ?? 0);
  }

  push(line: string): void {
    this.#queue.push(line);
    this.#bytes += line.length;
    if (this.#writing === undefined) this.#schedule(this.#options.flushMs);
  }

  /** Resolves when everything pushed so far was written or a sink refused it. */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.records > 0) await this.#run();
  }

  /** Writes what is left; throws what the sink throws. */
  flushSync(): void {
    clearTimeout(this.#timer);
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      for (const [sink, rest] of next.left) take(next, sink, sink.writeSync(rest));
      if (next.left.size === 0) this.#done(next);
    }
  }

  #schedule(ms: number): void {
    this.#timer ??= setTimeout(() => void this.#run(), ms).unref();
  }

  #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.records > 0) this.#schedule(this.#failed ? retryMs : this.#options.flushMs);
    });
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    this.#failed = false;
    try {
      for (let next = this.#take(); next !== undefined; next = this.#take()) await this.#writeBatch(next);
    } catch (error) {
      this.#failed = true;
      this.#options.onError(error);
    }
  }

  async #writeBatch(batch: Batch): Promise<void> {
    while (batch.left.size > 0) for (const [sink, rest] of batch.left) take(batch, sink, await sink.write(rest));
    this.#done(batch);
  }

  #take(): Batch | undefined {
    if (this.#batch !== undefined || this.#queue.length === 0) return this.#batch;
    const bytes = Buffer.from(this.#queue.join(""), "utf8");
    this.#batch = { bytes, records: this.#queue.length, left: new Map(this.#options.sinks.map((sink) => [sink, bytes])) };
    this.#queue = [];
    this.#bytes = 0;
    return this.#batch;
  }

  #done(batch: Batch): void {
    this.#batch = undefined;
    this.#options.onWritten(batch.records, batch.bytes.length);
    this.#options.onPending(this.records);
  }
}

/** Notes that a sink took some bytes of a batch. */
function take(batch: Batch, sink: Sink, written: number): void {
  const rest = batch.left.get(sink)?.subarray(written);
  if (rest === undefined || rest.length === 0) batch.left.delete(sink);
  else batch.left.set(sink, rest);
}
