import type { Json, JsonObject } from "../json.ts";
import { limits } from "./names.ts";

/** A result without its wrapping. */
export interface Unwrapped {
  readonly value: Json;
  /** Texts beside the value, of which the catalog says nothing. */
  readonly asides: readonly string[];
  /** The value may be the only element of a list: servers send a list as one text for each element. */
  readonly perhapsElement: boolean;
}

/** Takes JSON out of text, and content out of an MCP `CallToolResult` (MCP 2025-06-18, server/tools). Never throws. */
export function unwrap(result: Json): Unwrapped {
  const value = parsed(result);
  return isToolResult(value) ? ofToolResult(value) : { value, asides: [], perhapsElement: false };
}

const jsonLike = /^\s*[[{"]/;

/** Text that is JSON is what the JSON says; text in text, too, but no further. A text too large is left as it is. */
function parsed(value: Json): Json {
  let inner = value;
  for (let round = 0; round < 2; round += 1) {
    if (typeof inner !== "string" || inner.length > limits.charactersMax || !jsonLike.test(inner)) break;
    try {
      inner = JSON.parse(inner) as Json;
    } catch {
      break;
    }
  }
  return inner;
}

const toolResultKeys = new Set(["content", "structuredContent", "isError", "_meta"]);

function isToolResult(value: Json): value is JsonObject {
  if (!isObject(value) || !Object.keys(value).every((key) => toolResultKeys.has(key))) return false;
  const content = member(value, "content");
  return content === undefined ? member(value, "structuredContent") !== undefined : Array.isArray(content) && content.every(isContent);
}

function isContent(item: Json): boolean {
  return isObject(item) && typeof member(item, "type") === "string";
}

/**
 * Structured content is the value when there is some; then texts that do not merely repeat it are asides. Else the value is the one text, or
 * the list of all. A server that wraps a list or text in `{result: …}`, as objects are demanded there, is followed.
 */
function ofToolResult(result: JsonObject): Unwrapped {
  const items = (member(result, "content") ?? []) as readonly Json[];
  const texts = items.flatMap((item) => texted(item, "text"));
  const asides = items.flatMap(linkTexts);
  const bodies = texts.map(parsed);
  const structured = member(result, "structuredContent");
  if (structured === undefined)
    return { value: bodies.length === 1 ? (bodies[0] ?? null) : bodies, asides, perhapsElement: bodies.length === 1 };
  const value = resultOf(structured);
  const repeats = [bodies, bodies.length === 1 ? (bodies[0] ?? null) : bodies].some(
    (body) => isSame(body, structured) || isSame(body, value),
  );
  return { value, asides: repeats ? asides : [...texts, ...asides], perhapsElement: false };
}

/** By their JSON; what is too deep to be written equals nothing. */
function isSame(a: Json, b: Json): boolean {
  try {
    return JSON.stringify(a) === JSON.stringify(b);
  } catch {
    return false;
  }
}

function resultOf(value: Json): Json {
  return isObject(value) && Object.keys(value).length === 1 ? (member(value, "result") ?? value) : value;
}

/** Resource links and embedded resources: what they are called, where they are, and their text. */
function linkTexts(item: Json): string[] {
  const resource = isObject(item) ? member(item, "resource") : undefined;
  const holders = resource === undefined ? [item] : [item, resource];
  const own = holders.flatMap((holder) => ["uri", "name", "title", "description"].flatMap((key) => texted(holder, key)));
  return resource === undefined ? own : [...own, ...texted(resource, "text")];
}

function texted(holder: Json, key: string): string[] {
  const text = isObject(holder) ? member(holder, key) : undefined;
  return typeof text === "string" ? [text] : [];
}

function member(value: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
