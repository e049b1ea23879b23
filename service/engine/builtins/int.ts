import type { Value } from "../value/value.ts";
import { BuiltinError } from "./builtin.ts";
import { numberOperand } from "./operands.ts";

const plain = /^[+-]?(\d*)(?:\.0*)?$/;

/** The 64-bit integer of a text as OPA reads one: at most 19 characters behind the sign, and nothing but zeros behind a point. */
export function readInt(text: string): bigint | undefined {
  const digits = text.length > 20 ? undefined : plain.exec(text)?.[1];
  const length = text.length - (/^[+-]/.test(text) ? 1 : 0);
  if (digits === undefined || length === 0 || length > 19) return undefined;
  const value = BigInt(`${text.startsWith("-") ? "-" : ""}${digits === "" ? "0" : digits}`);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

/** The 64-bit integer that an operand must be, `2` or `2.0`, but not `2e0`. */
export function intOf(value: Value | undefined): bigint {
  const int = readInt(numberOperand(value).text);
  if (int === undefined) throw new BuiltinError("operand must be a 64-bit integer");
  return int;
}
