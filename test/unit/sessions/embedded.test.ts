import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StateStore } from "../../../service/decide/ports.ts";
import type { RemitError } from "../../../service/errors.ts";
import { createEmbeddedStore, type EmbeddedStoreOptions } from "../../../service/sessions/embedded.ts";
import { EmbeddedFile } from "../../../service/sessions/embedded-file.ts";
import { Probe } from "../../contract/state-stores.ts";
import { eventually } from "../../helpers/prometheus.ts";

/** What LMDB says when it could write nothing more, or only a part. */
const noRoom = /No space left on device|Input\/output error/;

describe("embedded store", () => {
  let path: string;
  let stores: StateStore[];
  let errors: RemitError[];

  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), "remit-embedded-"));
    stores = [];
    errors = [];
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    rmSync(path, { recursive: true, force: true });
  });

  /** As of an hour ago: what lives for seconds has ended by the clock of the store, and is there for the probe until it is removed. */
  function open(options: Partial<EmbeddedStoreOptions> = {}): Probe {
    const store = createEmbeddedStore({ path, docsMax: 2, durability: "process", onError: (error) => errors.push(error), ...options });
    stores.push(store);
    const probe = new Probe(store, "t");
    probe.nowMs = Date.now() - 3_600_000;
    return probe;
  }

  it("removes what has ended in the background, with all that belongs to it, and nothing else", async () => {
    const probe = open();
    const hours = { livesMs: 7_200_000 };
    await probe.put("a", "x", { limited: true });
    await probe.put("b", "x", { limited: true });
    await probe.put("b", "x", { limited: true, ...hours });
    await probe.put("c", "x");
    await probe.add("a", 1);
    await probe.add("b", 1, hours);
    // More than one slice in between.
    const counters = Array.from({ length: 1_200 }, (_, n) => ({
      key: `lives-${n}`,
      add: 1,
      max: null,
      expiresMs: probe.nowMs + hours.livesMs,
    }));
    await probe.change({ counters });
    const values = Object.fromEntries(Array.from({ length: 1_200 }, (_, n) => [`name-${n}`, "v"]));
    await probe.set("a", values);
    await probe.set("b", { n: "v" }, hours);
    expect(await probe.put("d", "x", { limited: true })).toBe("full");
    await eventually("all of it is gone", async () => {
      const { docs, counters, fields } = await probe.read({
        docs: ["a", "c"],
        counters: ["a"],
        fields: [{ owner: "a", names: ["name-999"] }],
      });
      return docs.every(({ version }) => version === 0) && counters[0] === 0 && fields[0]?.[0] === null;
    });
    expect([(await probe.doc("b")).text, await probe.counter("b"), await probe.fields("b", "n")]).toEqual(["x", 1, ["v"]]);
    expect(await probe.put("d", "x", { limited: true, ...hours })).toBe("done");
    expect(await probe.put("e", "x", { limited: true })).toBe("full");
    expect(errors).toEqual([]);
    for (const store of stores) await store.close();
    // Counters, two documents, an owner and its field, two in the list, and the number of limited documents: not one more.
    const file = new EmbeddedFile({ dir: join(path, readdirSync(path)[0] ?? ""), mapBytes: 2 ** 30, unsynced: false });
    const listed = (key: string) => `l000${probe.nowMs + hours.livesMs}dt.t/${key}`;
    expect([...file.db.getKeys({ start: "a", end: "~" })].map((key) => (key.startsWith("l") ? key : key.slice(0, 4)))).toEqual([
      ...Array.from({ length: 1_201 }, () => "ct.t"),
      "dt.t",
      "dt.t",
      "et.t",
      "f6:t",
      // For the time it really ends, although it was said to end earlier at first.
      listed("b"),
      listed("d"),
      "nt.t",
    ]);
    await file.close();
  });

  it("goes on when the very last record has ended", async () => {
    const probe = open();
    await probe.put("a", "x");
    await eventually("it is gone", async () => (await probe.doc("a")).version === 0);
    expect(await probe.put("a", "y")).toBe("done");
    expect(errors).toEqual([]);
  });

  it("finds room behind many that live longer than they were first said to", async () => {
    const probe = open({ docsMax: 1_100 });
    const living = Array.from({ length: 1_099 }, (_, n) => ({ key: `key-${n}`, text: "x", limited: true }));
    await probe.change({ docs: living.map((doc) => ({ ...doc, version: 0, expiresMs: probe.nowMs + 10_000 })) });
    const { docs } = await probe.read({ docs: living.map(({ key }) => key) });
    const expiresMs = probe.nowMs + 7_200_000;
    await probe.change({ docs: living.map((doc, n) => ({ ...doc, version: docs[n]?.version ?? 0, expiresMs })) });
    await probe.put("ends", "x", { limited: true, livesMs: 3_603_000 });
    // By the clock of the probe, not yet by that of the store: it is the change that must find it.
    probe.nowMs = Date.now() + 5_000;
    const tries = [await probe.put("new", "x", { limited: true }), await probe.put("new", "x", { limited: true })];
    expect(tries).toContain("done");
    expect(await probe.put("one more", "x", { limited: true })).toBe("full");
  });

  it("writes nothing more when so many bytes are in use, until enough has ended", async () => {
    const probe = open({ bytesMax: 200_000 });
    for (let n = 0; n < 10; n++) await probe.put(`key-${n}`, "x".repeat(60_000), { livesMs: 3_592_000 });
    await eventually("it is full", async () =>
      probe.add("c", 1).then(
        () => false,
        (error: RemitError) => error.code === "session_store_unavailable",
      ),
    );
    expect((await probe.doc("key-0")).text?.length).toBe(60_000);
    await eventually("it has room again", async () => (await probe.add("c", 1).catch(() => "not yet")) === "done");
  });

  it("keeps off while it cannot say that it is there, or others had to take it for gone", async () => {
    const probe = open({ bootId: "one" });
    await probe.put("a", "x", { livesMs: 7_200_000 });
    const dir = join(path, "boot-one");
    const [mine = ""] = readdirSync(dir).filter((name) => name.startsWith("use-"));
    const state = async (): Promise<string> =>
      await probe.doc("a").then(
        ({ text }) => text ?? "",
        ({ message }) => message,
      );
    writeFileSync(join(dir, "use-1-1-00000000"), "");
    rmSync(join(dir, mine));
    await eventually("it keeps off", async () => (await state()).includes("pid namespace"));
    await expect(probe.add("c", 1)).rejects.toMatchObject({ code: "session_store_unavailable" });
    rmSync(join(dir, "use-1-1-00000000"));
    await eventually("it is back", async () => (await state()) === "x");
    expect(readdirSync(dir)).toContain(mine);
    renameSync(dir, join(path, "moved"));
    await eventually("it keeps off again", async () => (await state()).includes("others cannot see"));
    renameSync(join(path, "moved"), dir);
    await eventually("it is back again", async () => (await state()) === "x");
  });

  it("waits for the disk where a crash of the machine could not be noticed", () => {
    open({ bootId: null });
    expect(readdirSync(join(path, "boot-any")).filter((name) => name.startsWith("use-"))).toEqual([]);
  });

  const unavailable = expect.objectContaining({ code: "session_store_unavailable", cause: expect.anything() });

  it.each([
    ["is no database", () => Buffer.from("no database, but long enough to be read as the beginning of one".repeat(200))],
    ["has only begun", (whole: Buffer) => whole.subarray(0, 3_000)],
    ["holds nothing", () => Buffer.alloc(20_000)],
    ["has lost its end", (whole: Buffer) => whole.subarray(0, 40_960)],
    [
      "has lost one of its first pages",
      (whole: Buffer) => Buffer.concat([whole.subarray(0, 4_096), Buffer.alloc(4_096), whole.subarray(8_192)]),
    ],
    ["is of another version", (whole: Buffer) => Buffer.concat([whole.subarray(0, 28), Buffer.from([3]), whole.subarray(29)])],
  ])("does not open a file that %s", async (_, damaged) => {
    const probe = open({ bootId: "one", durability: "machine" });
    for (let n = 0; n < 10; n++) await probe.put(`key-${n}`, "x".repeat(60_000));
    for (const store of stores.splice(0)) await store.close();
    const file = join(path, "boot-one", "data.mdb");
    const whole = readFileSync(file);
    writeFileSync(file, damaged(whole));
    expect(() => open({ bootId: "one" })).toThrow(unavailable);
    writeFileSync(file, whole);
    const again = open({ bootId: "one" });
    expect((await again.doc("key-9")).text?.length).toBe(60_000);
  });

  it("does not open where it may not write", () => {
    writeFileSync(join(path, "file"), "");
    expect(() => open({ path: join(path, "file") })).toThrow(unavailable);
  });

  it("fails on a record that is not whole", async () => {
    const probe = open({ bootId: "one" });
    await probe.put("a", "x");
    await probe.add("c", 1);
    for (const store of stores) await store.close();
    const file = new EmbeddedFile({ dir: join(path, "boot-one"), mapBytes: 2 ** 30, unsynced: false });
    for (const key of ["dt.t/a", "ct.t/c"]) file.db.putSync(key, Buffer.from("short"));
    await file.close();
    const again = open({ bootId: "one" });
    for (const call of [again.doc("a"), again.counter("c"), again.put("a", "y"), again.add("c", 1)])
      await expect(call).rejects.toMatchObject({ code: "session_store_unavailable" });
  });

  it("fails on a disk that is full, however fast it grew, and lives", async (context) => {
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", path]).status !== 0) {
      console.error("SKIPPED: a full disk needs the right to mount one");
      return context.skip();
    }
    try {
      const probe = open();
      writeFileSync(join(path, "others"), Buffer.alloc(7 * 2 ** 20));
      // No turn of the event loop in between, so that nothing in the background can look after it.
      let problem: unknown = null;
      for (let n = 0; problem === null && n < 2_000; n++)
        problem = await probe.put(`key-${n}`, "x".repeat(60_000)).then(
          () => null,
          (error: unknown) => error,
        );
      expect(problem).toMatchObject({ code: "session_store_unavailable", message: expect.stringMatching(noRoom) });
      expect((await probe.doc("key-0")).text?.length).toBe(60_000);
      rmSync(join(path, "others"));
      expect(await probe.put("one more", "x".repeat(60_000))).toBe("done");
      for (const store of stores) await store.close();
    } finally {
      spawnSync("umount", ["-l", path]);
    }
  });
});
