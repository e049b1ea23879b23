import type { Buffer } from "node:buffer";
import { textOf } from "../../value/bytes.ts";
import { numberOf, RegoNumber, RegoObject, type Value } from "../../value/value.ts";
import type { BuiltinContext } from "../builtin.ts";

/** Fields of an object by their names. */
export type Fields = Readonly<Record<string, Value>>;

/** An object of groups of fields with its keys, which are ASCII, in order from the start: writing it then takes little. */
export function objectValue(...groups: readonly Fields[]): RegoObject {
  const entries = groups.flatMap((group) => Object.entries(group));
  return new RegoObject(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A list as Go's JSON has it: null when nothing was ever put into it. */
export function listValue(items: readonly Value[] | undefined): Value {
  return items === undefined || items.length === 0 ? null : items;
}

/** Bytes as standard base64. */
export function base64Value(bytes: Buffer): string {
  return bytes.toString("base64");
}

/** An object identifier as a list of its numbers. */
export function oidValue(numbers: readonly number[]): Value {
  return numbers.map(numberOf);
}

/** Text of bytes as Go's JSON has it: U+FFFD for each byte that is not UTF-8. */
export function jsonText(bytes: Buffer): string {
  return textOf(bytes).toWellFormed();
}

/** An integer in decimal, which takes more than linear time and is paid for. */
export function decimalValue(value: bigint, context: BuiltinContext): Value {
  const size = value.toString(16).length / 2;
  context.spend(Math.min((size * size) / 64, size * 100));
  return new RegoNumber(value.toString());
}
