import { bitLength } from "../go/big-float/big-float.ts";
import {
  add,
  bitsMax,
  ceiling,
  divide,
  floatOf,
  floor,
  multiply,
  negated,
  rounded,
  type SignedFloat,
  smallFloat,
  wholeOf,
} from "../go/big-float/math.ts";
import { floatText } from "../go/big-float/text.ts";
import { compare, numberOf, RegoNumber, RegoSet, type Value } from "../value/value.ts";
import { type Builtin, type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { paidText, payForBits, wholeNumber, wholeOperand } from "./numbers/big-operands.ts";
import { itemsOf, wrongType } from "./operands.ts";

/** Units for a float that is made of a number and written. */
const floatUnits = 200;

function floatNumber(value: SignedFloat, context: BuiltinContext): RegoNumber {
  // The number and the bounds of what rounds to it are written out, negative powers of two as powers of five.
  payForBits(3 * (Math.max(value.exponent, -2.4 * value.exponent) + value.precision), context);
  context.spend(floatUnits);
  return new RegoNumber(floatText(value));
}

/** One operation on integers of any size and, where an operand is not one, on floats. */
interface Operation {
  readonly whole: (x: bigint, y: bigint) => bigint;
  readonly float: (x: SignedFloat, y: SignedFloat) => SignedFloat;
}

function apply({ whole, float }: Operation, operands: readonly (Value | undefined)[], context: BuiltinContext): RegoNumber {
  const [a = "", b = ""] = operands.map((operand) => paidText(operand, context));
  const [x, y] = [wholeOf(a), wholeOf(b)];
  if (x !== undefined && y !== undefined) return wholeNumber(whole(x, y), context);
  return floatNumber(float(floatOf(a), floatOf(b)), context);
}

/** The product of integers; an evaluation may not make a number of any size. */
function product(x: bigint, y: bigint): bigint {
  if (bitLength(x < 0n ? -x : x) + bitLength(y < 0n ? -y : y) > bitsMax) throw new BuiltinError("number is too large");
  return x * y;
}

const plus: Operation = { whole: (x, y) => x + y, float: add };
const minus: Operation = { whole: (x, y) => x - y, float: (x, y) => add(x, negated(y)) };
const times: Operation = { whole: product, float: (x, y) => multiply(x, y, Math.max(x.precision, y.precision)) };

/** Numbers or sets. */
function difference(a: Value | undefined, b: Value | undefined, context: BuiltinContext): Value {
  if (!(a instanceof RegoSet)) return apply(minus, [a, b], context);
  if (!(b instanceof RegoSet)) throw wrongType("set", b);
  context.spend(a.size + b.size);
  let at = 0;
  const kept = a.items.filter((item) => {
    while (at < b.size && compare(b.items[at] as Value, item) < 0) at++;
    return at >= b.size || compare(b.items[at] as Value, item) !== 0;
  });
  return new RegoSet(kept);
}

/** Integers that doubles reckon with exactly, which most are. */
const short = /^-?[1-9]\d{0,14}$/;

function quotient(a: Value | undefined, b: Value | undefined, context: BuiltinContext): Value {
  if (a instanceof RegoNumber && b instanceof RegoNumber && short.test(a.text) && short.test(b.text)) {
    const [dividend, divisor] = [Number(a.text), Number(b.text)];
    if (dividend % divisor === 0) return numberOf(dividend / divisor);
  }
  const [x, y] = [floatOf(paidText(a, context)), floatOf(paidText(b, context))];
  if (y.mantissa === 0n) throw new BuiltinError("divide by zero");
  return floatNumber(divide(x, y), context);
}

function remainder(a: Value | undefined, b: Value | undefined, context: BuiltinContext): Value {
  const [x, y] = [wholeOperand(a, context), wholeOperand(b, context)];
  if (y === 0n) throw new BuiltinError("modulo by zero");
  return wholeNumber(x % y, context);
}

/** A float of the number's 64 bits, even if it is an integer that has more of them. None of the operations changes a short integer above 0. */
function unary(operation: (x: SignedFloat) => SignedFloat): Builtin {
  return ([operand], context) => {
    const text = paidText(operand, context);
    if (text.length <= 15 && /^[1-9]\d*$/.test(text)) return new RegoNumber(text);
    return floatNumber(operation(floatOf(text)), context);
  };
}

/** Puts the operation between all items; `start` is where it begins. */
function fold(operation: Operation, items: readonly Value[], start: SignedFloat, context: BuiltinContext): RegoNumber {
  const texts = items.map((item) => paidText(item, context));
  const exact = foldWhole(operation, texts, start.mantissa, context);
  if (exact !== undefined) return wholeNumber(exact, context);
  context.spend(texts.length * floatUnits);
  return floatNumber(
    texts.reduce((total, text) => operation.float(total, floatOf(text)), start),
    context,
  );
}

function foldWhole({ whole }: Operation, texts: readonly string[], start: bigint, context: BuiltinContext): bigint | undefined {
  let total = start;
  for (const text of texts) {
    const value = wholeOf(text);
    if (value === undefined) return undefined;
    total = whole(total, value);
    if (BigInt.asIntN(64, total) !== total) context.spend(bitLength(total < 0n ? -total : total) / 10);
  }
  return total;
}

/** OPA's products have the bits of a double all along. */
const productBits = 53;

/** Numbers as OPA reckons with them: integers exactly, others as Go's `big.Float`. They fail for results of a million bits. */
export const arithmetic: Family = {
  plus: (operands, context) => apply(plus, operands, context),
  minus: ([a, b], context) => difference(a, b, context),
  mul: (operands, context) => apply(times, operands, context),
  div: ([a, b], context) => quotient(a, b, context),
  rem: ([a, b], context) => remainder(a, b, context),
  abs: unary((x) => ({ ...x, negative: false })),
  ceil: unary(ceiling),
  floor: unary(floor),
  round: unary(rounded),
  sum: ([items], context) => fold(plus, itemsOf(items), smallFloat(0, 64), context),
  product: ([items], context) =>
    fold({ ...times, float: (x, y) => multiply(x, y, productBits) }, itemsOf(items), smallFloat(1, productBits), context),
};
