import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { StateStore } from "../../service/decide/ports.ts";
import { adapters, type Backend, Probe } from "./state-stores.ts";

/** Names that would meet if they were escaped carelessly: two halves of one character among them. */
const odd = [
  "a",
  "A",
  "a}",
  "{a",
  "{a}",
  "}",
  "{}",
  "",
  "t.",
  "t.a",
  "a%007d",
  "%",
  "a/d",
  "a/",
  "d",
  "ä",
  "a\u0308",
  "😀",
  "\ud83d",
  "\ud83e",
  "\ufffd",
  "\0",
  "x".repeat(300),
  "x".repeat(299),
];

describe.each(adapters)("state store: $name", ({ available, start }) => {
  describe.skipIf(!available)("keeps apart and within bounds", () => {
    let backend: Backend;
    /** Holds three limited documents of each tenant. */
    let small: StateStore;
    let one: Probe;
    let tenants = 0;

    beforeAll(async () => {
      backend = await start();
      small = await backend.open(3);
    });
    afterAll(() => backend?.stop());
    beforeEach(() => {
      one = new Probe(small, `tenant-${tenants++}`);
    });

    async function fill(...keys: string[]): Promise<string[]> {
      const results: string[] = [];
      for (const key of keys) results.push(await one.put(key, "x", { limited: true, livesMs: 10 }));
      return results;
    }

    it("takes no limited document more than there may be, and goes on with those it has", async () => {
      expect(await fill("a", "b", "c", "d")).toEqual(["done", "done", "done", "full"]);
      expect(await fill("a", "b")).toEqual(["done", "done"]);
      expect(await one.put("other", "x")).toBe("done");
      expect((await one.doc("d")).version).toBe(0);
    });

    it("has room again when one is removed", async () => {
      await fill("a", "b", "c");
      await one.put("b", null);
      expect(await fill("d", "e")).toEqual(["done", "full"]);
    });

    it("has room again when one has expired, seen or not", async () => {
      await fill("a", "b");
      one.nowMs += 5;
      await fill("c");
      one.nowMs += 5;
      expect(await fill("d", "e", "f")).toEqual(["done", "done", "full"]);
    });

    it("counts one that lives longer than it was first said to", async () => {
      await fill("a", "b", "c");
      one.nowMs += 5;
      await fill("a", "b");
      one.nowMs += 5;
      expect(await fill("d", "e")).toEqual(["done", "full"]);
      expect((await one.doc("a")).text).toBe("x");
      one.nowMs += 5;
      expect(await fill("e", "f", "g")).toEqual(["done", "done", "full"]);
    });

    it("counts one that lives shorter than it was first said to", async () => {
      await fill("a", "b", "c");
      await one.put("a", "x", { limited: true, livesMs: 2 });
      one.nowMs += 2;
      expect(await fill("d", "e")).toEqual(["done", "full"]);
    });

    it("counts one that expired and came back once", async () => {
      await fill("a", "b", "c");
      one.nowMs += 10;
      expect(await fill("a", "b", "c", "d")).toEqual(["done", "done", "done", "full"]);
      one.nowMs += 10;
      const expiresMs = one.nowMs + 10;
      const docs = ["a", "b", "c"].map((key) => ({ key, version: 0, text: "y", expiresMs, limited: true }));
      const another = { key: "d", version: 0, text: "y", expiresMs, limited: true };
      expect(await one.change({ docs: [...docs, another] })).toBe("full");
      expect(await one.change({ docs })).toBe("done");
      expect(await fill("d")).toEqual(["full"]);
    });

    it("counts several of one change, and those that replace each other", async () => {
      const { nowMs } = one;
      const doc = (key: string) => ({ key, version: 0, text: "x", expiresMs: nowMs + 10, limited: true });
      expect(await one.change({ docs: ["a", "b", "c", "d"].map(doc) })).toBe("full");
      expect(await one.change({ docs: ["a", "b", "c"].map(doc) })).toBe("done");
      const { version } = await one.doc("a");
      expect(await one.change({ docs: [doc("d"), { ...doc("a"), version, text: null }] })).toBe("done");
      expect(await fill("e")).toEqual(["full"]);
    });

    it("counts one that becomes limited, or ceases to be", async () => {
      await fill("a", "b", "c");
      await one.put("free", "x");
      expect(await one.put("free", "y", { limited: true })).toBe("full");
      await one.put("a", "y");
      expect(await one.put("free", "y", { limited: true })).toBe("done");
      expect(await one.put("a", "z", { limited: true })).toBe("full");
      await one.put("b", "y");
      await one.put("b", null);
      expect(await fill("d", "e")).toEqual(["done", "full"]);
    });

    it("goes on with those it has when fewer may be than there are", async () => {
      await fill("a", "b");
      const smaller = new Probe(await backend.open(0), one.tenant);
      // In memory another limit is another store.
      if ((await smaller.doc("a")).version === 0) return;
      expect(await smaller.put("a", "y", { limited: true })).toBe("done");
      expect(await smaller.put("c", "y", { limited: true })).toBe("full");
      expect(await smaller.put("a", null)).toBe("done");
    });

    it("never removes one that lives to make room", async () => {
      for (let i = 0; i < 20; i++) await fill(`key-${i}`);
      expect((await one.read({ docs: ["key-0", "key-1", "key-2"] })).docs.map(({ text }) => text)).toEqual(["x", "x", "x"]);
    });

    it("keeps tenants apart, whatever their names look like", async () => {
      const all = odd.map((tenant) => new Probe(small, tenant));
      for (const [i, probe] of all.entries()) {
        for (const key of ["a", "b", "c"]) expect(await probe.put(key, String(i), { limited: true })).toBe("done");
        await probe.add("c", i);
        await probe.set("o", { n: String(i) });
      }
      for (const [i, probe] of all.entries())
        expect([(await probe.doc("a")).text, await probe.counter("c"), await probe.fields("o", "n")]).toEqual([String(i), i, [String(i)]]);
    });

    it("says so when it is closed", async () => {
      const store = await backend.open(4);
      await store.close();
      await store.close();
      const probe = new Probe(store, "t");
      await expect(probe.doc("a")).rejects.toMatchObject({ code: "session_store_unavailable" });
      await expect(probe.add("a", 1)).rejects.toMatchObject({ code: "session_store_unavailable" });
    });
  });
});
