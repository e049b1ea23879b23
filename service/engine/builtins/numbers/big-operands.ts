import { bitLength } from "../../go/big-float/big-float.ts";
import { bitsOf, wholeOf } from "../../go/big-float/math.ts";
import { numberOf, type RegoNumber, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { numberOperand } from "../operands.ts";

/** Pays for digits that are read or written; BigInt takes more than linear time for them up to some size. */
export function payForBits(bits: number, context: BuiltinContext): void {
  context.spend((bits * Math.min(bits, 100_000)) / 10_000);
}

/** Units for a number that is read. */
const numberUnits = 20;

/** The text of the number that an operand must be, paid for; fails where the number would have too many bits. */
export function paidText(value: Value | undefined, context: BuiltinContext): string {
  const { text } = numberOperand(value);
  payForBits(bitsOf(text), context);
  context.spend(numberUnits);
  return text;
}

/** The integer of any size that an operand must be, however it is written, paid for. */
export function wholeOperand(value: Value | undefined, context: BuiltinContext): bigint {
  const whole = wholeOf(paidText(value, context));
  if (whole === undefined) throw new BuiltinError("operand must be an integer and has a fraction");
  return whole;
}

/** An integer as result, paid for. */
export function wholeNumber(value: bigint, context: BuiltinContext): RegoNumber {
  payForBits(bitLength(value < 0n ? -value : value), context);
  return numberOf(value);
}
