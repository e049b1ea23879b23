import type { JsonObject } from "../json.ts";
import type { MaybePromise, StateStore, StoredDoc, ToolEntry } from "../ports.ts";
import type { ToolCall } from "../tool-call.ts";
import type { BudgetSlot } from "./budgets.ts";
import type { Marker } from "./keys.ts";
import type { Stop } from "./stop.ts";

/** What sessions are made of, and their limits. */
export interface SessionDeps {
  readonly store: StateStore;
  /** Keyed hash of a name; the key is the deployment's secret. */
  readonly mark: Marker;
  /** Time without a change after which a session is forgotten. */
  readonly idleMs: number;
  /** Values remembered per session. */
  readonly valuesMax: number;
}

/** Whose memory is asked for, and for which call. */
export interface RecallQuery {
  readonly tenant: string;
  readonly subject: string | null;
  readonly agent: string | null;
  readonly call: ToolCall;
  readonly tool: ToolEntry;
  /** `data` of the bundle that decides. */
  readonly data: JsonObject;
  readonly nowMs: number;
}

/** The first half of what was read. */
export interface FirstRead {
  readonly query: RecallQuery;
  readonly doc: string | null;
  readonly stops: readonly Stop[];
  readonly stored: StoredDoc | undefined;
  readonly slots: readonly BudgetSlot[];
  /** Counters outside the session, by key. */
  readonly used: ReadonlyMap<string, number>;
  /** Of the principal's destinations, in the order of their names. */
  readonly habits: readonly (string | null)[];
  /** What one life of the session has seen, in the order of the names; it says nothing of any other life. Null: not asked for. */
  readonly guess: { readonly life: string; readonly values: readonly (string | null)[] } | null;
}

/** Goes on at once, or when the promise resolves: with an embedded store nothing comes between reading and changing. */
export function chain<A, B>(value: MaybePromise<A>, next: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
