import type { Json } from "../json.ts";
import { at, escapedPart } from "../pointer.ts";
import type { ToolEntry, ToolRequirement } from "../ports.ts";
import { strictForm } from "../provenance/forms.ts";
import { embeddedLinks, namesToAsk } from "../provenance/judge.ts";
import { type Question, questionOf } from "../provenance/question.ts";
import type { ToolCall } from "../tool-call.ts";
import { type Marker, principalOwner } from "./keys.ts";
import type { RecallQuery } from "./query.ts";

/** One destination, amount or query argument that the call has. */
export interface ArgumentValue {
  readonly pointer: string;
  readonly role: "destination" | "amount" | "query";
  readonly value: Json;
  readonly question: Question;
  /** Keyed hashes under which a destination is remembered once it was used; none for other roles. */
  readonly used: readonly string[];
}

/** A link or account number inside another text argument. */
export interface EmbeddedValue {
  readonly pointer: string;
  readonly kind: "url" | "account";
  /** Null: there are too many to be looked at. */
  readonly question: Question | null;
}

/** Evidence that the tool needs, and the names that must all have been seen. */
export interface NeededEvidence extends ToolRequirement {
  readonly names: readonly string[];
}

/** What a call's arguments hold that may have been seen before, and the keyed hashes to ask for. */
export interface ValueNames {
  readonly values: readonly ArgumentValue[];
  readonly embedded: readonly EmbeddedValue[];
  readonly evidence: readonly NeededEvidence[];
  /** Names to ask of the session's values, and in the same order the keyed hashes that stand for them. */
  readonly asked: readonly string[];
  readonly session: readonly string[];
  /** To ask of the destinations that the principal has used. */
  readonly principal: readonly string[];
  readonly principalOwner: string;
}

const embeddedMax = 32;

/** Finds the values of a call. */
export function valueNames(query: RecallQuery, mark: Marker): ValueNames {
  const { call, tool } = query;
  const values = argumentsOf(call, tool, mark);
  const embedded = acts(tool) ? embeddedOf(call, tool) : [];
  const evidence = tool.requires.map(({ tool, argument }) => ({ tool, argument, names: evidenceNames(call, { tool, argument }) }));
  const asked = call.sessionId === null ? [] : [...namesIn(values, embedded, evidence)];
  return {
    values,
    embedded,
    evidence,
    asked,
    session: asked.map(mark),
    principal: [...new Set(values.flatMap(({ used }) => used))],
    principalOwner: principalOwner(mark, query.subject, query.agent),
  };
}

function namesIn(values: readonly ArgumentValue[], embedded: readonly EmbeddedValue[], evidence: readonly NeededEvidence[]): Set<string> {
  const names = new Set<string>();
  for (const { question } of [...values, ...embedded]) {
    if (question !== null) for (const name of namesToAsk(question)) names.add(name);
  }
  for (const needed of evidence) for (const name of needed.names) names.add(name);
  return names;
}

/** Whether a tool changes something or reaches outside. */
export function acts(tool: ToolEntry): boolean {
  return tool.external || tool.class === "update" || tool.class === "admin";
}

function argumentsOf(call: ToolCall, tool: ToolEntry, mark: Marker): ArgumentValue[] {
  const roles = [
    ["destination", tool.destinations],
    ["amount", tool.amounts],
    ["query", tool.queries],
  ] as const;
  const found = new Map<string, ArgumentValue>();
  for (const [role, pointers] of roles) {
    for (const pointer of pointers) {
      const value = at(call.arguments, pointer);
      if (value === undefined || value === null || found.has(pointer)) continue;
      const used = role === "destination" ? usedNames(value).map(mark) : [];
      found.set(pointer, { pointer, role, value, question: questionOf(value), used });
    }
  }
  return [...found.values(), ...unstated(tool, found)];
}

/** A tool that always sends, and is not told where to, sends to a place that nobody named. */
function unstated(tool: ToolEntry, found: ReadonlyMap<string, ArgumentValue>): ArgumentValue[] {
  if (!tool.always_sends || tool.destinations.some((pointer) => found.has(pointer))) return [];
  const nowhere = { role: "destination", value: null, question: questionOf(null), used: [] } as const;
  return tool.destinations.map((pointer) => ({ pointer, ...nowhere }));
}

/** What is beyond the limit must not hide behind what is not: the last one stands for all the rest. */
function embeddedOf(call: ToolCall, tool: ToolEntry): EmbeddedValue[] {
  const judged = new Set([...tool.destinations, ...tool.amounts, ...tool.queries]);
  const links: EmbeddedValue[] = [];
  eachText(call.arguments, "", judged, (text, pointer) => {
    const { links: found, partial } = embeddedLinks(text);
    for (const { kind, text: link } of found) links.push({ pointer, kind, question: questionOf(link) });
    if (partial) links.push({ pointer, kind: "url", question: null });
  });
  if (links.length <= embeddedMax) return links;
  const last = links[embeddedMax - 1];
  return [...links.slice(0, embeddedMax - 1), { pointer: last?.pointer ?? "", kind: "url", question: null }];
}

/** Visits the text leaves of arguments but those that are judged as a whole. */
function eachText(node: Json, pointer: string, judged: ReadonlySet<string>, visit: (text: string, pointer: string) => void): void {
  if (judged.size > 0 && judged.has(pointer)) return;
  if (typeof node === "string") visit(node, pointer);
  if (typeof node !== "object" || node === null) return;
  for (const [key, child] of Object.entries(node)) eachText(child as Json, `${pointer}/${escapedPart(key)}`, judged, visit);
}

/** Name under which it is remembered that a tool completed, and that it showed a value. */
export function evidenceName(tool: string, value: string | null): string {
  return value === null ? `e|${tool}` : `e|${tool}|${value}`;
}

/** What must have been seen for a requirement to be met; an absent argument can be shown by nothing. */
function evidenceNames(call: ToolCall, required: ToolRequirement): string[] {
  if (required.argument === null) return [evidenceName(required.tool, null)];
  const texts = textsOf(at(call.arguments, required.argument)) ?? [];
  return texts.map((text) => evidenceName(required.tool, strictForm(text)));
}

const usedMax = 16;

/** Names under which a destination is remembered; none for one of so many parts that it is no one's habit. */
function usedNames(value: Json): string[] {
  const texts = textsOf(value) ?? [];
  return texts.length > usedMax ? [] : texts.map((text) => `d|${strictForm(text)}`);
}

/** The texts and numbers of a value, and the names of its members. Null: there are too many, or one is too long, to look at all of them. */
export function textsOf(value: Json | undefined): readonly string[] | null {
  const texts: string[] = [];
  for (const text of textsWithin(value)) {
    if (texts.length >= textsMax || text.length > textMax) return null;
    texts.push(text);
  }
  return texts;
}

const [textsMax, textMax] = [256, 512];

/** Every text, number and member name of an argument; how deep they go the reader of the request has limited. */
export function* textsWithin(value: Json | undefined): Generator<string> {
  if (typeof value === "string" || typeof value === "number") yield String(value);
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield* Object.keys(value);
  for (const child of Object.values(value)) yield* textsWithin(child as Json);
}

/** Name → what is remembered under it. */
export type Lookup = ReadonlyMap<string, string>;

/** Puts the answer of the store beside what was asked. */
export function lookup(names: readonly string[], values: readonly (string | null)[]): Lookup {
  const found = new Map<string, string>();
  names.forEach((name, i) => {
    const value = values[i] ?? null;
    if (value !== null) found.set(name, value);
  });
  return found;
}
