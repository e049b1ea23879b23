import type { Json, JsonObject } from "../json.ts";
import { at } from "../pointer.ts";
import type { FieldsChange, ToolEntry } from "../ports.ts";
import { Effort } from "../provenance/effort.ts";
import { strictForm } from "../provenance/forms.ts";
import { limits } from "../provenance/names.ts";
import { rememberedNames } from "../provenance/remember.ts";
import { type ResultText, textsOfResult } from "../provenance/result.ts";
import { requiredTools } from "./evidence.ts";
import { valuesOwner } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import type { Reservation } from "./reserve.ts";
import type { SessionState } from "./state.ts";
import { evidenceName } from "./values.ts";

/** A reported result, and of which call. */
export interface ResultParts {
  readonly reservation: Reservation;
  readonly data: JsonObject;
  readonly tool: ToolEntry;
  readonly report: { readonly status: string; readonly result: Json | undefined; readonly records: number | null };
}

/** What a result holds. */
export interface ReadResult {
  /** Keyed hash → origin code. */
  readonly values: ReadonlyMap<string, string>;
  /** Some of it was too much to look at. */
  readonly truncated: boolean;
  /** Keyed hashes of what it shows as evidence. */
  readonly evidence: readonly string[];
  /** Rows of confidential data. */
  readonly records: number;
}

/** Values looked at in one result; each costs a keyed hash. */
const valuesMax = 8192;
const evidenceMax = 1024;

/** Reads a result: where its values come from, and what it proves. An error text is content, too, but proves nothing. */
export function readResult(deps: SessionDeps, { reservation, data, tool, report }: ResultParts): ReadResult {
  const { texts, records, truncated } = textsOfResult(report.result ?? null, tool);
  const completed = report.status === "completed";
  const proves = completed && requiredTools(data).has(tool.name);
  return {
    ...valuesOf(deps, reservation, texts, truncated),
    evidence: proves ? evidenceOf(deps, reservation, tool, texts) : [],
    records: completed && isConfidential(data, tool) ? (report.records ?? records) : 0,
  };
}

function valuesOf(deps: SessionDeps, { echo, named }: Reservation, texts: readonly ResultText[], partial: boolean) {
  const values = new Map<string, string>();
  const repeated = new Set(echo ?? []);
  const effort = new Effort(limits.workMax);
  let truncated = partial;
  for (const { text, origin } of texts) {
    // Where it cannot be told what the result repeats of the arguments, nothing of it is trusted.
    const trusted = origin === "trusted" && echo !== null;
    const remembered = rememberedNames(text, trusted ? "trusted" : "untrusted", Math.max(0, valuesMax - values.size), effort);
    truncated = truncated || remembered.truncated;
    const marks = remembered.names.map(deps.mark);
    // A result that only repeats the arguments vouches for nothing.
    addNew(values, trusted ? marks.filter((mark) => !repeated.has(mark)) : marks, trusted ? "t" : named ? "n" : "u");
  }
  return { values, truncated };
}

function addNew(values: Map<string, string>, marks: readonly string[], code: string): void {
  for (const mark of marks) if (!values.has(mark)) values.set(mark, code);
}

/** That the tool completed, what it was asked for, and what it showed that nobody else can have written. */
function evidenceOf(deps: SessionDeps, reservation: Reservation, tool: ToolEntry, texts: readonly ResultText[]): string[] {
  const shown = texts.filter(({ origin, text }) => origin === "trusted" && text.length <= 512).slice(0, evidenceMax);
  const marks = shown.map(({ text }) => deps.mark(evidenceName(tool.name, strictForm(text))));
  return [...new Set([deps.mark(evidenceName(tool.name, null)), ...reservation.evidence, ...marks])];
}

/** By the labels that the policies call confidential; by any, when they do not say. */
function isConfidential(data: JsonObject, tool: ToolEntry): boolean {
  const labels = at(data, "/remit/config/labels/confidential");
  const own = tool.returns.filter((label) => label !== "trusted" && label !== "untrusted");
  return Array.isArray(labels) ? own.some((label) => labels.includes(label)) : own.length > 0;
}

/** Where the values of a session are kept, and which of those that were read are new to it. */
interface Place {
  readonly tenant: string;
  readonly state: SessionState;
  readonly doc: string;
  readonly nowMs: number;
}

/** Adds a result to what the session remembers: as many values as there is room for. */
export async function rememberResult(deps: SessionDeps, place: Place, read: ReadResult): Promise<FieldsChange[]> {
  const { state, nowMs } = place;
  const owner = valuesOwner(place.doc, state.life);
  const unseen = await newTo(deps, place, owner, read.values);
  const kept = unseen.slice(0, Math.max(0, deps.valuesMax - state.values));
  state.full ||= read.truncated || kept.length < unseen.length;
  state.values += kept.length;
  state.records += read.records;
  const entries = [...kept, ...read.evidence.map((name) => [name, "1"] as const)].map(([name, value]) => ({
    name,
    value,
    overwrite: false,
  }));
  if (entries.length === 0) return [];
  state.valuesUntilMs = Math.max(state.valuesUntilMs, nowMs + 2 * deps.idleMs);
  return [{ owner, expiresMs: state.valuesUntilMs, entries }];
}

/** The same page read again takes no further room. */
async function newTo(deps: SessionDeps, { tenant, state, nowMs }: Place, owner: string, values: ReadonlyMap<string, string>) {
  const all = [...values];
  if (state.values === 0 || all.length === 0) return all;
  const names = all.map(([name]) => name);
  const { fields } = await deps.store.read(tenant, { docs: [], counters: [], fields: [{ owner, names }] }, nowMs);
  return all.filter((_, i) => (fields[0]?.[i] ?? null) === null);
}
