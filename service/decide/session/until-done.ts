import { RemitError } from "../../errors.ts";
import type { ChangeResult, StoredDoc } from "../ports.ts";
import type { SessionDeps } from "./query.ts";

const attemptsMax = 32;

/**
 * Reads, changes and writes again until nobody else was in between. An attempt gives what the store said, and what it is worth when that is `done`.
 * Throws RemitError `session_conflict`, or `session_limit` when there is no room: nothing that lives is forgotten to make some.
 */
export async function untilDone<T>(attempt: () => Promise<readonly [ChangeResult, T]>): Promise<T> {
  for (let i = 0; i < attemptsMax; i++) {
    const [result, value] = await attempt();
    if (result === "done") return value;
    if (result === "full") throw new RemitError("session_limit", "`sessions.sessions_max` sessions are alive", { retryAfterS: 60 });
  }
  throw new RemitError("session_conflict", "others changed the same again and again; try again", { retryAfterS: 1 });
}

/** Documents in the order asked. */
export async function readDocs(deps: SessionDeps, tenant: string, docs: readonly string[], nowMs: number): Promise<readonly StoredDoc[]> {
  return (await deps.store.read(tenant, { docs, counters: [], fields: [] }, nowMs)).docs;
}
