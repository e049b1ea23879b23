import type { Effects } from "../decision.ts";
import type { JsonObject } from "../json.ts";
import type { ActionClass, ChangeResult, CounterChange, DocChange, MaybePromise, ToolEntry } from "../ports.ts";
import { Effort } from "../provenance/effort.ts";
import { strictForm } from "../provenance/forms.ts";
import { limits } from "../provenance/names.ts";
import { rememberedNames } from "../provenance/remember.ts";
import { type BudgetSlot, limitUnits, stepUnits } from "./budgets.ts";
import { requiredTools } from "./evidence.ts";
import { reservationDoc } from "./keys.ts";
import { writeSession } from "./persist.ts";
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
import { acts, evidenceName, textsOf, textsWithin } from "./values.ts";

/** An allowed call that waits for its outcome, as stored under its decision id. */
export interface Reservation {
  readonly session: string;
  readonly life: string;
  readonly server: string | null;
  readonly tool: string;
  readonly pep: string;
  readonly class: ActionClass;
  readonly steps: readonly Step[];
  /** Keyed hashes of what its arguments hold: a result that repeats them proves nothing. Null: too much to remember, so no result of it is trusted. */
  readonly echo: readonly string[] | null;
  /** Keyed hashes of what it was asked for, as evidence once it completes. */
  readonly evidence: readonly string[];
  /** Keyed hashes of its destinations, and whose habit they become once it completes. */
  readonly used: readonly string[];
  readonly usedOwner: string;
  /** Given back by itself when no outcome comes. */
  readonly releases: boolean;
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
  return questions.has(method);
}

/** The methods of MCP that only list something (MCP 2025-11-25). A closed list: whoever could make up a method would not be counted. */
const questions: ReadonlySet<string> = new Set([
  "tools/list",
  "resources/list",
  "resources/templates/list",
  "prompts/list",
  "roots/list",
  "tasks/list",
]);

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
  if (session === null || state === null)
    return counters.length === 0 ? "done" : deps.store.change(query.tenant, { docs: [], counters, fields: [] }, query.nowMs);
  note(state, recall, parts, steps);
  const written = writeSession(deps, { tenant: query.tenant, doc: session.doc, version: session.version }, state, query.nowMs);
  // A session that has grown too large for the store has no room for another call.
  if ((written.doc.text?.length ?? 0) > documentMax) return "full";
  const docs = [written.doc, waiting(deps, { recall, session, state, parts, steps })];
  return deps.store.change(query.tenant, { docs, counters, fields: written.values }, query.nowMs);
}

const documentMax = 60_000;

/** The tail of a UUIDv7 is random: two lives never share it. */
function lifeOf(decisionId: string): string {
  return shortId(decisionId);
}

/** Where each counter of the effects is counted; a name that no budget has is a counter of the session. */
function stepsOf(slots: readonly BudgetSlot[], effects: Effects): NamedStep[] {
  return Object.entries(effects.counters).map(([name, { add }]) => {
    const slot = slots.find((candidate) => candidate.name === name);
    const { key, scope, expiresMs } = slot ?? { key: name, scope: "session" as const, expiresMs: 0 };
    return { name, key, scope, expiresMs, add: stepUnits(add) };
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
  return max === null ? null : limitUnits(max);
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
function note(state: SessionState, recall: Recall, { decisionId, effects }: ReserveParts, steps: readonly Step[]): void {
  const { query, memory } = recall;
  const { tool, call, nowMs } = query;
  countCall(state, tool.name, tool.class, 1);
  addLabels(state, effects.labels_add);
  if (call.definitionDigest !== null) pinDefinition(state, tool.name, call.definitionDigest);
  const recent: RecentCall = [shortId(decisionId), tool.name, tool.class, nowMs, tool.outcome_within_s, "reserved"];
  state.recent = [recent, ...state.recent].slice(0, recentMax);
  if (tool.on_expiry === "release")
    state.releases = [...state.releases, { id: decisionId, tool: tool.name, class: tool.class, untilMs: untilMs(recall), steps }].slice(
      -releasesMax,
    );
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

function waiting(deps: SessionDeps, all: DocumentParts): DocChange {
  const expiresMs = untilMs(all.recall);
  return {
    key: reservationDoc(all.parts.decisionId),
    version: 0,
    text: JSON.stringify(reservationOf(deps, all)),
    expiresMs,
    limited: false,
  };
}

/** Until when an outcome is waited for. */
function untilMs({ query }: Recall): number {
  return Math.ceil(query.nowMs + query.tool.outcome_within_s * 1000);
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
    echo: vouches(tool) ? echoOf(deps, call.arguments) : [],
    evidence: proves ? askedFor(recall).map((text) => deps.mark(evidenceName(tool.name, text))) : [],
    used: acts(tool) ? recall.names.principal : [],
    usedOwner: recall.names.principalOwner,
    releases: tool.on_expiry === "release",
    named: namedSource(recall),
    reported: null,
  };
}

/** Whether a result of the tool can make values trusted. */
function vouches(tool: ToolEntry): boolean {
  return tool.returns.includes("trusted") || Object.values(tool.fields).some((origin) => origin !== "untrusted");
}

const [echoMax, echoCharactersMax] = [512, 16_384];

/** What a result could repeat of the arguments, names of members included. */
function echoOf(deps: SessionDeps, args: JsonObject): string[] | null {
  const names = new Set<string>();
  const effort = new Effort(limits.workMax);
  let characters = 0;
  for (const text of textsWithin(args)) {
    characters += text.length;
    if (characters > echoCharactersMax || names.size > echoMax) return null;
    const remembered = rememberedNames(text, "trusted", echoMax, effort);
    if (remembered.truncated) return null;
    for (const name of remembered.names) names.add(name);
  }
  return names.size > echoMax ? null : [...names].map(deps.mark);
}

/** What the call looks at: destinations and queries, in strict form. */
function askedFor({ names }: Recall): string[] {
  return names.values
    .filter(({ role }) => role !== "amount")
    .flatMap(({ value }) => textsOf(value) ?? [])
    .map(strictForm);
}

/** Whether the place that the call reads from was named by the task or by trusted content. */
function namedSource({ memory }: Recall): boolean {
  const places = Object.values(memory.values).filter(({ role }) => role !== "amount");
  return places.length > 0 && places.every(({ origin }) => origin === "task" || origin === "trusted");
}
