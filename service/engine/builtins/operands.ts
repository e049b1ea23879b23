import { exactInteger } from "../value/number.ts";
import { numberOf, RegoNumber, RegoObject, RegoSet, typeName, type Value } from "../value/value.ts";
import { BuiltinError } from "./builtin.ts";

/** The string that an operand must be. */
export function stringOf(value: Value | undefined): string {
  if (typeof value !== "string") throw wrongType("string", value);
  return value;
}

export function booleanOf(value: Value | undefined): boolean {
  if (typeof value !== "boolean") throw wrongType("boolean", value);
  return value;
}

export function arrayOf(value: Value | undefined): readonly Value[] {
  if (!Array.isArray(value)) throw wrongType("array", value);
  return value;
}

export function objectOperand(value: Value | undefined): RegoObject {
  if (!(value instanceof RegoObject)) throw wrongType("object", value);
  return value;
}

/** The items of an operand that must be an array or a set. */
export function itemsOf(value: Value | undefined): readonly Value[] {
  if (value instanceof RegoSet) return value.items;
  if (!Array.isArray(value)) throw wrongType("array or set", value);
  return value;
}

/** The items of an operand that must be an array or a set of strings. */
export function stringsOf(value: Value | undefined): readonly string[] {
  return itemsOf(value).map((item) => stringOf(item));
}

export function numberOperand(value: Value | undefined): RegoNumber {
  if (!(value instanceof RegoNumber)) throw wrongType("number", value);
  return value;
}

/** The integer that an operand must be, however it is written (`2`, `2.0`, `2e0`). */
export function integerOf(value: Value | undefined): bigint {
  const integer = exactInteger(numberOperand(value).text);
  if (integer === undefined) throw new BuiltinError("operand must be an integer and has a fraction");
  return integer;
}

/** The 64-bit integer that an operand must be, `2` or `2.0`, but not `2e0`. */
export function intOf(value: Value | undefined): bigint {
  const int = readInt(numberOperand(value).text);
  if (int === undefined) throw new BuiltinError("operand must be a 64-bit integer");
  return int;
}

const plain = /^[+-]?(\d*)(?:\.0*)?$/;

/** The 64-bit integer of a text as OPA reads one: at most 19 characters behind the sign, and nothing but zeros behind a point. */
export function readInt(text: string): bigint | undefined {
  const digits = text.length > 20 ? undefined : plain.exec(text)?.[1];
  const length = text.length - (/^[+-]/.test(text) ? 1 : 0);
  if (digits === undefined || length === 0 || length > 19) return undefined;
  const value = BigInt(`${text.startsWith("-") ? "-" : ""}${digits === "" ? "0" : digits}`);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

/** A 64-bit integer as result. */
export function int64(value: bigint, outside: string): RegoNumber {
  if (value !== BigInt.asIntN(64, value)) throw new BuiltinError(outside);
  return numberOf(value);
}

export function wrongType(expected: string, value: Value | undefined): BuiltinError {
  return new BuiltinError(`operand must be of type ${expected} and is ${value === undefined ? "missing" : `of type ${typeName(value)}`}`);
}
