import { parseState, type SessionState } from "./state.ts";

/** Where a session is kept. */
export interface SessionPlace {
  readonly tenant: string;
  readonly doc: string;
}

interface Known {
  readonly text: string;
  readonly state: Readonly<SessionState>;
}

/** Sessions that were read or written lately, the latest last: about 10 MB at the most. */
const known = new Map<string, Known>();
const [knownMax, textMax] = [256, 8192];

function keyOf({ tenant, doc }: SessionPlace): string {
  return `${doc} ${tenant}`;
}

/**
 * The state that a document of the store says, to be changed by whoever asked. It is read anew unless the very same text was read or written
 * before: so it cannot be that of another version or tenant. Throws RemitError `session_store_unavailable`.
 */
export function stateOf(place: SessionPlace, text: string): SessionState {
  const found = known.get(keyOf(place));
  if (found !== undefined && found.text === text) return { ...found.state };
  const state = parseState(text);
  noteState(place, text, state);
  return state;
}

/** Keeps in mind what a text says: `text` must be the JSON of `state`. */
export function noteState(place: SessionPlace, text: string, state: SessionState): void {
  const key = keyOf(place);
  known.delete(key);
  if (text.length > textMax) return;
  if (known.size >= knownMax) forgetOldest();
  known.set(key, { text, state: { ...state } });
}

function forgetOldest(): void {
  for (const oldest of known.keys()) {
    known.delete(oldest);
    return;
  }
}

/** The life that the session had when it was last read or written here: a guess, since others may have changed it. Null: not known, or without values. */
export function lastLife(place: SessionPlace): string | null {
  const state = known.get(keyOf(place))?.state;
  return state === undefined || state.valuesUntilMs === 0 ? null : state.life;
}
