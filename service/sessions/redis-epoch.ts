import { randomUUID } from "node:crypto";
import { RemitError } from "../errors.ts";
import type { Send } from "./redis-link.ts";
import { epochScript } from "./redis-scripts.ts";

/** Ways to ask that give up after some time. */
interface Ask {
  /** The primary that has `key`. */
  readonly send: (key: string, args: readonly string[]) => Promise<unknown>;
  readonly primaries: readonly Send[];
}

/** Hash tags of a cluster's slots 512, 1536, 2560 and so on: a primary with more than 1,024 slots in a row has one of them at least. */
export const clusterTags = "1768 1678 2184 223 3453 3543 8481 8591 265 375 3808 7490 3725 3635 2912 2802".split(" ");

const scanMax = 1_000;
const scanKeys = "1000";

/**
 * Notices that Redis has forgotten what it held, as one that is started anew without its data has: a key that never ends, `<id> <lostAtMs>`,
 * is written once, and whoever has seen it and finds it gone writes the time into a new one, where all can read it.
 */
export class RedisEpoch {
  readonly #prefix: string;
  readonly #keys: readonly string[];
  /** The id that each key had. */
  readonly #seen = new Map<string, string>();
  #lostAtMs: number | null = null;

  constructor(prefix: string, cluster: boolean) {
    this.#prefix = prefix;
    this.#keys = cluster ? clusterTags.map((tag) => `${prefix}epoch:{${tag}}`) : [`${prefix}epoch`];
  }

  get lostAtMs(): number | null {
    return this.#lostAtMs;
  }

  /** True when what this object has seen earlier has gone since. Rejects when Redis does not answer everything. */
  async check(ask: Ask, nowMs: number): Promise<boolean> {
    const look = (key: string, missing: string): Promise<unknown> =>
      ask.send(key, ["EVAL", epochScript, "1", key, this.#seen.get(key) ?? "", randomUUID(), String(nowMs), missing]);
    const found = await Promise.all(this.#keys.map((key) => look(key, "tell")));
    const missing = found.includes(null) ? ((await this.#isNew(ask)) ? "first" : "lost") : "tell";
    const replies = await Promise.all(this.#keys.map((key, i) => found[i] ?? look(key, missing)));
    return this.#learn(replies.map(parse));
  }

  #learn(epochs: readonly { id: string; lostAtMs: number }[]): boolean {
    let changed = false;
    for (const [i, key] of this.#keys.entries()) {
      const { id = "" } = epochs[i] ?? {};
      changed ||= this.#seen.has(key) && this.#seen.get(key) !== id;
      this.#seen.set(key, id);
    }
    this.#lostAtMs = Math.max(...epochs.map(({ lostAtMs }) => lostAtMs)) || null;
    return changed;
  }

  /** True when there is no state at all; false also when there are too many keys of others to look through. */
  async #isNew({ primaries }: Ask): Promise<boolean> {
    const pattern = `${this.#prefix.replace(/[\\*?[\]^]/g, "\\$&")}{*`;
    for (const send of primaries) if (await holdsKeys(send, pattern)) return false;
    return primaries.length > 0;
  }
}

async function holdsKeys(send: Send, pattern: string): Promise<boolean> {
  let cursor = "0";
  for (let steps = 0; steps < scanMax; steps++) {
    const reply = await send(["SCAN", cursor, "MATCH", pattern, "COUNT", scanKeys]);
    if (!Array.isArray(reply) || !Array.isArray(reply[1]) || reply[1].length > 0) return true;
    cursor = String(reply[0]);
    if (cursor === "0") return false;
  }
  return true;
}

function parse(reply: unknown): { id: string; lostAtMs: number } {
  const match = /^(\S+) (\d+)$/.exec(String(reply));
  if (match === null) throw new RemitError("session_store_unavailable", "Redis holds something that is not session state");
  return { id: match[1] ?? "", lostAtMs: Number(match[2]) };
}
