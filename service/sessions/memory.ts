import type { SessionKey, SessionStore, SessionView } from "../decide/ports.ts";

/** `sessionsMax`: living sessions kept; `idleS`: seconds without a call after which a session is forgotten. */
export interface MemorySessionsOptions {
  readonly sessionsMax: number;
  readonly idleS: number;
}

interface Entry {
  readonly firstMs: number;
  lastMs: number;
  calls: number;
}

/**
 * Sessions in the memory of this process; a restart forgets them. When it is full of living sessions a new one stays
 * unknown (age `null`), which policies that need the age deny: nothing living is ever evicted to make room.
 */
export function createMemorySessions(options: MemorySessionsOptions): SessionStore {
  const entries = new Map<string, Entry>();
  const idleMs = options.idleS * 1000;

  const touch = (key: string, nowMs: number): Entry | undefined => {
    const found = entries.get(key);
    const living = found !== undefined && nowMs - found.lastMs <= idleMs ? found : undefined;
    if (living !== undefined) {
      living.lastMs = nowMs;
      // Behind all others: the sessions at the front are those that were not used for the longest time.
      entries.delete(key);
      entries.set(key, living);
      return living;
    }
    entries.delete(key);
    if (entries.size >= options.sessionsMax && !dropIdle(entries, nowMs - idleMs)) return undefined;
    const created = { firstMs: nowMs, lastMs: nowMs, calls: 0 };
    entries.set(key, created);
    return created;
  };

  return {
    view(key, nowMs) {
      const entry = touch(keyText(key), nowMs);
      return entry === undefined ? unknownSession(key) : viewOf(key, entry, nowMs);
    },
    commit(key, nowMs) {
      const entry = touch(keyText(key), nowMs);
      if (entry !== undefined) entry.calls++;
    },
  };
}

function viewOf(key: SessionKey, entry: Entry, nowMs: number): SessionView {
  const ageS = Math.max(0, Math.floor((nowMs - entry.firstMs) / 1000));
  return { id: key.id, known: true, ageS, calls: entry.calls };
}

function unknownSession(key: SessionKey): SessionView {
  return { id: key.id, known: false, ageS: null, calls: 0 };
}

/** Forgets the session that was not used for the longest time, if it is idle. */
function dropIdle(entries: Map<string, Entry>, beforeMs: number): boolean {
  const [oldest] = entries;
  return oldest !== undefined && oldest[1].lastMs < beforeMs && entries.delete(oldest[0]);
}

/** NUL cannot occur in an identifier, so no two keys share a text. */
function keyText(key: SessionKey): string {
  return `${key.tenant}\0${key.subject ?? "\u0001"}\0${key.agent ?? "\u0001"}\0${key.id}`;
}
