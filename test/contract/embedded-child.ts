/** A process of its own on an embedded store: `embedded-child.ts <path> <durability> <work> <name> [boot id]`. */
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { StateStore } from "../../service/decide/ports.ts";
import { createEmbeddedStore, type EmbeddedStoreOptions } from "../../service/sessions/embedded.ts";
import { baseMs, Probe } from "./state-stores.ts";

const [path = "", durability = "", work = "", name = "", bootId] = process.argv.slice(2);
const options: EmbeddedStoreOptions = {
  path,
  docsMax: 1_000,
  durability: durability === "machine" ? "machine" : "process",
  ...(bootId === undefined ? {} : { bootId }),
};
const store: StateStore = createEmbeddedStore(options);
const probe = new Probe(store, "children");
// Written to a file, not to a pipe: what was written before the kill is there after it.
const diary = openSync(`${path}.${name}`, "a");
const note = (line: string): void => void writeSync(diary, `${line}\n`);

const steps = {
  /** Says which value it is about to write and which one was acknowledged, on and on. */
  async write() {
    for (let n = Number((await probe.doc(`a-${name}`)).text ?? 0) + 1; ; n++) {
      note(`try ${n}`);
      const result = await probe.change(await stepOf(n));
      if (result !== "done") throw new Error(result);
      note(`done ${n}`);
      if (name === "steady") await sleep(1);
    }
  },
  /** Appends its name to a list that all share, a hundred times. */
  async append() {
    for (let left = 100; left > 0; ) {
      const { version, text } = await probe.doc("list");
      const list = [...(JSON.parse(text ?? "[]") as string[]), name];
      const docs = [{ key: "list", version, text: JSON.stringify(list), expiresMs: baseMs + 60_000_000, limited: false }];
      const counters = [{ key: "sum", add: 1, max: 150, expiresMs: baseMs + 60_000_000 }];
      const result = await probe.change({ docs, counters });
      if (result === "over") break;
      if (result === "done") left--;
    }
    await store.close();
  },
  /** Says what it found lost, and stays until it is ended. */
  async stay() {
    note(`lost ${store.lostAtMs}`);
    setInterval(() => undefined, 1_000);
  },
  /** Opens and closes it, a hundred times. */
  async reopen() {
    await store.close();
    for (let left = 100; left > 0; left--) await createEmbeddedStore(options).close();
  },
  /** Is stopped in the middle of a read. */
  async halt() {
    await probe.doc("list");
    note("read");
    process.kill(process.pid, "SIGSTOP");
  },
};

/** Two documents, a counter and a field that must always tell the same number. */
async function stepOf(n: number) {
  const expiresMs = baseMs + 60_000_000;
  const { docs } = await probe.read({ docs: [`a-${name}`, `b-${name}`] });
  // More than one page, so that a change that was cut off would show.
  const texts = [String(n), `${n}`.padEnd(9_000, "x")];
  return {
    docs: ["a", "b"].map((kind, i) => ({
      key: `${kind}-${name}`,
      version: docs[i]?.version ?? 0,
      text: texts[i] ?? "",
      expiresMs,
      limited: false,
    })),
    counters: [{ key: `c-${name}`, add: 1, max: null, expiresMs }],
    fields: [{ owner: `o-${name}`, expiresMs, entries: [{ name: "n", value: String(n), overwrite: true }] }],
  };
}

await steps[work as keyof typeof steps]();
