import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ChangeResult, StateChange, StateSnapshot, StateStore } from "../../service/decide/ports.ts";
import { createEmbeddedStore } from "../../service/sessions/embedded.ts";
import { createMemoryStore } from "../../service/sessions/memory.ts";
import { createRedisStore } from "../../service/sessions/redis.ts";
import { eventually } from "../helpers/prometheus.ts";
import { hasRedis, type RedisServer, startRedis } from "../helpers/redis.ts";

/** Where one kind of store keeps its state, and handles to it. */
export interface Backend {
  /** Another handle to the same state; the memory store has only one, whatever its limit. */
  open(docsMax?: number): Promise<StateStore>;
  stop(): Promise<void>;
}

export interface Adapter {
  readonly name: string;
  readonly available: boolean;
  /** Answers without a promise. */
  readonly synchronous: boolean;
  start(): Promise<Backend>;
}

const docsMaxDefault = 100_000;

export const adapters: readonly Adapter[] = [
  { name: "memory", available: true, synchronous: true, start: startMemory },
  { name: "embedded, durable to process", available: true, synchronous: true, start: () => startEmbedded("process") },
  { name: "embedded, durable to machine", available: true, synchronous: true, start: () => startEmbedded("machine") },
  { name: "redis", available: hasRedis, synchronous: false, start: () => startOnRedis(false) },
  { name: "redis cluster", available: hasRedis, synchronous: false, start: () => startOnRedis(true) },
];

async function startMemory(): Promise<Backend> {
  const shared = createMemoryStore({ docsMax: docsMaxDefault });
  return { open: async (docsMax) => (docsMax === undefined ? shared : createMemoryStore({ docsMax })), stop: async () => undefined };
}

async function startEmbedded(durability: "process" | "machine"): Promise<Backend> {
  const path = mkdtempSync(join(tmpdir(), "remit-state-"));
  const opened: StateStore[] = [];
  return {
    async open(docsMax = docsMaxDefault) {
      const store = createEmbeddedStore({ path, docsMax, durability });
      opened.push(store);
      return store;
    },
    async stop() {
      for (const store of opened) await store.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

async function startOnRedis(cluster: boolean): Promise<Backend> {
  const server = await startRedis({ cluster });
  const opened: StateStore[] = [];
  return {
    async open(docsMax = docsMaxDefault) {
      const store = await openRedis(server, { cluster, docsMax });
      opened.push(store);
      return store;
    },
    async stop() {
      for (const store of opened) await store.close();
      await server.stop();
    },
  };
}

/** A store on a server of the tests, once it answers. */
export async function openRedis(
  { url }: Pick<RedisServer, "url">,
  options: Partial<Parameters<typeof createRedisStore>[0]> = {},
): Promise<StateStore> {
  // Tests share the machine: whether it is quick is not what they ask.
  const store = createRedisStore({ nodes: [url], prefix: "test:", docsMax: docsMaxDefault, commandTimeoutMs: 5_000, ...options });
  await available(store);
  return store;
}

export async function available(store: StateStore): Promise<void> {
  await eventually(
    "the store answers",
    async () => (await store.read("-", { docs: ["-"], counters: [], fields: [] }, 0)).docs.length === 1,
    10_000,
  );
}

/** Ahead of any real clock: what the tests let expire must not be swept or removed by a clock of the store's own. */
export const baseMs = Date.now() + 86_400_000;

export const none: StateChange = { docs: [], counters: [], fields: [] };

/** One tenant of a store at one moment, with short forms of what is asked of it. */
export class Probe {
  readonly store: StateStore;
  readonly tenant: string;
  nowMs = baseMs;

  constructor(store: StateStore, tenant: string) {
    this.store = store;
    this.tenant = tenant;
  }

  async change(change: Partial<StateChange>): Promise<ChangeResult> {
    return await this.store.change(this.tenant, { ...none, ...change }, this.nowMs);
  }

  async read(query: Partial<Parameters<StateStore["read"]>[1]>): Promise<StateSnapshot> {
    return await this.store.read(this.tenant, { docs: [], counters: [], fields: [], ...query }, this.nowMs);
  }

  async doc(key: string): Promise<{ version: number; text: string | null }> {
    return (await this.read({ docs: [key] })).docs[0] ?? { version: -1, text: "no answer" };
  }

  async counter(key: string): Promise<number> {
    return (await this.read({ counters: [key] })).counters[0] ?? -1;
  }

  async fields(owner: string, ...names: string[]): Promise<readonly (string | null)[]> {
    return (await this.read({ fields: [{ owner, names }] })).fields[0] ?? [];
  }

  /** Writes a document over whatever version it has. */
  async put(key: string, text: string | null, more: { livesMs?: number; limited?: boolean } = {}): Promise<ChangeResult> {
    const { livesMs = 60_000, limited = false } = more;
    return await this.change({ docs: [{ key, version: (await this.doc(key)).version, text, expiresMs: this.nowMs + livesMs, limited }] });
  }

  async add(key: string, add: number, more: { max?: number; livesMs?: number } = {}): Promise<ChangeResult> {
    const { max = null, livesMs = 60_000 } = more;
    return await this.change({ counters: [{ key, add, max, expiresMs: this.nowMs + livesMs }] });
  }

  async set(owner: string, values: Record<string, string>, more: { overwrite?: boolean; livesMs?: number } = {}): Promise<ChangeResult> {
    const { overwrite = false, livesMs = 60_000 } = more;
    const entries = Object.entries(values).map(([name, value]) => ({ name, value, overwrite }));
    return await this.change({ fields: [{ owner, expiresMs: this.nowMs + livesMs, entries }] });
  }
}
