import { RemitError } from "../../errors.ts";
import type { ActionClass } from "../ports.ts";

/** A step that is undone when the call turns out not to have run. Steps are millionths, so that money adds up exactly. */
export interface Step {
  /** Name of a counter of the session, or (scope not `session`) the key of a counter in the store. */
  readonly key: string;
  readonly scope: "session" | "agent" | "tenant";
  readonly add: number;
  /** Milliseconds since the epoch at which the counter's window ends. */
  readonly expiresMs: number;
}

/** One allowed call, as long as it is among the latest. A tuple, since it is read and written with every decision. */
export type RecentCall = readonly [
  /** Tail of its decision id. */
  id: string,
  tool: string,
  actionClass: ActionClass,
  /** Milliseconds since the epoch. */
  atMs: number,
  /** For how long an outcome is waited for. */
  withinS: number,
  outcome: CallOutcome,
];
export type CallOutcome = "reserved" | "completed" | "failed" | "not_run" | "expired";

/** The random part of a decision id (UUIDv7): enough to tell the latest calls apart. */
export function shortId(decisionId: string): string {
  return decisionId.slice(-12);
}

/** An allowed call that is undone when no outcome is reported in time (catalog `on_expiry: release`). */
export interface Release {
  readonly id: string;
  readonly tool: string;
  readonly class: ActionClass;
  readonly untilMs: number;
  readonly steps: readonly Step[];
}

/** What the session may do, as declared; null members do not limit. */
export interface GrantState {
  readonly purpose: string | null;
  readonly tools: readonly string[] | null;
  readonly classes: readonly string[] | null;
  /** Keyed hashes of the destinations. */
  readonly destinations: readonly string[] | null;
  readonly budgets: Readonly<Record<string, number>>;
  readonly expiresMs: number | null;
  /** Keyed hashes of the words of the task; null when no task was stated. */
  readonly words: readonly string[] | null;
  /** Keyed hash of the task text: says whether two texts are the same. */
  readonly task: string | null;
  readonly signed: boolean;
  /** Keyed hash of the last declaration: the same again changes nothing. */
  readonly request: string;
}

/** An approval of exactly one call, or of one wider grant: usable once. */
export interface ApprovalState {
  readonly id: string;
  readonly binding: string;
  readonly codes: readonly string[];
  readonly approver: string;
  readonly expiresMs: number;
}

type Counts = Readonly<Record<string, number>>;

/**
 * What one session remembers, kept as one document of the store. Values of results are fields of the store, owned by `life`. Members are
 * replaced, never changed in place: copies of a state share them.
 */
export interface SessionState {
  readonly format: 1;
  /** Another life of the same session id remembers nothing of this one. */
  readonly life: string;
  readonly firstMs: number;
  calls: number;
  classes: Counts;
  tools: Counts;
  /** Rows returned by tools that return confidential or personal data. */
  records: number;
  labels: readonly string[];
  /** Counters of the session, in millionths. */
  counters: Counts;
  /** Definition digest of each tool at its first allowed call. */
  pins: Readonly<Record<string, string>>;
  recent: readonly RecentCall[];
  releases: readonly Release[];
  grant: GrantState | null;
  approvals: readonly ApprovalState[];
  /** Values remembered so far, and until when the store keeps them: always longer than the session; 0: there are none, nor evidence. */
  values: number;
  valuesUntilMs: number;
  /** More was seen than could be remembered: what is not found may have been seen in untrusted content. */
  full: boolean;
  ended: { readonly reason: string; readonly atMs: number } | null;
}

export const recentMax = 8;
export const releasesMax = 64;
const toolsMax = 64;
const pinsMax = 64;
const labelsMax = 128;
const countersMax = 64;

/** A session that begins now. */
export function newState(life: string, nowMs: number): SessionState {
  return {
    ...{ format: 1, life, firstMs: nowMs, calls: 0, classes: {}, tools: {}, records: 0, labels: [], counters: {}, pins: {} },
    ...{ recent: [], releases: [], grant: null, approvals: [], values: 0, valuesUntilMs: 0, full: false, ended: null },
  };
}

/** Reads a document of the store. What cannot be read is a store that cannot be used, never an empty session. */
export function parseState(text: string): SessionState {
  try {
    const state = JSON.parse(text) as SessionState;
    if (state.format === 1 && typeof state.life === "string" && Array.isArray(state.labels)) return state;
  } catch (cause) {
    throw new RemitError("session_store_unavailable", "a session in the store cannot be read", { cause });
  }
  throw new RemitError("session_store_unavailable", "a session in the store has an unknown format");
}

