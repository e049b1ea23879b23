import { RegoNumber, RegoObject, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";

/** A character of a string that was indexed. */
export interface Byte {
  readonly byte: number;
}

/**
 * A value as a template of Go sees it: Rego's value (numbers are their texts, as `json.Number`), integers (bigint) and doubles of the
 * template itself, and undefined for what is not there. `null` is what an item of an array or object, or an argument, may be.
 */
export type GoValue = Value | bigint | number | Byte | undefined;

export type Kind = "nothing" | "nil" | "bool" | "int" | "uint" | "float" | "string" | "slice" | "map";

/** Go's kind of a value; numbers from Rego are strings to it. */
export function kindOf(value: GoValue): Kind {
  if (value === undefined) return "nothing";
  if (value === null) return "nil";
  if (value instanceof RegoNumber) return "string";
  if (value instanceof RegoObject) return "map";
  if (Array.isArray(value)) return "slice";
  return kinds.get(typeof value) ?? "uint";
}

const kinds: ReadonlyMap<string, Kind> = new Map([
  ["boolean", "bool"],
  ["bigint", "int"],
  ["number", "float"],
  ["string", "string"],
]);

/** Go's name of a value's type, as `%T` has it. */
export function goTypeOf(value: GoValue): string {
  return value instanceof RegoNumber ? "json.Number" : (types.get(kindOf(value)) ?? "<nil>");
}

const types: ReadonlyMap<Kind, string> = new Map<Kind, string>([
  ["bool", "bool"],
  ["int", "int"],
  ["uint", "uint8"],
  ["float", "float64"],
  ["string", "string"],
  ["slice", "[]interface {}"],
  ["map", "map[string]interface {}"],
]);

/** The text of a value of kind string. */
export function textIn(value: GoValue): string {
  return value instanceof RegoNumber ? value.text : String(value);
}

export function itemsIn(value: GoValue): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : [];
}

/** The integer that a value of kind int or uint is. */
export function integerIn(value: GoValue): bigint {
  if (typeof value === "bigint") return value;
  return BigInt(isByte(value) ? value.byte : 0);
}

function isByte(value: GoValue): value is Byte {
  return kindOf(value) === "uint";
}

/** Whether a value counts as true: it is not the zero of its type, and not empty. */
export function isTrue(value: GoValue): boolean {
  if (value instanceof RegoObject) return value.size > 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof RegoNumber) return true;
  return isByte(value) ? value.byte !== 0 : Boolean(value);
}

/** Characters of a text that a template makes; a short template must not make a huge one. */
const textMax = 1 << 24;
const charactersPerUnit = 4;

/** The joined text, paid for. */
export function joinedText(parts: readonly string[], separator: string, context: BuiltinContext): string {
  const length = parts.reduce((sum, part) => sum + part.length + separator.length, 0);
  checkLength(length);
  context.spend(length / charactersPerUnit);
  return parts.join(separator);
}

/** Fails for a text that is too long. */
export function checkLength(length: number): void {
  if (length > textMax) throw new BuiltinError("a template makes too much text");
}
