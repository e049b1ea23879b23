import type { Json, JsonObject } from "./json.ts";

/** A part of a JSON pointer as the name it stands for (RFC 6901 section 4). */
export function unescapedPart(part: string): string {
  return part.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** A member's name as a part of a JSON pointer. */
export function escapedPart(name: string): string {
  return name.includes("~") || name.includes("/") ? name.replaceAll("~", "~0").replaceAll("/", "~1") : name;
}

/** Reads a JSON pointer (RFC 6901); undefined when there is nothing. */
export function at(document: Json, pointer: string): Json | undefined {
  if (pointer === "") return document;
  let node: Json | undefined = document;
  for (const part of pointer.slice(1).split("/")) {
    if (typeof node !== "object" || node === null) return undefined;
    const key = unescapedPart(part);
    node = Object.hasOwn(node, key) ? (node as JsonObject)[key] : undefined;
  }
  return node;
}
