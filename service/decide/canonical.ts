import { hash } from "node:crypto";
import type { Json } from "./json.ts";

/** Canonical JSON (RFC 8785, JCS): members sorted by UTF-16 code units, no white space, numbers and texts as ECMAScript writes them. */
export function canonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value as Record<string, Json>).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
}

/** `sha256:` and the hex digest of the canonical form. */
export function digestOf(value: Json): string {
  return `sha256:${hash("sha256", canonicalJson(value), "hex")}`;
}
