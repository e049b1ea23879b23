import type { Json, JsonObject } from "./json.ts";
import { at } from "./pointer.ts";
import type { ActionClass, FieldOrigin, ToolEntry, ToolRequirement } from "./ports.ts";

const classes: ReadonlySet<unknown> = new Set<ActionClass>(["read", "query", "update", "admin"]);
const fieldOrigins: ReadonlySet<unknown> = new Set<FieldOrigin>(["trusted", "identifier", "untrusted"]);

type Named = { server: string | null; tool: string; annotations: JsonObject };

/**
 * Finds the catalog entry of a tool in the bundle's `data.remit.catalog.tools`: `server/name` first, then `name`.
 * A tool that is not there is classed `admin`, the worst, unless its annotations come from a PEP whose annotations are believed.
 */
export function lookUpTool(data: JsonObject, call: Named, trusted: boolean): ToolEntry {
  const tools = at(data, "/remit/catalog/tools");
  const name = call.server === null ? call.tool : `${call.server}/${call.tool}`;
  // A name with a slash would reach the entry of another server's tool.
  const entry = member(tools, name) ?? (call.tool.includes("/") ? undefined : member(tools, call.tool));
  if (entry === undefined) return fromAnnotations(name, call.annotations, trusted);
  return cached(entry, name) ?? unknownTool(name);
}

/** Entries live as long as their bundle, and each is read once. */
const entries = new WeakMap<object, Map<string, ToolEntry | null>>();

function cached(entry: Json, name: string): ToolEntry | null {
  if (typeof entry !== "object" || entry === null) return null;
  const byName = entries.get(entry) ?? new Map<string, ToolEntry | null>();
  entries.set(entry, byName);
  const known = byName.get(name);
  if (known !== undefined) return known;
  // Tools of several servers may share an entry; a caller cannot make this grow without bound.
  if (byName.size >= 100) byName.clear();
  const found = fromCatalog(entry, name);
  byName.set(name, found);
  return found;
}

const outcomeWithinS = 900;
const outcomeWithinMaxS = 86_400;

function unknownTool(name: string): ToolEntry {
  return {
    ...{ name, known: false, class: "admin", class_source: "default", external: true },
    ...{ returns: [], destinations: [], amounts: [], queries: [], words: wordsOf(name), fields: {}, limits: {}, requires: [] },
    ...{ page_sizes: [], always_sends: true, definition_digest: null, outcome_within_s: outcomeWithinS, on_expiry: "commit" },
  };
}

/** An entry with anything wrong in it is null, so an unknown tool of the worst class: a typo in the catalog must not widen anything. */
function fromCatalog(entry: Json, name: string): ToolEntry | null {
  const actionClass = member(entry, "class");
  if (!isClass(actionClass)) return null;
  const lists = readLists(entry);
  const details = readDetails(entry);
  const [external, alwaysSends] = [member(entry, "external") ?? false, member(entry, "always_sends") ?? false];
  if (lists === null || details === null || typeof external !== "boolean" || typeof alwaysSends !== "boolean") return null;
  if (!Object.keys(details.limits).every((pointer) => lists.amounts.includes(pointer))) return null;
  const words = lists.words.length > 0 ? lists.words : wordsOf(name);
  return {
    name,
    known: true,
    class: actionClass,
    class_source: "catalog",
    external,
    always_sends: alwaysSends,
    ...lists,
    ...details,
    words,
  };
}

function readLists(entry: Json) {
  const [returns, destinations, amounts, queries, words, page_sizes] = listNames.map((key) => texts(member(entry, key)));
  if (!returns || !destinations || !amounts || !queries || !words || !page_sizes) return null;
  if (![...destinations, ...amounts, ...queries, ...page_sizes].every((pointer) => pointer.startsWith("/"))) return null;
  return { returns, destinations, amounts, queries, words, page_sizes };
}

const listNames = ["returns", "destinations", "amounts", "queries", "words", "page_sizes"];

function readDetails(entry: Json) {
  const fields = record(member(entry, "fields"), (value): value is FieldOrigin => fieldOrigins.has(value));
  const limits = record(member(entry, "limits"), (value): value is number => typeof value === "number");
  const requires = requirements(member(entry, "requires"));
  const digest = member(entry, "definition_digest") ?? null;
  const within = member(entry, "outcome_within_s") ?? outcomeWithinS;
  const onExpiry = member(entry, "on_expiry") ?? "commit";
  if (fields === null || limits === null || requires === null) return null;
  if ((digest !== null && typeof digest !== "string") || (onExpiry !== "commit" && onExpiry !== "release")) return null;
  if (typeof within !== "number" || !(within >= 1 && within <= outcomeWithinMaxS)) return null;
  return { fields, limits, requires, definition_digest: digest, outcome_within_s: within, on_expiry: onExpiry } as const;
}

function requirements(value: Json | undefined): ToolRequirement[] | null {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return null;
  const read = value.map((item: Json) => {
    const [tool, argument] = [member(item, "tool"), member(item, "argument") ?? null];
    return typeof tool === "string" && (argument === null || typeof argument === "string") ? { tool, argument } : null;
  });
  return read.every((item) => item !== null) ? read : null;
}

function record<T>(value: Json | undefined, sound: (value: unknown) => value is T): Readonly<Record<string, T>> | null {
  if (value === undefined) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  return Object.values(value).every(sound) ? (value as unknown as Record<string, T>) : null;
}

/** `crm/send_invoiceByMail` → send, invoice, by, mail: what a task would say that asks for it. */
function wordsOf(name: string): string[] {
  const own = name.slice(name.lastIndexOf("/") + 1).replace(/([a-z0-9])([A-Z])/g, "$1 $2");
  return own
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 2);
}

/** MCP annotations are claims of the tool's server; absent hints mean the worst (MCP: destructiveHint defaults to true). */
function fromAnnotations(name: string, annotations: JsonObject, trusted: boolean): ToolEntry {
  if (!trusted) return unknownTool(name);
  return { ...unknownTool(name), class: annotatedClass(annotations), class_source: "annotations" };
}

function annotatedClass(annotations: JsonObject): ActionClass {
  if (member(annotations, "readOnlyHint") === true) return "read";
  return member(annotations, "destructiveHint") === false ? "update" : "admin";
}

function isClass(value: unknown): value is ActionClass {
  return classes.has(value);
}

/** A list of texts, empty when absent; `undefined` when it is anything else. */
function texts(value: Json | undefined): readonly string[] | undefined {
  if (value === undefined) return [];
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

/** An own member of an object; `undefined` for everything else. */
export function member(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined;
}
