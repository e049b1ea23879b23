import { RemitError } from "../../errors.ts";
import { lookUpTool } from "../catalog.ts";
import type { Json, JsonObject } from "../json.ts";
import type { DocChange, FieldsChange, StateChange, ToolEntry } from "../ports.ts";
import { reservationDoc } from "./keys.ts";
import { writeSession } from "./persist.ts";
import type { SessionDeps } from "./query.ts";
import { type ReadResult, readResult, rememberResult } from "./remember-result.ts";
import { giveBack, type Reservation } from "./reserve.ts";
import { addLabels, noteOutcome, type SessionState, type Step, settleExpired, undoCall } from "./state.ts";
import { stateOf } from "./state-memo.ts";
import { readDocs, untilDone } from "./until-done.ts";

/** What became of an allowed call. `failed`: it ran and failed. `not_run`: it never ran. */
export type OutcomeStatus = "completed" | "failed" | "not_run";

/** What an enforcement point reports. */
export interface OutcomeReport {
  readonly decisionId: string;
  readonly status: OutcomeStatus;
  /** What the tool returned, any JSON; undefined when it is not reported. */
  readonly result: Json | undefined;
  /** Labels that the enforcement point found on the result; they are added to those of the catalog. */
  readonly labels: readonly string[];
  /** Rows that were returned; null: counted from the result. */
  readonly records: number | null;
}

/** What the report changed. */
export interface OutcomeResult {
  readonly decisionId: string;
  readonly status: OutcomeStatus;
  readonly labels: readonly string[];
  readonly valuesRecorded: number;
  /** False: the same outcome was reported before, and nothing changed. */
  readonly fresh: boolean;
  readonly tool: string;
}

/** The enforcement point that reports: the one that asked. */
interface Reporter {
  readonly id: string;
  readonly tenant: string;
}

interface Found {
  readonly reservation: Reservation;
  readonly reservationVersion: number;
  readonly state: SessionState;
  readonly stateVersion: number;
}

/**
 * Commits or releases an allowed call, and remembers what its result held. The same report again changes nothing.
 * Throws RemitError `decision_unknown`, `outcome_conflict`, `session_unknown`, `session_conflict`, `session_store_unavailable`.
 */
export async function reportOutcome(
  deps: SessionDeps,
  pep: Reporter,
  data: JsonObject,
  report: OutcomeReport,
  nowMs: number,
): Promise<OutcomeResult> {
  let read: ReadResult | null = null;
  return untilDone(async () => {
    const found = await find(deps, pep, report, nowMs);
    if ("done" in found) return ["done", found.done];
    const { reservation } = found;
    const tool = lookUpTool(data, { server: reservation.server, tool: reservation.tool, annotations: {} }, false);
    // Once only: however often others get in between, the result stays what it is.
    read ??= readResult(deps, { reservation, data, tool, report });
    const { change, result } = await settle(deps, { tenant: pep.tenant, found, report, read, tool, nowMs });
    return [await deps.store.change(pep.tenant, change, nowMs), result];
  });
}

async function find(
  deps: SessionDeps,
  { id, tenant }: Reporter,
  report: OutcomeReport,
  nowMs: number,
): Promise<Found | { readonly done: OutcomeResult }> {
  const [stored] = await readDocs(deps, tenant, [reservationDoc(report.decisionId)], nowMs);
  if (stored === undefined || stored.text === null)
    throw new RemitError("decision_unknown", `no allowed call waits for an outcome under \`${report.decisionId}\``);
  const reservation = JSON.parse(stored.text) as Reservation;
  // Nobody else can know what became of it, and giving its budget back would be worth a lie.
  if (reservation.pep !== id)
    throw new RemitError("decision_unknown", `\`${report.decisionId}\` was asked for by another enforcement point`);
  const [doc] = await readDocs(deps, tenant, [reservation.session], nowMs);
  const state = doc === undefined || doc.text === null ? null : stateOf({ tenant, doc: reservation.session }, doc.text);
  if (doc === undefined || state === null || state.life !== reservation.life)
    throw new RemitError("session_unknown", "the session of this decision has expired");
  if (reservation.reported !== null) return { done: repeated(report, reservation, state) };
  return { reservation, reservationVersion: stored.version, state, stateVersion: doc.version };
}

function repeated(report: OutcomeReport, reservation: Reservation, state: SessionState): OutcomeResult {
  if (reservation.reported !== report.status)
    throw new RemitError("outcome_conflict", `the outcome \`${reservation.reported}\` was reported before and stands`);
  const { decisionId, status } = report;
  return { decisionId, status, labels: state.labels, valuesRecorded: 0, fresh: false, tool: nameOf(reservation) };
}

function nameOf({ server, tool }: Reservation): string {
  return server === null ? tool : `${server}/${tool}`;
}

interface SettleParts {
  readonly tenant: string;
  readonly found: Found;
  readonly report: OutcomeReport;
  readonly read: ReadResult;
  readonly tool: ToolEntry;
  readonly nowMs: number;
}

interface Settled {
  readonly change: StateChange;
  readonly result: OutcomeResult;
}

async function settle(deps: SessionDeps, { tenant, found, report, read, tool, nowMs }: SettleParts): Promise<Settled> {
  const { reservation, state } = found;
  const returned = [...settleExpired(state, nowMs), ...release(state, report, reservation)];
  const values = await rememberResult(deps, { tenant, state, doc: reservation.session, nowMs }, read);
  addLabels(state, report.labels);
  const written = writeSession(deps, { tenant, doc: reservation.session, version: found.stateVersion }, state, nowMs);
  const fields = [...written.values, ...values, ...habits(reservation, report, nowMs)];
  const { decisionId, status } = report;
  const valuesRecorded = values.reduce((sum, { entries }) => sum + entries.length, 0);
  const result = { decisionId, status, labels: state.labels, valuesRecorded, fresh: true, tool: tool.name };
  return { change: { docs: [written.doc, reported(found, report, nowMs)], counters: returned.map(giveBack), fields }, result };
}

/** The reservation is kept for a while, so that the same report again changes nothing. */
function reported({ reservation, reservationVersion: version }: Found, { decisionId, status }: OutcomeReport, nowMs: number): DocChange {
  const text = JSON.stringify({ ...reservation, echo: [], evidence: [], used: [], reported: status });
  return { key: reservationDoc(decisionId), version, text, expiresMs: nowMs + reportedKeptMs, limited: false };
}

/** Where a call that completed has sent something becomes a habit of the principal, in any session. */
function habits({ used, usedOwner }: Reservation, { status }: OutcomeReport, nowMs: number): FieldsChange[] {
  if (status !== "completed" || used.length === 0) return [];
  return [{ owner: usedOwner, expiresMs: nowMs + habitsKeptMs, entries: used.map((name) => ({ name, value: "1", overwrite: false })) }];
}

const habitsKeptMs = 90 * 86_400_000;

/** For how long a repeated report is recognised. */
const reportedKeptMs = 900_000;

/** What the call gives back; nothing when it has given it back already because nobody reported in time. */
function release(state: SessionState, { decisionId, status }: OutcomeReport, reservation: Reservation): readonly Step[] {
  const waits = state.releases.some(({ id }) => id === decisionId);
  state.releases = state.releases.filter(({ id }) => id !== decisionId);
  if (status !== "completed" && (waits || !reservation.releases))
    return undoCall(state, { id: decisionId, tool: nameOf(reservation), class: reservation.class, steps: reservation.steps }, status);
  noteOutcome(state, decisionId, status);
  return [];
}