/** Adds sticky labels; they stay until the session ends. */
export function addLabels(state: SessionState, labels: readonly string[]): void {
  const all = new Set(state.labels);
  for (const label of labels) all.add(label);
  if (all.size === state.labels.length) return;
  if (all.size > labelsMax) throw new RemitError("session_limit", `a session cannot have more than ${labelsMax} labels`);
  state.labels = [...all].sort();
}

/** Counts an allowed call (`step` 1), or takes it back (-1). */
export function countCall(state: SessionState, tool: string, actionClass: ActionClass, step: 1 | -1): void {
  state.calls = Math.max(0, state.calls + step);
  state.classes = bumped(state.classes, actionClass, step);
  const known = Object.hasOwn(state.tools, tool) || Object.keys(state.tools).length < toolsMax;
  state.tools = bumped(state.tools, known ? tool : "other", step);
}

function bumped(counts: Counts, name: string, step: number): Counts {
  // `__proto__` as a name would be lost, and with it the count.
  const key = name === "__proto__" ? "other" : name;
  return { ...counts, [key]: Math.max(0, (Object.hasOwn(counts, key) ? (counts[key] ?? 0) : 0) + step) };
}

/** Steps a counter of the session; false when it would pass `max` (millionths). */
export function stepCounter(state: SessionState, name: string, add: number, max: number | null): boolean {
  const used = counterOf(state, name);
  if (max !== null && used + add > max) return false;
  if (!Object.hasOwn(state.counters, name) && Object.keys(state.counters).length >= countersMax)
    throw new RemitError("session_limit", `a session cannot have more than ${countersMax} counters`);
  state.counters = { ...state.counters, [name]: Math.max(0, used + add) };
  return true;
}

/** In millionths; 0 when never stepped. */
export function counterOf(state: SessionState, name: string): number {
  return Object.hasOwn(state.counters, name) ? (state.counters[name] ?? 0) : 0;
}

/** What was counted for a tool; where there was no room for it, what was counted for all such tools together. */
export function countsOfTool(state: SessionState, tool: string): Record<string, number> {
  const own = Object.hasOwn(state.tools, tool) || !Object.hasOwn(state.tools, "other");
  return own ? { ...state.tools } : { ...state.tools, [tool]: state.tools.other ?? 0 };
}

/** Digest of a tool's definition at its first allowed call; null when it had none. Where there was no room for it, one that no definition has. */
export function pinOf(state: SessionState, tool: string, digest: string | null): string | null {
  if (Object.hasOwn(state.pins, tool)) return state.pins[tool] ?? null;
  return digest !== null && Object.keys(state.pins).length >= pinsMax ? "not remembered" : null;
}

/** Remembers the digest of a tool's definition at its first allowed call. */
export function pinDefinition(state: SessionState, tool: string, digest: string): void {
  if (Object.hasOwn(state.pins, tool)) return;
  if (Object.keys(state.pins).length < pinsMax) state.pins = { ...state.pins, [tool]: digest };
}

/** Undoes the calls whose outcome was not reported in time and whose tools say so; returns the steps outside the session. */
export function settleExpired(state: SessionState, nowMs: number): readonly Step[] {
  const due = state.releases.filter(({ untilMs }) => untilMs <= nowMs);
  if (due.length === 0) return [];
  state.releases = state.releases.filter(({ untilMs }) => untilMs > nowMs);
  return due.flatMap((release) => undoCall(state, release, "expired"));
}

/** Takes an allowed call back: counts, counters, and its place in the history. Returns the steps outside the session. */
export function undoCall(state: SessionState, call: Omit<Release, "untilMs">, outcome: CallOutcome): readonly Step[] {
  countCall(state, call.tool, call.class, -1);
  for (const step of call.steps) if (step.scope === "session") stepCounter(state, step.key, -step.add, null);
  noteOutcome(state, call.id, outcome);
  return call.steps.filter(({ scope }) => scope !== "session");
}

/** Writes what became of a call into the history. */
export function noteOutcome(state: SessionState, decisionId: string, outcome: CallOutcome): void {
  const id = shortId(decisionId);
  state.recent = state.recent.map((call) => (call[0] === id ? [call[0], call[1], call[2], call[3], call[4], outcome] : call));
}
