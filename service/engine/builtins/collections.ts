import { checkDepth, keyOf } from "../value/key.ts";
import { numberOf, RegoObject, type Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { wholeOperand } from "./numbers/big-operands.ts";
import { arrayOf, intOf, objectOperand } from "./operands.ts";

function slice(array: readonly Value[], start: bigint, stop: bigint): readonly Value[] {
  const clamped = (index: bigint) => (index < 0n ? 0 : Math.min(Number(index), array.length));
  return array.slice(clamped(start), clamped(stop));
}

/** Numbers in one range at most; OPA goes on until it is stopped. */
const rangeMax = 1_000_000n;
/** Units for one number of a range. */
const numberUnits = 40;

function range(from: bigint, to: bigint, context: BuiltinContext): readonly Value[] {
  const count = (from < to ? to - from : from - to) + 1n;
  if (count > rangeMax) throw new BuiltinError(`the range has more than ${rangeMax} numbers`);
  const digits = Math.max(String(from).length, String(to).length);
  context.spend(Number(count) * (numberUnits + 2 * digits));
  const sign = from <= to ? 1 : -1;
  if (digits <= 15) return Array.from({ length: Number(count) }, (_, index) => numberOf(Number(from) + sign * index));
  return Array.from({ length: Number(count) }, (_, index) => numberOf(from + BigInt(sign * index)));
}

/** A member of the union: a value, or objects that are still merged. `closed` is one that other objects stay out of. */
interface Member {
  readonly key: Value;
  readonly value: Value;
  readonly merged: Map<string, Member> | undefined;
  closed: boolean;
}

/** Units for one member of one object. */
const memberUnits = 30;

/** The union of objects, the last one first: what is there stays, and objects in the same place are merged. */
function union(objects: readonly RegoObject[], context: BuiltinContext): Value {
  const merged = new Map<string, Member>();
  for (const object of [...objects].reverse()) merge(merged, object, context, 0);
  return rendered(merged);
}

function merge(into: Map<string, Member>, object: RegoObject, context: BuiltinContext, depth: number): void {
  checkDepth(depth);
  context.spend(object.size * memberUnits);
  for (const [key, value] of object.entries) {
    const name = keyOf(key, (units) => context.spend(units));
    const member = into.get(name);
    if (member === undefined) into.set(name, memberOf(key, value, context, depth));
    else if (member.merged === undefined || !(value instanceof RegoObject)) member.closed = true;
    else if (!member.closed) merge(member.merged, value, context, depth + 1);
  }
}

function memberOf(key: Value, value: Value, context: BuiltinContext, depth: number): Member {
  if (!(value instanceof RegoObject)) return { key, value, merged: undefined, closed: true };
  const merged = new Map<string, Member>();
  merge(merged, value, context, depth + 1);
  return { key, value, merged, closed: false };
}

function rendered(members: Map<string, Member>): Value {
  return new RegoObject([...members.values()].map(({ key, value, merged }) => [key, merged === undefined ? value : rendered(merged)]));
}

/** `array.slice`, `numbers.range` and `object.union_n`. */
export const nativeCollections: Family = {
  "array.slice": ([array, start, stop]) => slice(arrayOf(array), intOf(start), intOf(stop)),
  "numbers.range": ([from, to], context) => range(wholeOperand(from, context), wholeOperand(to, context), context),
  "object.union_n": ([objects], context) => union(arrayOf(objects).map(objectOperand), context),
};
