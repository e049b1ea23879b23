import { bitLength } from "../go/big-float/big-float.ts";
import { bitsMax } from "../go/big-float/math.ts";
import { type Builtin, BuiltinError, type Family } from "./builtin.ts";
import { wholeNumber, wholeOperand } from "./numbers/big-operands.ts";

function binary(operation: (x: bigint, y: bigint) => bigint): Builtin {
  return ([a, b], context) => wholeNumber(operation(wholeOperand(a, context), wholeOperand(b, context)), context);
}

/** OPA takes the lowest 64 bits of a shift, whatever is above. */
function shiftOf(count: bigint): bigint {
  if (count < 0n) throw new BuiltinError("a shift must not be negative");
  return BigInt.asUintN(64, count);
}

/** OPA panics where memory ends. */
function shiftLeft(x: bigint, count: bigint): bigint {
  const shift = shiftOf(count);
  if (x === 0n) return 0n;
  if (shift + BigInt(bitLength(x < 0n ? -x : x)) > BigInt(bitsMax)) throw new BuiltinError("a shift is too large");
  return x << shift;
}

/** `bits.*`, on integers of any size as two's complement. */
export const bits: Family = {
  "bits.and": binary((x, y) => x & y),
  "bits.or": binary((x, y) => x | y),
  "bits.xor": binary((x, y) => x ^ y),
  "bits.negate": ([x], context) => wholeNumber(~wholeOperand(x, context), context),
  "bits.lsh": binary(shiftLeft),
  "bits.rsh": binary((x, count) => x >> shiftOf(count)),
};
