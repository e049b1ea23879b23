import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChangeResult, StateChange, StateStore } from "../../service/decide/ports.ts";
import { adapters, type Backend, baseMs, none } from "./state-stores.ts";

const docKeys = ["a", "b", "c", "d"];
const counterKeys = ["c", "d"];
const owners = ["o", "p"];
const names = ["n", "m"];
const docsMax = 2;

/** `from`: the version it is changed from is the present one, zero, or wrong. */
const doc = fc.record({
  key: fc.constantFrom(...docKeys),
  from: fc.constantFrom("present", "present", "present", "present", "present", "zero", "wrong"),
  text: fc.option(fc.string({ unit: "binary", maxLength: 12 }), { freq: 4 }),
  livesMs: fc.integer({ min: -1, max: 9 }),
  limited: fc.constantFrom(true, true, false),
});
const counter = fc.record({
  key: fc.constantFrom(...counterKeys),
  add: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: -3, max: 3 }) }, { weight: 1, arbitrary: fc.maxSafeInteger() }),
  max: fc.option(fc.integer({ min: 0, max: 5 }), { freq: 3 }),
  livesMs: fc.integer({ min: -1, max: 6 }),
});
const entry = fc.record({ name: fc.constantFrom(...names), value: fc.string({ maxLength: 4 }), overwrite: fc.boolean() });
const fields = fc.record({
  owner: fc.constantFrom(...owners),
  entries: fc.array(entry, { maxLength: 3 }),
  livesMs: fc.integer({ min: -1, max: 6 }),
});
const lists = {
  docs: fc.oneof(
    { weight: 5, arbitrary: fc.uniqueArray(doc, { maxLength: 3, selector: ({ key }) => key }) },
    { weight: 1, arbitrary: fc.array(doc, { maxLength: 2 }) },
  ),
  counters: fc.array(counter, { maxLength: 3 }),
  fields: fc.array(fields, { maxLength: 2 }),
};
const nothing = fc.constant([]);
const passMs = fc.constantFrom(0, 0, 1, 3);
// A conflict hides what comes after it: so some steps change one kind of thing only.
const step = fc.oneof(
  fc.record({ passMs, ...lists }),
  fc.record({ passMs, ...lists, counters: nothing, fields: nothing }),
  fc.record({ passMs, ...lists, docs: nothing }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Model {
  docs: Map<string, { version: number; text: string; expiresMs: number; limited: boolean }>;
  counters: Map<string, { value: number; expiresMs: number }>;
  owners: Map<string, { values: Map<string, string>; expiresMs: number }>;
}

type Result = { result: ChangeResult; after: Model };

/** The contract in the plainest words: what has expired is thrown away first, then a copy is changed and kept if nothing objects. */
function applied(before: Model, change: StateChange, nowMs: number): Result {
  const after = structuredClone(before);
  const result =
    changeDocs(after, change.docs, nowMs) ?? changeCounters(after, change.counters) ?? (isFull(before, after) ? "full" : "done");
  if (result !== "done") return { result, after: before };
  for (const { owner, expiresMs, entries } of change.fields) {
    const found = after.owners.get(owner) ?? { values: new Map<string, string>(), expiresMs: 0 };
    for (const { name, value, overwrite } of entries) if (overwrite || !found.values.has(name)) found.values.set(name, value);
    after.owners.set(owner, { values: found.values, expiresMs: Math.max(found.expiresMs, expiresMs) });
    // Expired at once: what comes later in the same change starts anew.
    expire(after, nowMs);
  }
  return { result, after };
}

function changeDocs({ docs }: Model, changes: StateChange["docs"], nowMs: number): "conflict" | null {
  const before = new Map(docs);
  if (new Set(changes.map(({ key }) => key)).size < changes.length) return "conflict";
  for (const { key, version, text, expiresMs, limited } of changes) {
    if ((before.get(key)?.version ?? 0) !== version) return "conflict";
    docs.delete(key);
    if (text !== null && expiresMs > nowMs) docs.set(key, { version: Number.NaN, text, expiresMs, limited });
  }
  return null;
}

function changeCounters({ counters }: Model, changes: StateChange["counters"]): "over" | null {
  for (const { key, add, max, expiresMs } of changes) {
    const found = counters.get(key) ?? { value: 0, expiresMs: 0 };
    const value = found.value + add;
    if (add > 0 && value > (max ?? Number.MAX_SAFE_INTEGER)) return "over";
    counters.set(key, { value: Math.max(0, value), expiresMs: Math.max(found.expiresMs, expiresMs) });
  }
  return null;
}

function isFull(before: Model, after: Model): boolean {
  const limited = (model: Model) => [...model.docs.values()].filter((each) => each.limited).length;
  return limited(after) > limited(before) && limited(after) > docsMax;
}

function expire(model: Model, nowMs: number): void {
  for (const things of [model.docs, model.counters, model.owners] as Map<string, { expiresMs: number }>[])
    for (const [key, { expiresMs }] of things) if (expiresMs <= nowMs) things.delete(key);
}

function changeOf(model: Model, { docs, counters, fields: owned }: Step, nowMs: number): StateChange {
  const versions = (key: string) => ({
    present: model.docs.get(key)?.version ?? 0,
    zero: 0,
    wrong: (model.docs.get(key)?.version ?? 0) + 1,
  });
  return {
    docs: docs.map(({ from, livesMs, ...rest }) => ({
      ...rest,
      version: versions(rest.key)[from as "present"],
      expiresMs: nowMs + livesMs,
    })),
    counters: counters.map(({ livesMs, ...rest }) => ({ ...rest, expiresMs: nowMs + livesMs })),
    fields: owned.map(({ livesMs, ...rest }) => ({ ...rest, expiresMs: nowMs + livesMs })),
  };
}

describe.each(adapters)("state store: $name", ({ available, synchronous, start }) => {
  describe.skipIf(!available)("beside a plain model", () => {
    let backend: Backend;
    let store: StateStore;
    let tenants = 0;
    const seen = new Map<ChangeResult, number>();

    beforeAll(async () => {
      backend = await start();
      store = await backend.open(docsMax);
    });
    afterAll(() => backend?.stop());

    /** Takes the versions that the store gave to what was changed, which must be larger than all before. */
    function learn(model: Model, found: Map<string, number>, last: number): number {
      let largest = last;
      for (const [key, each] of model.docs) {
        if (!Number.isNaN(each.version)) continue;
        each.version = found.get(key) ?? 0;
        expect(each.version).toBeGreaterThan(last);
        largest = Math.max(largest, each.version);
      }
      return largest;
    }

    async function follow(steps: readonly Step[]): Promise<void> {
      const tenant = `tenant-${tenants++}`;
      let model: Model = { docs: new Map(), counters: new Map(), owners: new Map() };
      let nowMs = baseMs;
      let last = 0;
      for (const each of steps) {
        nowMs += each.passMs;
        expire(model, nowMs);
        const change = changeOf(model, each, nowMs);
        const { result, after } = applied(model, change, nowMs);
        expect(await store.change(tenant, { ...none, ...change }, nowMs)).toBe(result);
        seen.set(result, (seen.get(result) ?? 0) + 1);
        model = after;
        expire(model, nowMs);
        const snapshot = await store.read(
          tenant,
          { docs: docKeys, counters: counterKeys, fields: owners.map((owner) => ({ owner, names })) },
          nowMs,
        );
        last = learn(model, new Map(docKeys.map((key, i) => [key, snapshot.docs[i]?.version ?? 0])), last);
        expect(snapshot).toEqual({
          docs: docKeys.map((key) => ({ version: model.docs.get(key)?.version ?? 0, text: model.docs.get(key)?.text ?? null })),
          counters: counterKeys.map((key) => model.counters.get(key)?.value ?? 0),
          fields: owners.map((owner) => names.map((name) => model.owners.get(owner)?.values.get(name) ?? null)),
        });
      }
    }

    it("gives the same answers to whatever is asked of it", async () => {
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25, size: "max" }), follow), {
        numRuns: synchronous ? 400 : 150,
      });
      for (const result of ["done", "conflict", "over", "full"] as const) expect(seen.get(result) ?? 0, result).toBeGreaterThan(0);
    });
  });
});
