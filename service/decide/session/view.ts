import type { Json, JsonObject } from "../json.ts";
import { at } from "../pointer.ts";
import type { SessionInput, ValueInput } from "../policy-input-schema.ts";
import { judge, spells } from "../provenance/judge.ts";
import type { Question } from "../provenance/question.ts";
import { asksFor } from "../provenance/words.ts";
import { approvalsFor } from "./binding.ts";
import { fromUnits } from "./budgets.ts";
import { grantedAll, grantView } from "./grant-view.ts";
import type { Marker } from "./keys.ts";
import { type Memory, noSession } from "./memory.ts";
import type { FirstRead, RecallQuery, SessionDeps } from "./query.ts";
import { countsOfTool, pinOf, type RecentCall, type SessionState } from "./state.ts";
import { endedBy } from "./stop.ts";
import { type ArgumentValue, acts, type Lookup, type ValueNames } from "./values.ts";

/** Everything that was read about a call. */
export interface MemoryParts {
  readonly first: FirstRead;
  readonly state: SessionState | null;
  readonly names: ValueNames;
  /** By name: what the session has seen. */
  readonly seen: Lookup;
  /** By keyed hash: the destinations that the principal has used. */
  readonly habits: Lookup;
}

/** What policies see. */
export function memoryOf(deps: SessionDeps, parts: MemoryParts): Memory {
  const { names, seen } = parts;
  return {
    session: sessionView(deps, parts),
    values: valuesView(deps.mark, parts),
    embedded: names.embedded.map(({ pointer, kind, question }) => ({
      pointer,
      kind,
      origin: question === null ? "untrusted" : originOf(parts, question).origin,
    })),
    askedFor: askedFor(deps.mark, parts),
    requires: names.evidence.map(({ tool, argument, names: needed }) => ({
      tool,
      argument,
      met: needed.length > 0 && needed.every((name) => seen.has(name)),
    })),
  };
}

/** The store did not answer: nothing is known, and nothing is assumed. */
export function unavailableMemory(query: RecallQuery, names: ValueNames): Memory {
  const unknown = (role: ValueInput["role"]): ValueInput => ({
    role,
    origin: "unknown",
    vouched: false,
    granted: null,
    used_before: false,
    amount: null,
  });
  return {
    session: { ...noSession, id: query.call.sessionId, available: false },
    values: Object.fromEntries(names.values.map(({ pointer, role }) => [pointer, unknown(role)])),
    embedded: names.embedded.map(({ pointer, kind }) => ({ pointer, kind, origin: "unknown" })),
    askedFor: null,
    requires: query.tool.requires.map(({ tool, argument }) => ({ tool, argument, met: false })),
  };
}

function originOf({ state, seen }: MemoryParts, question: Question) {
  const verdict = judge(question, (name) => seen.get(name));
  // More was seen than could be remembered: what is not found may have come from untrusted content.
  return verdict.origin === "unknown" && state?.full === true ? ({ origin: "untrusted", namedSource: false } as const) : verdict;
}

function valuesView(mark: Marker, parts: MemoryParts): Record<string, ValueInput> {
  const judged = parts.names.values.map((item) => ({ item, verdict: originOf(parts, item.question) }));
  const vouching = judged.filter(
    ({ item, verdict }) => item.role === "destination" && (verdict.origin === "task" || verdict.origin === "trusted"),
  );
  const entries = judged.map(({ item, verdict }): [string, ValueInput] => {
    const vouched =
      verdict.origin === "untrusted" &&
      verdict.namedSource &&
      vouching.some((other) => other.item !== item && spelledBy(item.value, other.item.value));
    return [item.pointer, valueView(mark, parts, { item, origin: verdict.origin, vouched })];
  });
  return Object.fromEntries(entries);
}

/** Whether the name that somebody trusted gave stands in the address: `dora` in `dora@…`. */
function spelledBy(value: Json, name: Json): boolean {
  return typeof value === "string" && typeof name === "string" && spells(value, name);
}

