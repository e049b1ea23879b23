import type { Json, JsonObject } from "../json.ts";
import type { FieldsChange, ToolEntry } from "../ports.ts";
import { rememberedNames } from "../provenance/remember.ts";
import { type ResultTexts, textsOfResult } from "../provenance/result.ts";
import { unwrap } from "../provenance/result-shape.ts";
import { requiredTools } from "./evidence.ts";
import { valuesOwner } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import type { Reservation } from "./reserve.ts";
import type { SessionState } from "./state.ts";
import { evidenceName, leavesOf } from "./values.ts";

/** A reported result, and whose it is. */
export interface ResultParts {
  readonly reservation: Reservation;
  /** Its count of values and records moves. */
  readonly state: SessionState;
  readonly data: JsonObject;
  readonly tool: ToolEntry;
  readonly report: { readonly status: string; readonly result: Json | undefined; readonly records: number | null };
  readonly nowMs: number;
}

type Entry = FieldsChange["entries"][number];

/** Remembers the values of a result with where they come from; an error text is content, too. */
export function rememberResult(deps: SessionDeps, parts: ResultParts): FieldsChange[] {
  const { reservation, state, report, tool, nowMs } = parts;
  const result = textsOfResult(report.result ?? null, tool);
  const completed = report.status === "completed";
  if (completed) countRecords(state, tool, report.records ?? result.records);
  const entries = [...keep(deps, state, marksOf(deps, reservation, result)), ...(completed ? evidence(deps, parts) : [])];
  if (entries.length === 0) return [];
  state.valuesUntilMs = nowMs + 2 * deps.idleMs;
  return [{ owner: valuesOwner(reservation.session, state.life), expiresMs: state.valuesUntilMs, entries }];
}

function countRecords(state: SessionState, tool: ToolEntry, records: number): void {
  if (tool.returns.includes("confidential") || tool.returns.includes("pii")) state.records += records;
}

interface Marks {
  /** Keyed hash → origin code. */
  readonly found: ReadonlyMap<string, string>;
  readonly truncated: boolean;
}

function marksOf(deps: SessionDeps, { echo, named }: Reservation, { texts, truncated }: ResultTexts): Marks {
  const found = new Map<string, string>();
  const repeated = new Set(echo);
  let partial = truncated;
  for (const { text, origin } of texts) {
    const remembered = rememberedNames(text, origin);
    partial ||= remembered.truncated;
    const trusted = origin === "trusted";
    const code = trusted ? "t" : named ? "n" : "u";
    for (const mark of remembered.names.map(deps.mark)) {
      // A result that only repeats the arguments vouches for nothing.
      const counts = !(trusted && repeated.has(mark));
      if (counts && !found.has(mark)) found.set(mark, code);
    }
  }
  return { found, truncated: partial };
}

/** As many as there is room for; from then on what is not found may have been among the others. */
function keep(deps: SessionDeps, state: SessionState, { found, truncated }: Marks): Entry[] {
  const room = Math.max(0, deps.valuesMax - state.values);
  const kept = [...found].slice(0, room);
  state.full ||= truncated || kept.length < found.size;
  state.values += kept.length;
  return kept.map(([name, value]) => ({ name, value, overwrite: false }));
}

/** That the tool completed, and every value that it was asked for or showed. */
function evidence(deps: SessionDeps, { reservation, data, tool, report }: ResultParts): Entry[] {
  if (!requiredTools(data).has(tool.name)) return [];
  const shown = leavesOf(unwrap(report.result ?? null).value).map((leaf) => deps.mark(evidenceName(tool.name, leaf)));
  const marks = new Set([deps.mark(evidenceName(tool.name, null)), ...reservation.evidence, ...shown]);
  return [...marks].map((name) => ({ name, value: "1", overwrite: false }));
}
