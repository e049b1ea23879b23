import { RegoNumber, type Value } from "../../value/value.ts";
import { BuiltinError } from "../builtin.ts";
import { readInt } from "../operands.ts";

/** The keys of a path: a JSON pointer (RFC 6901), whose slashes in front do not count, or an array of any values. */
export function pathOf(value: Value | undefined): readonly Value[] {
  if (Array.isArray(value)) return value as readonly Value[];
  if (typeof value !== "string") throw new BuiltinError("a path must be a string or an array");
  if (value === "") return [];
  const segments = value.replace(/^\/+/, "").split("/");
  return segments.map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The index that a key is in an array of some length; `-` is the one behind the last. */
export function indexOf(key: Value, length: number): number {
  if (key === "-") return length;
  const text = key instanceof RegoNumber ? key.text : typeof key === "string" ? key : "";
  const index = readInt(text);
  const padded = typeof key === "string" && key !== "0" && key.startsWith("0");
  if (index === undefined || padded) throw new BuiltinError("an index must be an integer without leading zeros");
  return Number(index);
}
