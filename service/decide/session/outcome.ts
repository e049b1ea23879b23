import { RemitError } from "../../errors.ts";
import { lookUpTool } from "../catalog.ts";
import type { Json, JsonObject } from "../json.ts";
import type { StateChange } from "../ports.ts";
import { reservationDoc } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import { rememberResult } from "./remember-result.ts";
import { giveBack, type Reservation } from "./reserve.ts";
import { addLabels, noteOutcome, parseState, type SessionState, settleExpired, shortId, undoCall } from "./state.ts";

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

const attemptsMax = 32;

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
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const found = await find(deps, pep, report, nowMs);
    if ("done" in found) return found.done;
    const { change, result } = settle(deps, { found, data, report, nowMs });
    if ((await deps.store.change(pep.tenant, change, nowMs)) === "done") return result;
  }
  throw new RemitError("session_conflict", "the session was changed by others again and again; report the outcome again", {
    retryAfterS: 1,
  });
}

async function find(
  deps: SessionDeps,
  { id, tenant }: Reporter,
  report: OutcomeReport,
  nowMs: number,
): Promise<Found | { readonly done: OutcomeResult }> {
  const { docs } = await deps.store.read(tenant, { docs: [reservationDoc(report.decisionId)], counters: [], fields: [] }, nowMs);
  const stored = docs[0];
  if (stored === undefined || stored.text === null)
    throw new RemitError("decision_unknown", `no allowed call waits for an outcome under \`${report.decisionId}\``);
  const reservation = JSON.parse(stored.text) as Reservation;
  // Nobody else can know what became of it, and giving its budget back would be worth a lie.
  if (reservation.pep !== id)
    throw new RemitError("decision_unknown", `\`${report.decisionId}\` was asked for by another enforcement point`);
  const session = await deps.store.read(tenant, { docs: [reservation.session], counters: [], fields: [] }, nowMs);
  const doc = session.docs[0];
  const state = doc === undefined || doc.text === null ? null : parseState(doc.text);
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
  readonly found: Found;
  readonly data: JsonObject;
  readonly report: OutcomeReport;
  readonly nowMs: number;
}

function settle(deps: SessionDeps, parts: SettleParts): { readonly change: StateChange; readonly result: OutcomeResult } {
  const { found, report, nowMs } = parts;
  const { reservation, state } = found;
  const returned = [...settleExpired(state, nowMs), ...release(state, report, reservation)];
  const tool = lookUpTool(parts.data, { server: reservation.server, tool: reservation.tool, annotations: {} }, false);
  const fields = rememberResult(deps, { reservation, state, data: parts.data, tool, report, nowMs });
  addLabels(state, report.labels);
  const expiresMs = nowMs + deps.idleMs;
  const reported = JSON.stringify({ ...reservation, echo: [], evidence: [], reported: report.status });
  const docs = [
    { key: reservation.session, version: found.stateVersion, text: JSON.stringify(state), expiresMs, limited: true },
    {
      key: reservationDoc(report.decisionId),
      version: found.reservationVersion,
      text: reported,
      expiresMs: nowMs + reportedKeptMs,
      limited: false,
    },
  ];
  const valuesRecorded = fields.reduce((sum, { entries }) => sum + entries.length, 0);
  const result = {
    decisionId: report.decisionId,
    status: report.status,
    labels: state.labels,
    valuesRecorded,
    fresh: true,
    tool: tool.name,
  };
  return { change: { docs, counters: returned.map(giveBack), fields }, result };
}

/** For how long a repeated report is recognised. */
const reportedKeptMs = 900_000;

function release(state: SessionState, { decisionId, status }: OutcomeReport, reservation: Reservation) {
  const expired = state.recent.some(([id, , , , , outcome]) => id === shortId(decisionId) && outcome === "expired");
  state.releases = state.releases.filter(({ id }) => id !== decisionId);
  if (status === "completed") {
    noteOutcome(state, decisionId, "completed");
    return [];
  }
  if (expired) return [];
  return undoCall(state, { id: decisionId, tool: nameOf(reservation), class: reservation.class, steps: reservation.steps }, status);
}
