import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { StateStore } from "../../service/decide/ports.ts";
import { adapters, type Backend, Probe } from "./state-stores.ts";

describe.each(adapters)("state store: $name", ({ available, synchronous, start }) => {
  describe.skipIf(!available)("as its contract says", () => {
    let backend: Backend;
    let store: StateStore;
    let one: Probe;
    let tenants = 0;

    beforeAll(async () => {
      backend = await start();
      store = await backend.open();
    });
    afterAll(() => backend?.stop());
    beforeEach(() => {
      one = new Probe(store, `tenant-${tenants++}`);
    });

    it("knows nothing at first", async () => {
      const query = { docs: ["a", "b"], counters: ["c"], fields: [{ owner: "o", names: ["n", "m"] }] };
      const nothing = { version: 0, text: null };
      expect(await one.read(query)).toEqual({ docs: [nothing, nothing], counters: [0], fields: [[null, null]] });
      expect(await one.read({})).toEqual({ docs: [], counters: [], fields: [] });
      expect(await one.change({})).toBe("done");
      expect(store.lostAtMs).toBeNull();
    });

    if (synchronous)
      it("answers in the same step", () => {
        expect(store.read("t", { docs: ["a"], counters: [], fields: [] }, 1)).not.toBeInstanceOf(Promise);
        expect(store.change("t", { docs: [], counters: [], fields: [] }, 1)).toBe("done");
      });

    it.each([
      ["", "empty"],
      ['{"a":"ü€😀\u0000\u2028"}', "unicode"],
      ["x".repeat(65_536), "64 KiB"],
      ["€".repeat(65_536), "as long as can be"],
      ["1 2 1 =x", "like its own form"],
    ])("gives back a text: %#, %s", async (text) => {
      expect(await one.put("a", text)).toBe("done");
      expect((await one.doc("a")).text).toBe(text);
    });

    it("answers in the order asked, all kinds at once", async () => {
      const expiresMs = one.nowMs + 10;
      const doc = (key: string) => ({ key, version: 0, text: `text of ${key}`, expiresMs, limited: key === "b" });
      const counter = (key: string, add: number) => ({ key, add, max: null, expiresMs });
      const entry = (name: string) => ({ name, value: `value of ${name}`, overwrite: false });
      const fields = ["o", "p"].map((owner) => ({ owner, expiresMs, entries: [entry("n"), entry("m")] }));
      expect(await one.change({ docs: [doc("a"), doc("b")], counters: [counter("c", 3), counter("d", 4)], fields })).toBe("done");
      const { docs, ...rest } = await one.read({
        docs: ["b", "x", "a"],
        counters: ["d", "x", "c"],
        fields: [
          { owner: "p", names: ["m", "x", "n"] },
          { owner: "x", names: ["n"] },
          { owner: "o", names: [] },
        ],
      });
      expect(docs.map(({ text }) => text)).toEqual(["text of b", null, "text of a"]);
      expect(rest).toEqual({ counters: [4, 0, 3], fields: [["value of m", null, "value of n"], [null], []] });
    });

    describe("documents", () => {
      it("have versions that only grow, over removal and expiry", async () => {
        const seen: number[] = [];
        const steps = ["a", "b", null, "c", "d"];
        for (const text of steps) {
          expect(await one.put("a", text, { livesMs: 5 })).toBe("done");
          const { version } = await one.doc("a");
          if (text === null) expect(version).toBe(0);
          else seen.push(version);
        }
        one.nowMs += 5;
        expect(await one.doc("a")).toEqual({ version: 0, text: null });
        await one.put("a", "e");
        seen.push((await one.doc("a")).version);
        expect(seen.every((version, i) => Number.isSafeInteger(version) && version > (seen[i - 1] ?? 0))).toBe(true);
      });

      it("keep to the version they are changed from", async () => {
        await one.put("a", "first");
        const { version } = await one.doc("a");
        const change = (from: number) =>
          one.change({ docs: [{ key: "a", version: from, text: "x", expiresMs: one.nowMs + 9, limited: false }] });
        for (const wrong of [0, version - 1, version + 1]) if (wrong !== version) expect(await change(wrong)).toBe("conflict");
        expect(await one.change({ docs: [{ key: "none", version, text: "x", expiresMs: one.nowMs + 9, limited: false }] })).toBe(
          "conflict",
        );
        expect((await one.doc("a")).text).toBe("first");
        expect(await change(version)).toBe("done");
        expect(await change(version)).toBe("conflict");
      });

      it("conflict with themselves in one change", async () => {
        const doc = { key: "a", version: 0, text: "x", expiresMs: one.nowMs + 9, limited: true };
        expect(await one.change({ docs: [doc, { ...doc, text: "y" }] })).toBe("conflict");
        expect(await one.doc("a")).toEqual({ version: 0, text: null });
      });

      it("are gone at once when they are removed, or written as expired", async () => {
        for (const end of [() => one.put("a", null), () => one.put("a", "late", { livesMs: 0 })]) {
          await one.put("a", "x");
          expect(await end()).toBe("done");
          expect(await one.doc("a")).toEqual({ version: 0, text: null });
        }
        expect(await one.put("never", null)).toBe("done");
      });
    });

    describe("counters", () => {
      it("stop at their limit, and at zero", async () => {
        expect(await one.add("c", 3, { max: 5 })).toBe("done");
        expect(await one.add("c", 3, { max: 5 })).toBe("over");
        expect(await one.counter("c")).toBe(3);
        expect(await one.add("c", 2, { max: 5 })).toBe("done");
        expect(await one.add("c", -9)).toBe("done");
        expect(await one.counter("c")).toBe(0);
        expect(await one.add("c", 1, { max: 0 })).toBe("over");
        expect(await one.add("none", -1)).toBe("done");
        expect(await one.counter("none")).toBe(0);
      });

      it("can be given back although they are above a limit that was lowered", async () => {
        await one.add("c", 9);
        expect(await one.add("c", -2, { max: 3 })).toBe("done");
        expect(await one.add("c", 0, { max: 3 })).toBe("done");
        expect(await one.counter("c")).toBe(7);
      });

      it("count exactly up to the largest whole number, and not beyond", async () => {
        const large = Number.MAX_SAFE_INTEGER - 1;
        expect(await one.add("c", large)).toBe("done");
        expect(await one.add("c", 1)).toBe("done");
        expect(await one.counter("c")).toBe(Number.MAX_SAFE_INTEGER);
        expect(await one.add("c", 1)).toBe("over");
        expect(await one.add("c", -large)).toBe("done");
        expect(await one.counter("c")).toBe(1);
      });

      it("take several steps of one change in their order", async () => {
        const step = (add: number, max: number | null = null) => ({ key: "c", add, max, expiresMs: one.nowMs + 9 });
        expect(await one.change({ counters: [step(3, 3), step(-1), step(1, 3)] })).toBe("done");
        expect(await one.change({ counters: [step(-1), step(1), step(1, 3)] })).toBe("over");
        expect(await one.counter("c")).toBe(3);
      });

      it("begin anew when they have expired, and never end earlier than was said", async () => {
        await one.add("c", 2, { livesMs: 10 });
        await one.add("c", 2, { livesMs: 5 });
        one.nowMs += 9;
        expect(await one.counter("c")).toBe(4);
        one.nowMs += 1;
        expect(await one.counter("c")).toBe(0);
        expect(await one.add("c", 1, { max: 1 })).toBe("done");
        expect(await one.add("gone", -3, { livesMs: -1 })).toBe("done");
        expect(await one.counter("gone")).toBe(0);
      });
    });

    describe("fields", () => {
      it("keep the first value unless it is overwritten", async () => {
        await one.set("o", { n: "1", m: "1" });
        await one.set("o", { n: "2", k: "2" });
        await one.set("o", { m: "3" }, { overwrite: true });
        expect(await one.fields("o", "n", "m", "k", "e")).toEqual(["1", "3", "2", null]);
        expect(await one.fields("o2", "n")).toEqual([null]);
      });

      it("may have any printable name and value", async () => {
        const names = ["e", "=", "=e", "a:b", "a b", "{}", '"', "~".repeat(200), "1:x"];
        const value = "v".repeat(64);
        await one.set("owner:1 {x}", Object.fromEntries(names.map((name) => [name, value])));
        expect(await one.fields("owner:1 {x}", ...names)).toEqual(names.map(() => value));
        expect(await one.fields("owner:1 {x", ...names)).toEqual(names.map(() => null));
      });

      it("belong to one owner, whatever the names of owners look like", async () => {
        await one.set("a", { "b:c": "1" });
        await one.set("a:b", { c: "2" });
        await one.set("", { "a:b:c": "3" });
        expect([await one.fields("a", "b:c"), await one.fields("a:b", "c"), await one.fields("", "a:b:c")]).toEqual([["1"], ["2"], ["3"]]);
      });

      it("end with their owner, later of both, and do not come back with it", async () => {
        await one.set("o", { n: "1" }, { livesMs: 10 });
        await one.set("o", { m: "1" }, { livesMs: 5 });
        one.nowMs += 9;
        expect(await one.fields("o", "n", "m")).toEqual(["1", "1"]);
        one.nowMs += 1;
        expect(await one.fields("o", "n", "m")).toEqual([null, null]);
        await one.set("o", { k: "2" });
        expect(await one.fields("o", "n", "m", "k")).toEqual([null, null, "2"]);
        await one.set("o", { n: "2" });
        expect(await one.fields("o", "n")).toEqual(["2"]);
      });

      it("live longer when their owner does", async () => {
        await one.set("o", { n: "1" }, { livesMs: 10 });
        await one.set("o", {}, { livesMs: 20 });
        one.nowMs += 15;
        expect(await one.fields("o", "n")).toEqual(["1"]);
      });
    });

    describe("all or nothing", () => {
      const untouched = async (): Promise<void> => {
        expect(await one.counter("c")).toBe(2);
        expect(await one.fields("o", "n")).toEqual([null]);
        expect((await one.read({ docs: ["a", "b", "l"] })).docs.map(({ text }) => text)).toEqual(["x", null, null]);
      };
      const parts = (version: number, max: number | null, limited = false) => ({
        docs: [
          { key: limited ? "l" : "b", version: 0, text: "y", expiresMs: one.nowMs + 9, limited },
          { key: "a", version, text: "y", expiresMs: one.nowMs + 9, limited: false },
        ],
        counters: [
          { key: "d", add: 1, max: null, expiresMs: one.nowMs + 9 },
          { key: "c", add: 1, max, expiresMs: one.nowMs + 9 },
        ],
        fields: [{ owner: "o", expiresMs: one.nowMs + 9, entries: [{ name: "n", value: "v", overwrite: true }] }],
      });
      beforeEach(async () => {
        await one.put("a", "x");
        await one.add("c", 2);
      });

      it("leaves everything as it was after a conflict, even if a counter is over too", async () => {
        const { version } = await one.doc("a");
        expect(await one.change(parts(version + 1, 2))).toBe("conflict");
        await untouched();
        expect(await one.counter("d")).toBe(0);
      });

      it("leaves everything as it was when a counter is over", async () => {
        const { version } = await one.doc("a");
        expect(await one.change(parts(version, 2))).toBe("over");
        await untouched();
        expect(await one.doc("a")).toEqual({ version, text: "x" });
        expect(await one.counter("d")).toBe(0);
      });

      it("leaves everything as it was when there is no room", async () => {
        const small = new Probe(await backend.open(0), one.tenant);
        await small.put("a", "x");
        await small.add("c", 2, { max: 2 });
        one = small;
        const { version } = await one.doc("a");
        expect(await one.change(parts(version, null, true))).toBe("full");
        await untouched();
        expect(await one.change(parts(version, null))).toBe("done");
      });

      it.each([Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 60])("refuses %s as a number, before anything is changed", async (wrong) => {
        const { version } = await one.doc("a");
        const right = parts(version, null);
        const { counters, docs, fields } = right;
        const changes = [
          { ...right, counters: counters.map((counter) => ({ ...counter, add: wrong })) },
          { ...right, counters: counters.map((counter) => ({ ...counter, max: wrong })) },
          { ...right, counters: counters.map((counter) => ({ ...counter, expiresMs: wrong })) },
          { ...right, docs: docs.map((doc) => ({ ...doc, expiresMs: wrong })) },
          { ...right, fields: fields.map((owner) => ({ ...owner, expiresMs: wrong })) },
        ];
        for (const change of changes) await expect(one.change(change)).rejects.toMatchObject({ code: "internal" });
        await untouched();
      });

      it("refuses a text that is too long", async () => {
        await expect(one.put("b", "x".repeat(65_537))).rejects.toMatchObject({ code: "internal" });
        await untouched();
      });
    });
  });
});
