import type { StateChange, StateStore } from "../../service/decide/ports.ts";
import { createMarker } from "../../service/decide/provenance/mark.ts";
import { createBindingTokens } from "../../service/decide/session/binding-token.ts";
import type { SessionDeps } from "../../service/decide/session/query.ts";
import { createTurns } from "../../service/decide/session/turns.ts";
import { createMemoryStore } from "../../service/sessions/memory.ts";

const key = Buffer.alloc(32, 7);

/** What a decision needs to remember, in memory; `changes` are those that were made. */
export function memorySessions(options: Partial<SessionDeps> & { readonly docsMax?: number } = {}) {
  const store = options.store ?? createMemoryStore({ docsMax: options.docsMax ?? 1000 });
  const changes: StateChange[] = [];
  const watched: StateStore = {
    read: (tenant, query, nowMs) => store.read(tenant, query, nowMs),
    change(tenant, change, nowMs) {
      changes.push(change);
      return store.change(tenant, change, nowMs);
    },
    get lostAtMs() {
      return store.lostAtMs;
    },
    close: () => store.close(),
  };
  const sessions: SessionDeps = { mark: createMarker(key), idleMs: 3_600_000, valuesMax: 1000, ...options, store: watched };
  return { changes, ports: { sessions, turns: createTurns(), bindingTokens: createBindingTokens(key) } };
}
