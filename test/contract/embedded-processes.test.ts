import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StateStore } from "../../service/decide/ports.ts";
import { createEmbeddedStore } from "../../service/sessions/embedded.ts";
import { eventually } from "../helpers/prometheus.ts";
import { Probe } from "./state-stores.ts";

const child = fileURLToPath(new URL("./embedded-child.ts", import.meta.url));

describe.each(["process", "machine"] as const)("embedded store of many processes, durable to %s", (durability) => {
  let home: string;
  let path: string;
  let children: ChildProcess[];
  let stores: StateStore[];

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "remit-processes-"));
    path = join(home, "state");
    children = [];
    stores = [];
  });
  afterEach(async () => {
    for (const each of children) each.kill("SIGKILL");
    for (const store of stores) await store.close();
    rmSync(home, { recursive: true, force: true });
  });

  function open(bootId?: string): StateStore {
    const store = createEmbeddedStore({ path, docsMax: 10_000, durability, ...(bootId === undefined ? {} : { bootId }) });
    stores.push(store);
    return store;
  }

  function start(work: string, name: string, bootId?: string): ChildProcess {
    const args = ["--import", "tsx", child, path, durability, work, name, ...(bootId === undefined ? [] : [bootId])];
    const started = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
    children.push(started);
    return started;
  }

  const ended = (each: ChildProcess): Promise<number | null> =>
    new Promise((resolve) => (each.exitCode === null && each.signalCode === null ? each.once("exit", resolve) : resolve(each.exitCode)));

  async function kill(each: ChildProcess): Promise<void> {
    const end = ended(each);
    each.kill("SIGKILL");
    await end;
  }

  function diary(name: string): string[] {
    return existsSync(`${path}.${name}`) ? readFileSync(`${path}.${name}`, "utf8").trim().split("\n") : [];
  }

  function last(name: string, word: string): number {
    return Number(
      diary(name)
        .findLast((line) => line.startsWith(`${word} `))
        ?.slice(word.length + 1) ?? 0,
    );
  }

  /** The number that everything of one child tells, which must be one. */
  async function told(probe: Probe, name: string): Promise<number> {
    const { docs, counters, fields } = await probe.read({
      docs: [`a-${name}`, `b-${name}`],
      counters: [`c-${name}`],
      fields: [{ owner: `o-${name}`, names: ["n"] }],
    });
    const numbers = [Number(docs[0]?.text), Number(docs[1]?.text?.replace(/x+$/, "")), counters[0] ?? -1, Number(fields[0]?.[0])];
    expect(new Set(numbers).size, JSON.stringify(numbers)).toBe(1);
    if (numbers[0] !== 0) expect(docs[1]?.text?.length).toBe(9_000);
    return numbers[0] ?? -1;
  }

  it("loses no change of any of them", async () => {
    const store = open();
    const working = ["one", "two", "three"].map((name) => start("append", name));
    expect(await Promise.all(working.map(ended))).toEqual([0, 0, 0]);
    const probe = new Probe(store, "children");
    // Three hundred would be written but for the limit that they share.
    expect(await probe.counter("sum")).toBe(150);
    expect((JSON.parse((await probe.doc("list")).text ?? "[]") as string[]).length).toBe(150);
  });

  it("loses no change while others open and close it", async () => {
    const probe = new Probe(open(), "children");
    const writing = ["steady", "one", "two"];
    const writers = writing.map((name) => start("write", name));
    await eventually("all write", async () => writing.every((name) => last(name, "done") > 0));
    expect(await Promise.all(["three", "four"].map((name) => ended(start("reopen", name))))).toEqual([0, 0]);
    await Promise.all(writers.map(kill));
    // None has found another state than the one that it left.
    expect(writers.map((each) => each.exitCode)).toEqual([null, null, null]);
    for (const name of writing) expect(await told(probe, name)).toBeGreaterThanOrEqual(last(name, "done"));
  }, 60_000);

  it("shows what another has committed as soon as it says so", async () => {
    const probe = new Probe(open(), "children");
    start("write", "one");
    await eventually("the child writes", async () => last("one", "done") > 0);
    for (let i = 0; i < 200; i++) {
      // Both within one turn of the event loop.
      const acknowledged = last("one", "done");
      expect(await told(probe, "one")).toBeGreaterThanOrEqual(acknowledged);
    }
  });

  it("survives that any is killed at any moment: nothing acknowledged is lost, nothing is half done, the others go on", async () => {
    const probe = new Probe(open(), "children");
    start("write", "steady");
    await eventually("the other writes", async () => last("steady", "done") > 0);
    for (let round = 0; round < 5; round++) {
      const victim = start("write", "victim");
      const from = last("victim", "done");
      await eventually("the victim writes", async () => last("victim", "done") > from + 20);
      // Some way into whatever it does then.
      await sleep(round * 3);
      await kill(victim);
      const [tried, acknowledged] = [last("victim", "try"), last("victim", "done")];
      const stored = await told(probe, "victim");
      expect(stored).toBeGreaterThanOrEqual(acknowledged);
      expect(stored).toBeLessThanOrEqual(tried);
      expect(await probe.add("mine", 1)).toBe("done");
      const steady = last("steady", "done");
      await eventually("the other goes on", async () => last("steady", "done") > steady);
    }
    expect(await probe.counter("mine")).toBe(5);
    const acknowledged = last("steady", "done");
    expect(await told(probe, "steady")).toBeGreaterThanOrEqual(acknowledged);
  });

  it("is there again when it is opened again, whether it was closed or all were killed", async () => {
    const first = open();
    await new Probe(first, "children").put("kept", "x", { limited: true });
    await first.close();
    const victim = start("write", "victim");
    await eventually("the victim writes", async () => last("victim", "done") > 20);
    await kill(victim);
    const again = open();
    expect(again.lostAtMs).toBeNull();
    const probe = new Probe(again, "children");
    expect((await probe.doc("kept")).text).toBe("x");
    expect(await told(probe, "victim")).toBeGreaterThanOrEqual(last("victim", "done"));
  });

  it("is there again after a new start of the machine, if all were closed or what they wrote was on the disk", async () => {
    const first = open("boot-a");
    const victim = start("write", "victim", "boot-a");
    await eventually("the victim writes", async () => last("victim", "done") > 0);
    await kill(victim);
    await new Probe(first, "children").put("kept", "x");
    // Closing writes to the disk what the killed one left.
    await first.close();
    const again = open("boot-b");
    expect(again.lostAtMs).toBeNull();
    expect((await new Probe(again, "children").doc("kept")).text).toBe("x");
    expect(await told(new Probe(again, "children"), "victim")).toBeGreaterThan(0);
  });

  it("is not opened by a process of another pid namespace while one of this one has it open, and is afterwards", async (context) => {
    if (spawnSync("unshare", ["--pid", "--fork", "true"]).status !== 0) {
      console.error("SKIPPED: another pid namespace needs the right to make one");
      return context.skip();
    }
    const stay = (name: string): ChildProcess => {
      const args = ["--pid", "--fork", "--kill-child", process.execPath, "--import", "tsx", child, path, durability, "stay", name];
      const started = spawn("unshare", args, { stdio: ["ignore", "inherit", "ignore"] });
      children.push(started);
      return started;
    };
    const store = open();
    expect(await ended(stay("refused"))).toBe(1);
    expect(diary("refused")).toEqual([]);
    expect(await new Probe(store, "children").put("a", "x")).toBe("done");
    await store.close();
    const staying = stay("alone");
    await eventually("it is open", async () => diary("alone").length > 0);
    expect(() => open()).toThrow(expect.objectContaining({ code: "session_store_unavailable" }));
    await kill(staying);
    // It was killed just now: that takes a while to show.
    const again = open();
    expect(again.lostAtMs).toBeNull();
    expect((await new Probe(again, "children").doc("a")).text).toBe("x");
  }, 40_000);

  if (durability === "process")
    it("is set aside after a crash of the machine, and all processes tell the same of it", async () => {
      await new Probe(open("boot-a"), "children").put("perhaps broken", "x");
      const before = Date.now();
      const starting = ["one", "two", "three", "four"].map((name) => start("stay", name, "boot-b"));
      await eventually("all have opened it", async () => ["one", "two", "three", "four"].every((name) => diary(name).length > 0));
      const after = open("boot-b");
      const told = new Set([after.lostAtMs, ...["one", "two", "three", "four"].map((name) => last(name, "lost"))]);
      expect(told.size).toBe(1);
      expect(after.lostAtMs).toBeGreaterThanOrEqual(before);
      expect(after.lostAtMs).toBeLessThanOrEqual(Date.now());
      expect((await new Probe(after, "children").doc("perhaps broken")).version).toBe(0);
      expect(readdirSync(path).filter((name) => name.startsWith("lost-")).length).toBe(1);
      await Promise.all(starting.map(kill));
      await after.close();
      // Nobody closed it properly this time either, but for the last one, which has seen that the others are gone.
      const later = open("boot-c");
      expect(later.lostAtMs).toBe(after.lostAtMs);
    });

  it("outlives that one of them stands still in the middle of a read, while what has ended is removed", async () => {
    const probe = new Probe(open(), "children");
    // Of the past by the clock of the store.
    probe.nowMs = Date.now() - 3_600_000;
    await probe.put("kept", "x", { livesMs: 7_200_000 });
    start("halt", "reader");
    await eventually("it reads", async () => diary("reader").length > 0);
    for (let n = 0; n < 3_000; n++) await probe.put(`key-${n}`, "x".repeat(900), { livesMs: 1_000, limited: true });
    await eventually("they are removed", async () => (await probe.doc("key-0")).version + (await probe.doc("key-2999")).version === 0);
    expect(await probe.put("a", "x")).toBe("done");
  });

  if (durability === "machine")
    it("is there again after a crash of the machine", async () => {
      await new Probe(open("boot-a"), "children").put("kept", "x");
      const again = open("boot-b");
      expect(again.lostAtMs).toBeNull();
      expect((await new Probe(again, "children").doc("kept")).text).toBe("x");
    });
});
