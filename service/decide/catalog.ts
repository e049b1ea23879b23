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
  const catalogued = entry === undefined ? undefined : fromCatalog(entry);
  return catalogued ?? fromAnnotations(call.annotations, trusted);
}

/** An entry without a valid class is treated as absent: a typo in the catalog must not widen anything. */
function fromCatalog(entry: Json): ToolEntry | undefined {
  const actionClass = member(entry, "class");
  if (!isClass(actionClass)) return undefined;
  return {
    known: true,
    class: actionClass,
    class_source: "catalog",
    returns: texts(member(entry, "returns")),
    destinations: texts(member(entry, "destinations")),
    amounts: texts(member(entry, "amounts")),
    queries: texts(member(entry, "queries")),
    external: member(entry, "external") === true,
  };
}

const unknownTool = { known: false, returns: [], destinations: [], amounts: [], queries: [], external: true } as const;

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

function texts(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function member(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined;
}
