import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { StateStore } from "../../service/decide/ports.ts";
import { adapters, type Backend, Probe } from "./state-stores.ts";

describe.each(adapters)("state store: $name", ({ available, start }) => {
  describe.skipIf(!available)("under many at once", () => {
    let backend: Backend;
    let handles: readonly StateStore[];
    let probes: readonly Probe[];
    let tenants = 0;

    beforeAll(async () => {
      backend = await start();
      handles = [await backend.open(), await backend.open()];
    });
    afterAll(() => backend?.stop());
    beforeEach(() => {
      const tenant = `tenant-${tenants++}`;
      probes = handles.map((store) => new Probe(store, tenant));
    });

    /** The same work many times at once, by turns over the handles. */
    async function atOnce<T>(times: number, work: (probe: Probe, n: number) => Promise<T>): Promise<T[]> {
      return await Promise.all(Array.from({ length: times }, (_, n) => work(probes[n % probes.length] ?? (probes[0] as Probe), n)));
    }

    it("lets a counter reach its limit exactly", async () => {
      const results = await atOnce(200, (probe) => probe.add("c", 1, { max: 37 }));
      expect(results.filter((result) => result === "done").length).toBe(37);
      expect(results.filter((result) => result === "over").length).toBe(163);
      for (const probe of probes) expect(await probe.counter("c")).toBe(37);
    });

    it("has one winner for each version", async () => {
      const winners: number[] = [];
      await atOnce(64, async (probe, n) => {
        for (;;) {
          const { version, text } = await probe.doc("a");
          const list = [...(JSON.parse(text ?? "[]") as number[]), n];
          const docs = [{ key: "a", version, text: JSON.stringify(list), expiresMs: probe.nowMs + 60_000, limited: true }];
          // All others run between reading and changing, in every store.
          await new Promise(setImmediate);
          if ((await probe.change({ docs })) !== "done") continue;
          winners.push(version);
          return;
        }
      });
      const written = JSON.parse((await (probes[1] as Probe).doc("a")).text ?? "[]") as number[];
      expect(written.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, n) => n));
      expect(new Set(winners).size).toBe(64);
    });

    it("shows no change in part", async () => {
      let writing = true;
      const write = async (probe: Probe): Promise<void> => {
        for (let n = 1; n <= 150; n++) {
          const { docs } = await probe.read({ docs: ["a", "b"] });
          const change = docs.map(({ version }, i) => ({
            key: i === 0 ? "a" : "b",
            version,
            text: String(n),
            expiresMs: probe.nowMs + 9,
            limited: false,
          }));
          const fields = [{ owner: "o", expiresMs: probe.nowMs + 9, entries: [{ name: "n", value: String(n), overwrite: true }] }];
          const counters = [{ key: "c", add: 1, max: null, expiresMs: probe.nowMs + 9 }];
          expect(await probe.change({ docs: change, counters, fields })).toBe("done");
        }
        writing = false;
      };
      const look = async (probe: Probe): Promise<void> => {
        while (writing) {
          const { docs, counters, fields } = await probe.read({
            docs: ["b", "a"],
            counters: ["c"],
            fields: [{ owner: "o", names: ["n"] }],
          });
          const numbers = [...docs.map(({ text }) => Number(text)), counters[0], Number(fields[0]?.[0])];
          expect(new Set(numbers).size).toBe(1);
          await new Promise(setImmediate);
        }
      };
      await Promise.all([write(probes[0] as Probe), look(probes[1] as Probe), look(probes[1] as Probe)]);
      expect(await (probes[1] as Probe).counter("c")).toBe(150);
    });

    it("never has more limited documents than there may be", async () => {
      const small = await Promise.all([backend.open(5), backend.open(5)]);
      const tenant = `tenant-${tenants++}`;
      probes = (handles[0] === handles[1] ? small.slice(0, 1) : small).map((store) => new Probe(store, tenant));
      const results = await atOnce(60, (probe, n) => probe.put(`key-${n}`, "x", { limited: true }));
      expect(results.filter((result) => result === "done").length).toBe(5);
      expect(results.filter((result) => result === "full").length).toBe(55);
    });
  });
});
