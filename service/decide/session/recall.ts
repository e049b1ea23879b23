import { RemitError } from "../../errors.ts";
import type { MaybePromise } from "../ports.ts";
import { type BudgetSlot, budgetsOf, slotOf } from "./budgets.ts";
import { sessionDoc, valuesOwner } from "./keys.ts";
import type { Memory } from "./memory.ts";
import { chain, type FirstRead, type RecallQuery, type SessionDeps } from "./query.ts";
import { type SessionState, type Step, settleExpired } from "./state.ts";
import { lastLife, stateOf } from "./state-memo.ts";
import { stopTargets } from "./stop.ts";
import { lookup, type ValueNames } from "./values.ts";
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

/** Reads what bears on a call, whose values are `names`. A store that does not answer is a memory that is not available, never an empty one. */
export function recall(deps: SessionDeps, query: RecallQuery, names: ValueNames): MaybePromise<Recall> {
  const unavailable = (thrown: unknown): Recall => {
    if (!(thrown instanceof RemitError) || thrown.code !== "session_store_unavailable") throw thrown;
    return forget(query, names);
  };
  try {
    const read = readAll(deps, query, names);
    return read instanceof Promise ? read.catch(unavailable) : read;
  } catch (thrown) {
    return unavailable(thrown);
  }
}

/** What is known of a call when the store is away: nothing. */
export function forget(query: RecallQuery, names: ValueNames): Recall {
  return { query, memory: unavailableMemory(query, names), slots: [], names, returned: [], session: null };
}

function readAll(deps: SessionDeps, query: RecallQuery, names: ValueNames): MaybePromise<Recall> {
  const { call, tenant, subject, agent, nowMs } = query;
  const doc = call.sessionId === null ? null : sessionDoc(deps.mark, { tenant, subject, agent, id: call.sessionId });
  const budgets = budgetsOf(query.data);
  const slots = budgets.map((budget) => slotOf(deps.mark, budget, agent, nowMs));
  const outside = slots.filter(({ scope }) => scope !== "session");
  const targets = stopTargets(deps.mark, query);
  const docs = [...targets.map((target) => target.doc), ...(doc === null ? [] : [doc])];
  // Most often the session has the life that it had before: its values can be read with it, at one moment.
  const life = doc === null || names.session.length === 0 ? null : lastLife({ tenant, doc });
  const values = doc === null || life === null ? [] : [{ owner: valuesOwner(doc, life), names: names.session }];
  const habits = names.principal.length === 0 ? [] : [{ owner: names.principalOwner, names: names.principal }];
  const fields = [...values, ...habits];
  return chain(deps.store.read(tenant, { docs, counters: outside.map(({ key }) => key), fields }, nowMs), (first) => {
    return readValues(deps, names, {
      query,
      doc,
      stops: targets.map(({ kind }, i) => ({ kind, stored: first.docs[i] })),
      stored: first.docs[targets.length],
      slots,
      used: new Map(outside.map(({ key }, i) => [key, first.counters[i] ?? 0])),
      habits: first.fields[values.length] ?? [],
      guess: life === null ? null : { life, values: first.fields[0] ?? [] },
    });
  });
}

/** Values belong to one life of the session, which its document tells. */
function readValues(deps: SessionDeps, names: ValueNames, first: FirstRead): MaybePromise<Recall> {
  const { query, doc, stored } = first;
  const state = doc === null || stored === undefined || stored.text === null ? null : stateOf({ tenant: query.tenant, doc }, stored.text);
  const returned = state === null ? [] : settleExpired(state, query.nowMs);
  const used = afterReturns(first.used, returned);
  return chain(seenBy(deps, names, first, state), (values) => {
    const found = { seen: lookup(names.asked, values), habits: lookup(names.principal, first.habits) };
    const memory = memoryOf(deps, { first: { ...first, used }, state, names, ...found });
    const session = doc === null ? null : { doc, version: stored?.version ?? 0, state };
    return { query, memory, slots: first.slots, names, returned, session };
  });
}

/** What this life of the session has seen of the values, in the order of their names. */
function seenBy(
  deps: SessionDeps,
  names: ValueNames,
  first: FirstRead,
  state: SessionState | null,
): MaybePromise<readonly (string | null)[]> {
  const { query, doc, guess } = first;
  if (doc === null || state === null || state.valuesUntilMs === 0 || names.session.length === 0) return [];
  if (guess?.life === state.life) return guess.values;
  const fields = [{ owner: valuesOwner(doc, state.life), names: names.session }];
  return chain(deps.store.read(query.tenant, { docs: [], counters: [], fields }, query.nowMs), (second) => second.fields[0] ?? []);
}

/** Counters outside the session, as they will be once the calls that expired have given back what they took. */
function afterReturns(used: ReadonlyMap<string, number>, returned: readonly Step[]): ReadonlyMap<string, number> {
  if (returned.length === 0) return used;
  const after = new Map(used);
  for (const { key, add } of returned) after.set(key, Math.max(0, (after.get(key) ?? 0) - add));
  return after;
}
