import { member } from "../catalog.ts";
import type { Json, JsonObject } from "../json.ts";
import { at } from "../pointer.ts";

const read = new WeakMap<object, ReadonlySet<string>>();
const none: ReadonlySet<string> = new Set();

/** Tools that some catalog entry requires: of their calls it is remembered what they showed. Read once per bundle. */
export function requiredTools(data: JsonObject): ReadonlySet<string> {
  const tools = at(data, "/remit/catalog/tools");
  if (typeof tools !== "object" || tools === null || Array.isArray(tools)) return none;
  const known = read.get(tools);
  if (known !== undefined) return known;
  const required = new Set(Object.values(tools as JsonObject).flatMap((entry) => toolsOf(member(entry, "requires"))));
  read.set(tools, required);
  return required;
}

function toolsOf(requires: Json | undefined): string[] {
  if (!Array.isArray(requires)) return [];
  return requires.map((item: Json) => member(item, "tool")).filter((tool) => typeof tool === "string");
}