function valueView(
  mark: Marker,
  parts: MemoryParts,
  judged: { item: ArgumentValue; origin: ValueInput["origin"]; vouched: boolean },
): ValueInput {
  const { role, value, used } = judged.item;
  return {
    role,
    origin: judged.origin,
    vouched: judged.vouched,
    granted: role === "destination" ? grantedAll(mark, parts.state?.grant ?? null, value) : null,
    used_before: used.length > 0 && used.every((name) => parts.habits.has(name)),
    amount: role === "amount" ? amountOf(value) : null,
  };
}

const decimal = /^-?\d{1,15}(\.\d{1,6})?$/;

function amountOf(value: Json): number | null {
  if (typeof value === "number") return value;
  return typeof value === "string" && decimal.test(value) ? Number(value) : null;
}

/** Whether the task asks for the tool: by a word of the tool, or by handing over to what some document says. */
function askedFor(mark: Marker, { first, state }: MemoryParts): boolean | null {
  const words = state?.grant?.words ?? null;
  const { tool, data } = first.query;
  if (words === null || !acts(tool)) return null;
  const has = (stem: string): boolean => words.includes(mark(`w|${stem}`));
  return asksFor(tool.words, has) || asksFor(delegatingWords(data), has);
}

const delegating = new WeakMap<object, readonly string[]>();

/** Read once per bundle. */
function delegatingWords(data: JsonObject): readonly string[] {
  const known = delegating.get(data);
  if (known !== undefined) return known;
  const words = at(data, "/remit/config/task_relevance/delegating");
  const texts = Array.isArray(words) ? words.filter((word) => typeof word === "string") : [];
  delegating.set(data, texts);
  return texts;
}

function sessionView(deps: SessionDeps, parts: MemoryParts): SessionInput {
  const { first, state } = parts;
  const { query } = first;
  const id = query.call.sessionId;
  const ended = endedBy(state, first.stops);
  const budgets = budgetsView(first, state);
  const { lostAtMs } = deps.store;
  // A session that was not declared since may be an old one under its old id.
  const lost = id !== null && !state?.grant && lostAtMs !== null && query.nowMs < lostAtMs + deps.idleMs;
  if (state === null) return { ...noSession, id, lost, age_s: id === null ? null : 0, budgets, ended };
  return {
    id,
    known: true,
    available: true,
    lost,
    age_s: secondsSince(state.firstMs, query.nowMs),
    calls: state.calls,
    counts: { class: { ...state.classes }, tool: countsOfTool(state, query.tool.name) },
    records: state.records,
    labels: [...state.labels],
    budgets,
    grant: state.grant === null ? null : grantView(state.grant, query.nowMs),
    approvals: approvalsFor(state, query.tool, query.call, query.nowMs),
    recent: state.recent.map((call) => recentView(call, query.nowMs)),
    ended,
    pinned_digest: pinOf(state, query.tool.name, query.call.definitionDigest),
  };
}

function recentView([, tool, actionClass, atMs, withinS, outcome]: RecentCall, nowMs: number): SessionInput["recent"][number] {
  const expired = outcome === "reserved" && atMs + withinS * 1000 <= nowMs;
  return { tool, class: actionClass, age_s: secondsSince(atMs, nowMs), outcome: expired ? "expired" : outcome };
}

function budgetsView(first: FirstRead, state: SessionState | null): SessionInput["budgets"] {
  const own = Object.entries(state?.counters ?? {}).map(
    ([name, used]) => [name, { used: fromUnits(used), scope: "session", window_s: null }] as const,
  );
  const configured = first.slots.map(({ name, scope, windowS, key }) => {
    const used = scope === "session" ? (state?.counters[name] ?? 0) : (first.used.get(key) ?? 0);
    return [name, { used: fromUnits(used), scope, window_s: windowS }] as const;
  });
  return Object.fromEntries([...own, ...configured]);
}

function secondsSince(sinceMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
}
