import type { Json, JsonObject } from "../json.ts";
import type { FieldOrigin } from "../ports.ts";
import { limits } from "./names.ts";
import { fieldViews, type View, worseView } from "./result-fields.ts";
import { unwrap } from "./result-shape.ts";

/** A text of a tool's result and where it comes from. */
export interface ResultText {
  readonly text: string;
  readonly origin: "trusted" | "untrusted";
}

export interface ResultTexts {
  /** Trusted ones first: a record that states a value is not tainted by a remark in the same result. */
  readonly texts: readonly ResultText[];
  /** Rows: elements of the list that the result is or holds; 1 for any other value, 0 for none. */
  readonly records: number;
  /** Something was left out. */
  readonly truncated: boolean;
}

/** What the catalog says of a tool's result. */
export interface ResultOrigins {
  readonly returns: readonly string[];
  /** By JSON pointer into the result, `*` for any one segment. */
  readonly fields: Readonly<Record<string, FieldOrigin>>;
}

/**
 * Takes the result of a tool apart into texts with their origin: JSON, JSON as text, or an MCP `CallToolResult`. Numbers and the keys of
 * objects are texts, too. Where `fields` says nothing, a result is trusted only when the catalog says so and does not also say `untrusted`.
 */
export function textsOfResult(result: Json, tool: ResultOrigins): ResultTexts {
  const { value, asides, perhapsElement } = unwrap(result);
  const origin = tool.returns.includes("trusted") && !tool.returns.includes("untrusted") ? "trusted" : "untrusted";
  const view = fieldViews(tool.fields, origin);
  const views = perhapsElement && origin === "trusted" ? worseView(view, view.at("0")) : view;
  const reader = new ResultReader();
  reader.read(value, { views, origin, depth: 0 });
  for (const text of asides) reader.add(text, "untrusted");
  const texts = [...reader.texts.filter((text) => text.origin === "trusted"), ...reader.texts.filter((text) => text.origin !== "trusted")];
  return { texts, records: recordsOf(value), truncated: reader.truncated };
}

const identifierMax = 64;

interface Place {
  readonly views: View;
  /** Origin of the keys. */
  readonly origin: "trusted" | "untrusted";
  readonly depth: number;
}

class ResultReader {
  readonly texts: ResultText[] = [];
  truncated = false;
  #characters: number = limits.charactersMax;
  readonly #seen = new Set<string>();

  read(value: Json, place: Place): void {
    if (typeof value === "string" || typeof value === "number") this.add(String(value), leafOrigin(value, place.views.origin));
    if (typeof value !== "object" || value === null) return;
    if (place.depth >= limits.depthMax) this.truncated = true;
    else this.#children(value, place);
  }

  #children(value: Exclude<Json, string | number | boolean | null>, place: Place): void {
    const isList = Array.isArray(value);
    for (const [key, child] of Object.entries(value)) {
      if (this.#isFull()) {
        this.truncated = true;
        return;
      }
      if (!isList) this.add(key, place.origin);
      this.read(child as Json, { ...place, views: place.views.at(key), depth: place.depth + 1 });
    }
  }

  add(text: string, origin: "trusted" | "untrusted"): void {
    const seen = `${origin} ${text}`;
    if (text === "" || this.#seen.has(seen)) return;
    // Rows of a list have the same keys.
    if (text.length <= identifierMax) this.#seen.add(seen);
    const kept = this.texts.length < limits.textsMax ? text.slice(0, this.#characters) : "";
    this.#characters -= kept.length;
    this.truncated ||= kept.length < text.length;
    if (kept !== "") this.texts.push({ text: kept, origin });
  }

  #isFull(): boolean {
    return this.#characters <= 0 || this.texts.length >= limits.textsMax;
  }
}

const notIdentifier = /[\s\p{C}\p{Default_Ignorable_Code_Point}]/u;

/** An identifier is believed only while it looks like one: whoever chooses a name must not be able to write a sentence there. */
function leafOrigin(value: string | number, origin: FieldOrigin): "trusted" | "untrusted" {
  if (origin !== "identifier") return origin;
  return typeof value === "number" || (value.length <= identifierMax && !notIdentifier.test(value)) ? "trusted" : "untrusted";
}

const [recordsDepth, visitedMax] = [8, 65_536];

/** The length of the longest list, outer ones first; of a result with more lists and objects than are looked at, as many as that. */
function recordsOf(value: Json): number {
  if (value === null || value === "") return 0;
  if (typeof value !== "object") return 1;
  let [most, visited, level] = [Object.keys(value).length === 0 ? 0 : 1, 0, [value]];
  for (let depth = 0; depth <= recordsDepth && level.length > 0; depth += 1) {
    visited += level.length;
    if (visited > visitedMax) return Math.max(most, visitedMax);
    for (const holder of level) if (Array.isArray(holder)) most = Math.max(most, holder.length);
    level = level.flatMap((holder) => Object.values(holder) as Json[]).filter(isHolder);
  }
  return most;
}

type Holder = JsonObject | readonly Json[];

function isHolder(value: Json): value is Holder {
  return typeof value === "object" && value !== null;
}
