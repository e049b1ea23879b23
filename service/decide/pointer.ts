import type { Json, JsonObject } from "./json.ts";

/** Reads a JSON pointer (RFC 6901) in the arguments; undefined when there is nothing. */
export function at(document: Json, pointer: string): Json | undefined {
  if (pointer === "") return document;
  let node: Json | undefined = document;
  for (const part of pointer.slice(1).split("/")) {
    if (typeof node !== "object" || node === null) return undefined;
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    node = Object.hasOwn(node, key) ? (node as JsonObject)[key] : undefined;
  }
  return node;
}
