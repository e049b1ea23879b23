import type { Effects } from "../decision.ts";
import type { JsonObject } from "../json.ts";
import type { ActionClass, ChangeResult, CounterChange, DocChange, FieldsChange, MaybePromise, ToolEntry } from "../ports.ts";
import { rememberedNames } from "../provenance/remember.ts";
import { type BudgetSlot, toThousandths } from "./budgets.ts";
import { requiredTools } from "./evidence.ts";
import { reservationDoc, valuesOwner } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import type { LoadedSession, Recall } from "./recall.ts";
import {
  addLabels,
  countCall,
  newState,
  pinDefinition,
  type RecentCall,
  recentMax,
  releasesMax,
  type SessionState,
  type Step,
  shortId,
  stepCounter,
} from "./state.ts";
import { acts, evidenceName, leavesOf } from "./values.ts";

/** An allowed call that waits for its outcome, as stored under its decision id. */
export interface Reservation {
  readonly session: string;
  readonly life: string;
  readonly server: string | null;
  readonly tool: string;
  readonly pep: string;
  readonly class: ActionClass;
  readonly steps: readonly Step[];
  /** Keyed hashes of what its arguments hold: a result that repeats them proves nothing. */
  readonly echo: readonly string[];
  /** Texts of the arguments in strict form, hashed as evidence when it completes. */
  readonly evidence: readonly string[];
  /** Where it reads from was named by the task or by trusted content. */
  readonly named: boolean;
  /** Set once an outcome was reported; the first one stands. */
  readonly reported: string | null;
}

/** What an allow moves. */
export interface ReserveParts {
  readonly decisionId: string;
  readonly pepId: string;
  readonly effects: Effects;
}

/** A question that runs nothing, such as `tools/list`: it is no history. */
export function isQuestion(method: string): boolean {
  return method.endsWith("/list");
}

/**
 * Moves counts, counters, labels and history with an allow: all or nothing, and only if the session is still as the policy saw it.
 * `conflict` and `over`: it is not; evaluate again.
 */
export function reserve(deps: SessionDeps, recall: Recall, parts: ReserveParts): MaybePromise<ChangeResult> {
  // A call that was allowed although the store is away needs no memory: policies deny the others.
  if (!recall.memory.session.available) return "done";
  const { session, query } = recall;
  const state = session === null ? null : (session.state ?? newState(lifeOf(parts.decisionId), query.nowMs));
  const steps = stepsOf(recall.slots, parts.effects);
  if (state !== null && !stepSession(state, steps, parts.effects)) return "over";
  const counters = merged([...recall.returned.map(giveBack), ...steps.filter(outside).map((step) => stepChange(step, parts.effects))]);
  const fields = usedDestinations(recall);
  if (session === null || state === null) {
    return counters.length + fields.length === 0 ? "done" : deps.store.change(query.tenant, { docs: [], counters, fields }, query.nowMs);
  }
  note(state, recall, parts, steps);
  const kept = keepValues(deps, session.doc, state, query.nowMs);
  const docs = documents(deps, { recall, session, state, parts, steps });
  return deps.store.change(query.tenant, { docs, counters, fields: [...fields, ...kept] }, query.nowMs);
}

/** Values must outlive the session, which lives on with every call. */
function keepValues(deps: SessionDeps, doc: string, state: SessionState, nowMs: number): FieldsChange[] {
  if (state.valuesUntilMs === 0 || state.valuesUntilMs > nowMs + deps.idleMs) return [];
  state.valuesUntilMs = nowMs + 2 * deps.idleMs;
  return [{ owner: valuesOwner(doc, state.life), expiresMs: state.valuesUntilMs, entries: [] }];
}

/** The tail of a UUIDv7 is random: two lives never share it. */
function lifeOf(decisionId: string): string {
  return shortId(decisionId);
}

/** Where each counter of the effects is counted; a name that no budget has is a counter of the session. */
function stepsOf(slots: readonly BudgetSlot[], effects: Effects): NamedStep[] {
  return Object.entries(effects.counters).map(([name, { add }]) => {
    const slot = slots.find((candidate) => candidate.name === name);
    const { key, scope, expiresMs } = slot ?? { key: name, scope: "session" as const, expiresMs: 0 };
    return { name, key, scope, expiresMs, add: toThousandths(add) };
  });
}

interface NamedStep extends Step {
  readonly name: string;
}

function outside({ scope }: Step): boolean {
  return scope !== "session";
}

function limitOf(effects: Effects, name: string): number | null {
  const max = effects.counters[name]?.max ?? null;
  return max === null ? null : toThousandths(max);
}

/** False when a counter would pass its limit: the policy judged an older count. */
function stepSession(state: SessionState, steps: readonly NamedStep[], effects: Effects): boolean {
  return steps.every((step) => outside(step) || stepCounter(state, step.key, step.add, limitOf(effects, step.name)));
}

