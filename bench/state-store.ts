/**
 * What the session state stores cost: CPU of this process for one read and for one change as a decision makes them.
 * `npx tsc -p tsconfig.build.json && npx tsx bench/state-store.ts [redis://…]`: measures what was built, since tsx slows functions down.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StateChange, StateQuery, StateStore, StoredDoc } from "../service/decide/ports.ts";

const sessions = 10_000;
const rounds = 20_000;
const docsMax = 1_000_000;
const built = (name: string): string => resolve(import.meta.dirname, "../dist/sessions", name);
const { createMemoryStore } = (await import(built("memory.js"))) as typeof import("../service/sessions/memory.ts");
const { createEmbeddedStore } = (await import(built("embedded.js"))) as typeof import("../service/sessions/embedded.ts");
const { createRedisStore } = (await import(built("redis.js"))) as typeof import("../service/sessions/redis.ts");

const nowMs = Date.now();
const hash = (n: number): string => (Math.imul(n + 1, 2_654_435_761) >>> 0).toString(36).padStart(16, "q");
const ids = Array.from({ length: sessions }, (_, n) => hash(n));
const state = JSON.stringify({ state: "x".repeat(1_450) });
const waiting = JSON.stringify({ waiting: "y".repeat(450) });
const names = ["value-1-of-session", "value-2-of-session", "value-3-of-session", "a-value-not-there"];

function pick(round: number): string {
  return ids[(round * 7_919) % sessions] ?? "";
}

function queryOf(id: string): StateQuery {
  return {
    docs: [`b:agent${id}`, `b:subject${id}`, `s:${id}`],
    counters: [`agent:${id}:calls:1`, "tenant:calls:1"],
    fields: [{ owner: `v:${id}`, names }],
  };
}

/** The session as read, a call that waits for its outcome, and a budget. */
function changeOf(id: string, version: number, round: number): StateChange {
  return {
    docs: [
      { key: `s:${id}`, version, text: state, expiresMs: nowMs + 86_400_000 + round, limited: true },
      { key: `o:${nowMs + round}-${id}`, version: 0, text: waiting, expiresMs: nowMs + 900_000 + round, limited: false },
    ],
    counters: [{ key: `agent:${id}:calls:1`, add: 1, max: null, expiresMs: nowMs + 3_600_000 }],
    fields: [],
  };
}

async function fill(store: StateStore): Promise<void> {
  for (const id of ids) {
    const docs = [{ key: `s:${id}`, version: 0, text: state, expiresMs: nowMs + 86_400_000, limited: true }];
    const entries = names.slice(0, 3).map((name) => ({ name, value: "untrusted", overwrite: false }));
    await store.change("default", { docs, counters: [], fields: [{ owner: `v:${id}`, expiresMs: nowMs + 172_800_000, entries }] }, nowMs);
  }
}

/** CPU of this process in microseconds for one round. */
async function cpuUs(work: (round: number) => unknown): Promise<number> {
  for (let round = 0; round < 2_000; round++) await work(round);
  const before = process.cpuUsage();
  for (let round = 2_000; round < 2_000 + rounds; round++) {
    const answer = work(round);
    if (answer instanceof Promise) await answer;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / rounds;
}

/** Some stores connect in the background. */
async function waitFor(store: StateStore): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      await store.read("default", queryOf(""), nowMs);
      return;
    } catch {
      await sleep(100);
    }
  }
}

async function measure(name: string, store: StateStore): Promise<void> {
  await waitFor(store);
  await fill(store);
  const keep: StoredDoc[] = [];
  const asked = await cpuUs((round) => queryOf(pick(round)).docs.length + changeOf(pick(round), 0, round).docs.length);
  const read = await cpuUs((round) => store.read("default", queryOf(pick(round)), nowMs));
  const both = await cpuUs((round) => {
    const id = pick(round);
    const next = (snapshot: { docs: readonly StoredDoc[] }): unknown => {
      keep[0] = snapshot.docs[2] ?? { version: 0, text: null };
      return store.change("default", changeOf(id, keep[0].version, round), nowMs);
    };
    const snapshot = store.read("default", queryOf(id), nowMs);
    return snapshot instanceof Promise ? snapshot.then(next) : next(snapshot);
  });
  console.log(`| ${name} | ${(read - asked / 2).toFixed(1)} | ${(both - read - asked / 2).toFixed(1)} | ${(both - asked).toFixed(1)} |`);
  await store.close();
}

console.log("| store | CPU us per read | CPU us per change | both |\n|---|---|---|---|");
await measure("memory", createMemoryStore({ docsMax }));
for (const durability of ["process", "machine"] as const) {
  const path = mkdtempSync(join(tmpdir(), "remit-bench-state-"));
  await measure(`embedded, \`${durability}\``, createEmbeddedStore({ path, docsMax, durability }));
  rmSync(path, { recursive: true, force: true });
}
const [url] = process.argv.slice(2);
if (url !== undefined)
  await measure("redis", createRedisStore({ nodes: [url], prefix: `bench-${process.pid}:`, docsMax, commandTimeoutMs: 1_000 }));
