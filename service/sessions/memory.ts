import type { DocChange, FieldsChange, StateStore } from "../decide/ports.ts";
import { RemitError } from "../errors.ts";
import { applyChange, type CounterHead, checkChange, type DocHead, type Expiring, isLiving, type TenantRecords } from "./apply-change.ts";

/** `docsMax`: living limited documents of a tenant. */
export interface MemoryStoreOptions {
  readonly docsMax: number;
}

interface Doc extends DocHead {
  readonly text: string;
}

interface Owner extends Expiring {
  readonly values: Map<string, string>;
}

interface Tenant {
  readonly docs: Map<string, Doc>;
  readonly counters: Map<string, CounterHead>;
  readonly owners: Map<string, Owner>;
  /** How many of `docs` are limited. */
  limited: number;
}

/** Changes after which everything that has expired is forgotten. */
const purgeAfter = 1_000;

/** State in the memory of this process, for tests and for trying things out: others do not see it, and a restart forgets it. */
export function createMemoryStore(options: MemoryStoreOptions): StateStore {
  const tenants = new Map<string, Tenant>();
  let lastVersion = 0;
  let changes = 0;
  let closed = false;

  const check = (): void => {
    if (closed) throw new RemitError("session_store_unavailable", "the session store is closed");
  };
  return {
    lostAtMs: null,
    read(tenant, query, nowMs) {
      check();
      const { docs, counters, owners } = tenants.get(tenant) ?? emptyTenant();
      return {
        docs: query.docs.map((key) => {
          const doc = docs.get(key);
          return isLiving(doc, nowMs) ? { version: doc.version, text: doc.text } : { version: 0, text: null };
        }),
        counters: query.counters.map((key) => {
          const counter = counters.get(key);
          return isLiving(counter, nowMs) ? counter.value : 0;
        }),
        fields: query.fields.map(({ owner, names }) => {
          const found = owners.get(owner);
          return names.map((name) => (isLiving(found, nowMs) ? (found.values.get(name) ?? null) : null));
        }),
      };
    },
    change(tenant, change, nowMs) {
      check();
      checkChange(change);
      if (++changes % purgeAfter === 0) for (const each of tenants.values()) purge(each, nowMs);
      const state = tenants.get(tenant) ?? emptyTenant();
      tenants.set(tenant, state);
      return applyChange(recordsOf(state, { docsMax: options.docsMax, nowMs, version: ++lastVersion }), change, nowMs);
    },
    async close() {
      closed = true;
    },
  };
}

function emptyTenant(): Tenant {
  return { docs: new Map(), counters: new Map(), owners: new Map(), limited: 0 };
}

function recordsOf(state: Tenant, { docsMax, nowMs, version }: { docsMax: number; nowMs: number; version: number }): TenantRecords {
  return {
    docsMax,
    doc: (key) => state.docs.get(key) ?? null,
    counter: (key) => state.counters.get(key) ?? null,
    writeDoc({ key, text, expiresMs, limited }: DocChange, before) {
      state.limited += Number(limited && text !== null) - Number(before?.limited ?? false);
      if (text === null) state.docs.delete(key);
      else state.docs.set(key, { version, text, expiresMs, limited });
    },
    writeCounter: (key, value, expiresMs) => void state.counters.set(key, { value, expiresMs }),
    writeFields: (change) => writeFields(state, change, nowMs),
    limited: () => state.limited,
    makeRoom() {
      const before = state.limited;
      purge(state, nowMs);
      return state.limited < before;
    },
  };
}

function writeFields(state: Tenant, { owner, expiresMs, entries }: FieldsChange, nowMs: number): void {
  const found = state.owners.get(owner);
  const living = isLiving(found, nowMs) ? found : { expiresMs: 0, values: new Map<string, string>() };
  for (const { name, value, overwrite } of entries) if (overwrite || !living.values.has(name)) living.values.set(name, value);
  state.owners.set(owner, { values: living.values, expiresMs: Math.max(living.expiresMs, expiresMs) });
}

function purge(state: Tenant, nowMs: number): void {
  for (const things of [state.docs, state.counters, state.owners] as Map<string, Expiring>[])
    for (const [key, thing] of things) if (!isLiving(thing, nowMs)) things.delete(key);
  state.limited = [...state.docs.values()].filter((doc) => doc.limited).length;
}