function stepChange({ name, key, add, expiresMs }: NamedStep, effects: Effects): CounterChange {
  return { key, add, max: limitOf(effects, name), expiresMs };
}

/** A step taken back outside the session; when its window is over there is nothing left to take back from. */
export function giveBack({ key, add, expiresMs }: Step): CounterChange {
  return { key, add: -add, max: null, expiresMs };
}

/** One change per counter: what is given back makes room for what is taken. */
function merged(changes: readonly CounterChange[]): CounterChange[] {
  const byKey = new Map<string, CounterChange>();
  for (const change of changes) {
    const before = byKey.get(change.key);
    byKey.set(change.key, before === undefined ? change : { ...change, add: before.add + change.add });
  }
  return [...byKey.values()];
}

/** The history of the session after this call. */
function note(state: SessionState, { query, memory }: Recall, { decisionId, effects }: ReserveParts, steps: readonly Step[]): void {
  const { tool, call, nowMs } = query;
  const untilMs = nowMs + tool.outcome_within_s * 1000;
  countCall(state, tool.name, tool.class, 1);
  addLabels(state, effects.labels_add);
  if (call.definitionDigest !== null) pinDefinition(state, tool.name, call.definitionDigest);
  const recent: RecentCall = [shortId(decisionId), tool.name, tool.class, nowMs, tool.outcome_within_s, "reserved"];
  state.recent = [recent, ...state.recent].slice(0, recentMax);
  if (tool.on_expiry === "release")
    state.releases = [...state.releases, { id: decisionId, tool: tool.name, class: tool.class, untilMs, steps }].slice(-releasesMax);
  const used = new Set(memory.session.approvals.map(({ id }) => id));
  if (used.size > 0) state.approvals = state.approvals.filter(({ id }) => !used.has(id));
}

interface DocumentParts {
  readonly recall: Recall;
  readonly session: LoadedSession;
  readonly state: SessionState;
  readonly parts: ReserveParts;
  readonly steps: readonly Step[];
}

function documents(deps: SessionDeps, all: DocumentParts): DocChange[] {
  const { session, state, parts, recall } = all;
  const { nowMs, tool } = recall.query;
  const waiting = JSON.stringify(reservationOf(deps, all));
  return [
    { key: session.doc, version: session.version, text: JSON.stringify(state), expiresMs: nowMs + deps.idleMs, limited: true },
    { key: reservationDoc(parts.decisionId), version: 0, text: waiting, expiresMs: nowMs + tool.outcome_within_s * 1000, limited: false },
  ];
}

function reservationOf(deps: SessionDeps, { recall, session, state, parts, steps }: DocumentParts): Reservation {
  const { call, tool, data } = recall.query;
  const proves = requiredTools(data).has(tool.name);
  return {
    session: session.doc,
    life: state.life,
    server: call.server,
    tool: call.tool,
    pep: parts.pepId,
    class: tool.class,
    steps: steps.map(({ key, scope, add, expiresMs }) => ({ key, scope, add, expiresMs })),
    echo: vouches(tool) ? echoOf(call.arguments).map(deps.mark) : [],
    evidence: proves ? leavesOf(call.arguments).map((leaf) => deps.mark(evidenceName(tool.name, leaf))) : [],
    named: namedSource(recall),
    reported: null,
  };
}

/** Whether a result of the tool can make values trusted. */
function vouches(tool: ToolEntry): boolean {
  return tool.returns.includes("trusted") || Object.values(tool.fields).some((origin) => origin !== "untrusted");
}

const echoMax = 64;

/** What a result could repeat of the arguments. */
function echoOf(args: JsonObject): string[] {
  return [...new Set(leavesOf(args).flatMap((leaf) => rememberedNames(leaf, "trusted").names))].slice(0, echoMax);
}

/** Whether the place that the call reads from was named by the task or by trusted content. */
function namedSource({ memory }: Recall): boolean {
  const places = Object.values(memory.values).filter(({ role }) => role !== "amount");
  return places.length > 0 && places.every(({ origin }) => origin === "task" || origin === "trusted");
}

/** Destinations that the principal has used from now on, in any session; those it used before are remembered already. */
function usedDestinations({ query, names, memory }: Recall): FieldsChange[] {
  const isNew = Object.values(memory.values).some(({ role, used_before }) => role === "destination" && !used_before);
  if (!isNew || !acts(query.tool)) return [];
  const entries = names.principal.map((name) => ({ name, value: "1", overwrite: false }));
  return [{ owner: names.principalOwner, expiresMs: query.nowMs + destinationsKeptMs, entries }];
}

const destinationsKeptMs = 90 * 86_400_000;
