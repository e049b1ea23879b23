import type { DocChange, FieldsChange } from "../ports.ts";
import { valuesOwner } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import type { SessionState } from "./state.ts";
import { noteState } from "./state-memo.ts";

/** What writing a session takes. */
export interface SessionWrite {
  readonly doc: DocChange;
  /** Values live longer than their session, whatever it is that keeps the session alive. */
  readonly values: readonly FieldsChange[];
}

/** For how long it is remembered that a session was ended. */
const endedKeptMs = 30 * 86_400_000;

/** The one way in which a session is written: with its end, and with the values that must outlive it. */
export function writeSession(
  deps: SessionDeps,
  { tenant, doc, version }: { tenant: string; doc: string; version: number },
  state: SessionState,
  nowMs: number,
): SessionWrite {
  const expiresMs = endOf(deps, state, nowMs);
  const values = renewedValues(deps, doc, state, expiresMs);
  const text = JSON.stringify(state);
  noteState({ tenant, doc }, text, state);
  // What was ended takes no place from what lives.
  return { doc: { key: doc, version, text, expiresMs, limited: state.ended === null }, values };
}

/** A grant, an approval and an end hold for as long as they say, even while nothing happens. */
function endOf(deps: SessionDeps, { grant, ended, approvals }: SessionState, nowMs: number): number {
  const until = approvals.map(({ expiresMs }) => expiresMs);
  return Math.max(nowMs + deps.idleMs, grant?.expiresMs ?? 0, ended === null ? 0 : ended.atMs + endedKeptMs, ...until);
}

/** Renews the values when they would end before the session might; most writes need not. */
function renewedValues(deps: SessionDeps, key: string, state: SessionState, sessionEndsMs: number): FieldsChange[] {
  if (state.valuesUntilMs === 0 || state.valuesUntilMs >= sessionEndsMs) return [];
  state.valuesUntilMs = sessionEndsMs + deps.idleMs;
  return [{ owner: valuesOwner(key, state.life), expiresMs: state.valuesUntilMs, entries: [] }];
}
