import { member } from "../catalog.ts";
import type { Json, JsonObject } from "../json.ts";
import { at } from "../pointer.ts";

const read = new WeakMap<object, ReadonlySet<string>>();

/** Tools that some catalog entry requires: of their calls it is remembered what they showed. Read once per bundle. */
export function requiredTools(data: JsonObject): ReadonlySet<string> {
  const known = read.get(data);
  if (known !== undefined) return known;
  const tools = at(data, "/remit/catalog/tools");
  const entries = typeof tools !== "object" || tools === null || Array.isArray(tools) ? [] : Object.values(tools as JsonObject);
  const required = new Set(entries.flatMap((entry) => toolsOf(member(entry, "requires"))));
  read.set(data, required);
  return required;
}

function toolsOf(requires: Json | undefined): string[] {
  if (!Array.isArray(requires)) return [];
  return requires.map((item: Json) => member(item, "tool")).filter((tool) => typeof tool === "string");
}
