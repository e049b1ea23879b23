import { RemitError } from "../../errors.ts";
import type { SessionInput } from "../policy-input-schema.ts";
import type { FieldsChange, SessionKey, StoredDoc } from "../ports.ts";
import { rememberedNames } from "../provenance/remember.ts";
import { fromUnits } from "./budgets.ts";
import { applyGrant, type GrantRequest, grantBinding } from "./grant.ts";
import { grantView } from "./grant-view.ts";
import { sessionDoc, valuesOwner } from "./keys.ts";
import { writeSession } from "./persist.ts";
import type { SessionDeps } from "./query.ts";
import { giveBack } from "./reserve.ts";
import { newState, type SessionState, settleExpired } from "./state.ts";
import { stateOf } from "./state-memo.ts";
import { endedBy, stopTargets } from "./stop.ts";
import { readDocs, untilDone } from "./until-done.ts";

/** What is shown of a session to whoever operates it. */
export interface SessionSummary {
  readonly id: string;
  readonly known: boolean;
  readonly age_s: number | null;
  readonly calls: number;
  readonly labels: readonly string[];
  readonly records: number;
  readonly budgets: Readonly<Record<string, number>>;
  readonly grant: SessionInput["grant"];
  readonly ended: SessionInput["ended"];
  readonly values_remembered: number;
  readonly values_full: boolean;
}

interface Stored {
  readonly doc: string;
  readonly stored: StoredDoc;
  readonly state: SessionState | null;
  readonly ended: SessionInput["ended"];
}

async function load(deps: SessionDeps, key: SessionKey, nowMs: number): Promise<Stored> {
  const doc = sessionDoc(deps.mark, key);
  const targets = stopTargets(deps.mark, key);
  const [stored = { version: 0, text: null }, ...blocks] = await readDocs(
    deps,
    key.tenant,
    [doc, ...targets.map((each) => each.doc)],
    nowMs,
  );
  const state = stored.text === null ? null : stateOf({ tenant: key.tenant, doc }, stored.text);
  const stops = targets.map(({ kind }, i) => ({ kind, stored: blocks[i] }));
  return { doc, stored, state, ended: endedBy(state, stops) };
}

/** What is remembered of a session; of another principal's session of the same id, nothing. */
export async function lookAtSession(deps: SessionDeps, key: SessionKey, nowMs: number): Promise<SessionSummary> {
  const { state, ended } = await load(deps, key, nowMs);
  return summary(key.id, state, ended, nowMs);
}

function summary(id: string, state: SessionState | null, ended: SessionInput["ended"], nowMs: number): SessionSummary {
  return {
    id,
    known: state !== null,
    age_s: state === null ? null : Math.max(0, Math.floor((nowMs - state.firstMs) / 1000)),
    calls: state?.calls ?? 0,
    labels: state?.labels ?? [],
    records: state?.records ?? 0,
    budgets: Object.fromEntries(Object.entries(state?.counters ?? {}).map(([name, used]) => [name, fromUnits(used)])),
    grant: state === null || state.grant === null ? null : grantView(state.grant, nowMs),
    ended,
    values_remembered: state?.values ?? 0,
    values_full: state?.full ?? false,
  };
}

/** A grant, who vouches for it, and the approval it carries. */
export interface GrantDeclaration {
  readonly request: GrantRequest;
  readonly signed: boolean;
  /** Id of the approved access request that lets it widen, or null. */
  readonly approval: string | null;
  /** Random text: the life of a session that begins now. */
  readonly life: string;
}

/**
 * Declares what a session may do; begins the session when there is none.
 * Throws RemitError `grant_widens`, `session_ended`, `session_limit`, `session_conflict`, `session_store_unavailable`.
 */
export async function declareGrant(
  deps: SessionDeps,
  key: SessionKey,
  declaration: GrantDeclaration,
  nowMs: number,
): Promise<SessionSummary> {
  return change(
    deps,
    key,
    nowMs,
    ({ doc, ended }, state) => {
      if (ended !== null) throw new RemitError("session_ended", `the session was ended by its ${ended.by}: ${ended.reason}`);
      const approved = useApproval(state, doc, declaration, nowMs);
      const before = state.grant?.task ?? null;
      state.grant = applyGrant(deps.mark, state, { request: declaration.request, signed: declaration.signed, approved, nowMs });
      const task = state.grant.task === before ? undefined : declaration.request.task;
      return rememberTask(deps, { doc, state, task, nowMs });
    },
    declaration.life,
  );
}

/** An approval is used up, whether or not the grant turned out to need it. */
function useApproval(state: SessionState, doc: string, { approval, request }: GrantDeclaration, nowMs: number): boolean {
  if (approval === null) return false;
  const binding = grantBinding(doc, request);
  const fits = state.approvals.some((given) => given.id === approval && given.binding === binding && given.expiresMs > nowMs);
  if (!fits) throw new RemitError("approval_unknown", `\`${approval}\` is no living approval of exactly this grant`);
  state.approvals = state.approvals.filter(({ id }) => id !== approval);
  return true;
}

interface Task {
  readonly doc: string;
  readonly state: SessionState;
  readonly task: string | undefined;
  readonly nowMs: number;
}

/** What the user named is `task`, wherever else it was seen before. */
function rememberTask(deps: SessionDeps, { doc, state, task, nowMs }: Task): FieldsChange[] {
  if (task === undefined) return [];
  const { names, truncated } = rememberedNames(task, "task");
  if (truncated) throw new RemitError("request_invalid", "the task text holds too many words at `/grant/task`");
  state.values += names.length;
  state.valuesUntilMs = Math.max(state.valuesUntilMs, nowMs + 2 * deps.idleMs);
  const entries = names.map((name) => ({ name: deps.mark(name), value: "k", overwrite: true }));
  return [{ owner: valuesOwner(doc, state.life), expiresMs: state.valuesUntilMs, entries }];
}

/** Ends one session for good; an unknown one too, so that its id cannot be used later. */
export async function endSession(
  deps: SessionDeps,
  key: SessionKey,
  end: { reason: string; life: string },
  nowMs: number,
): Promise<SessionSummary> {
  return change(
    deps,
    key,
    nowMs,
    (_, state) => {
      state.ended ??= { reason: end.reason, atMs: nowMs };
      return [];
    },
    end.life,
  );
}

type Mutate = (stored: Stored, state: SessionState) => FieldsChange[];

/** The session after a change that nobody else came in between. */
function change(deps: SessionDeps, key: SessionKey, nowMs: number, mutate: Mutate, life: string): Promise<SessionSummary> {
  return untilDone(async () => {
    const stored = await load(deps, key, nowMs);
    const state = stored.state ?? newState(life, nowMs);
    const counters = settleExpired(state, nowMs).map(giveBack);
    const fields = mutate(stored, state);
    const written = writeSession(deps, { tenant: key.tenant, doc: stored.doc, version: stored.stored.version }, state, nowMs);
    const changed = { docs: [written.doc], counters, fields: [...written.values, ...fields] };
    const ended = endedBy(state, []) ?? stored.ended;
    return [await deps.store.change(key.tenant, changed, nowMs), summary(key.id, state, ended, nowMs)];
  });
}
