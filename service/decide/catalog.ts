import type { Json, JsonObject } from "./json.ts";
import type { ActionClass, ToolEntry } from "./ports.ts";

const classes: ReadonlySet<unknown> = new Set<ActionClass>(["read", "query", "update", "admin"]);

/**
 * Finds the catalog entry of a tool in the bundle's `data.remit.catalog.tools`: `server/name` first, then `name`.
 * A tool that is not there is classed `admin`, the worst, unless its annotations come from a PEP whose annotations are believed.
 */
export function lookUpTool(
  data: JsonObject,
  call: { server: string | null; tool: string; annotations: JsonObject },
  trusted: boolean,
): ToolEntry {
  const tools = member(member(member(data, "remit"), "catalog"), "tools");
  const entry = (call.server === null ? undefined : member(tools, `${call.server}/${call.tool}`)) ?? member(tools, call.tool);
  return entry === undefined ? fromAnnotations(call.annotations, trusted) : fromCatalog(entry);
}

const unknownTool = { known: false, returns: [], destinations: [], amounts: [], queries: [], external: true } as const;

/** An entry with anything wrong in it is an unknown tool of the worst class: a typo in the catalog must not widen anything. */
function fromCatalog(entry: Json): ToolEntry {
  const actionClass = member(entry, "class");
  const [returns, destinations, amounts, queries] = ["returns", "destinations", "amounts", "queries"].map((key) =>
    texts(member(entry, key)),
  );
  const external = member(entry, "external") ?? false;
  const sound = isClass(actionClass) && typeof external === "boolean";
  if (!sound || !returns || !destinations || !amounts || !queries) return { ...unknownTool, class: "admin", class_source: "default" };
  return { known: true, class: actionClass, class_source: "catalog", returns, destinations, amounts, queries, external };
}

/** MCP annotations are claims of the tool's server; absent hints mean the worst (MCP: destructiveHint defaults to true). */
function fromAnnotations(annotations: JsonObject, trusted: boolean): ToolEntry {
  if (!trusted) return { ...unknownTool, class: "admin", class_source: "default" };
  return { ...unknownTool, class: annotatedClass(annotations), class_source: "annotations" };
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

function member(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined;
}
