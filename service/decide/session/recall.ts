import { RemitError } from "../../errors.ts";
import type { MaybePromise, StateSnapshot } from "../ports.ts";
import { type BudgetSlot, budgetsOf, slotOf } from "./budgets.ts";
import { sessionDoc, valuesOwner } from "./keys.ts";
import type { Memory } from "./memory.ts";
import { chain, type FirstRead, type RecallQuery, type SessionDeps } from "./query.ts";
import { parseState, type SessionState, type Step, settleExpired } from "./state.ts";
import { stopTargets } from "./stop.ts";
import { lookupsOf, type ValueNames, valueNames } from "./values.ts";
import { memoryOf, unavailableMemory } from "./view.ts";

/** What was read for one decision; a change of the session starts from here. */
export interface Recall {
  readonly query: RecallQuery;
  readonly memory: Memory;
  readonly slots: readonly BudgetSlot[];
  readonly names: ValueNames;
  /** What calls that were never reported give back outside the session. */
  readonly returned: readonly Step[];
  /** Null: the call has none, or the store did not answer. */
  readonly session: LoadedSession | null;
}

export interface LoadedSession {
  readonly doc: string;
  readonly version: number;
  /** A copy of its own, to be changed; null when nothing is remembered yet. */
  readonly state: SessionState | null;
}

/** Reads what bears on a call. A store that does not answer is a memory that is not available, never an empty one. */
export function recall(deps: SessionDeps, query: RecallQuery): MaybePromise<Recall> {
  const unavailable = (thrown: unknown): Recall => {
    if (!(thrown instanceof RemitError) || thrown.code !== "session_store_unavailable") throw thrown;
    return forget(deps, query);
  };
  try {
    const read = readAll(deps, query);
    return read instanceof Promise ? read.catch(unavailable) : read;
  } catch (thrown) {
    return unavailable(thrown);
  }
}

/** What is known of a call when the store is away: nothing. */
export function forget(deps: SessionDeps, query: RecallQuery): Recall {
  const names = valueNames(query, deps.mark);
  return { query, memory: unavailableMemory(query, names), slots: [], names, returned: [], session: null };
}

function readAll(deps: SessionDeps, query: RecallQuery): MaybePromise<Recall> {
  const { call, tenant, subject, agent, nowMs } = query;
  const doc = call.sessionId === null ? null : sessionDoc(deps.mark, { tenant, subject, agent, id: call.sessionId });
  const budgets = budgetsOf(query.data);
  const slots = budgets.map((budget) => slotOf(deps.mark, budget, agent, nowMs));
  const outside = slots.filter(({ scope }) => scope !== "session");
  const targets = stopTargets(deps.mark, query);
  const docs = [...targets.map((target) => target.doc), ...(doc === null ? [] : [doc])];
  return chain(deps.store.read(tenant, { docs, counters: outside.map(({ key }) => key), fields: [] }, nowMs), (first) => {
    const stops = targets.map(({ kind }, i) => ({ kind, stored: first.docs[i] }));
    const used = new Map(outside.map(({ key }, i) => [key, first.counters[i] ?? 0]));
    return readValues(deps, { query, doc, stops, stored: first.docs[targets.length], slots, used });
  });
}

/** The second half needs the first: values belong to one life of the session. */
function readValues(deps: SessionDeps, first: FirstRead): MaybePromise<Recall> {
  const { query, doc, stored } = first;
  const state = stored === undefined || stored.text === null ? null : parseState(stored.text);
  const returned = state === null ? [] : settleExpired(state, query.nowMs);
  const used = afterReturns(first.used, returned);
  const names = valueNames(query, deps.mark);
  const owners = [
    ...(doc === null || state === null ? [] : [{ owner: valuesOwner(doc, state.life), names: names.session }]),
    { owner: names.principalOwner, names: names.principal },
  ].filter((owner) => owner.names.length > 0);
  const none: StateSnapshot = { docs: [], counters: [], fields: [] };
  const read = owners.length === 0 ? none : deps.store.read(query.tenant, { docs: [], counters: [], fields: owners }, query.nowMs);
  return chain(read, (second) => {
    const found = lookupsOf(owners, second.fields);
    const memory = memoryOf(deps, { first: { ...first, used }, state, names, found });
    const session = doc === null ? null : { doc, version: stored?.version ?? 0, state };
    return { query, memory, slots: first.slots, names, returned, session };
  });
}

/** Counters outside the session, as they will be once the calls that expired have given back what they took. */
function afterReturns(used: ReadonlyMap<string, number>, returned: readonly Step[]): ReadonlyMap<string, number> {
  if (returned.length === 0) return used;
  const after = new Map(used);
  for (const { key, add } of returned) after.set(key, Math.max(0, (after.get(key) ?? 0) - add));
  return after;
}
