import { checkDepth, paid, payParts, type Spend } from "./key.ts";
import { RegoNumber, RegoObject, RegoSet, type Value } from "./value.ts";

/** About how many characters a value has when it is written, and how deep it is nested. */
export interface Size {
  readonly size: number;
  readonly depth: number;
}

const known = new WeakMap<object, Size>();

/** Parts that are in many places count each time and are looked at once, so that this is fast where writing the value is not. */
export function sizeOf(value: Value, spend = paid): Size {
  return measure(value, spend, 0);
}

function measure(value: Value, spend: Spend, level: number): Size {
  if (typeof value === "string") return { size: value.length + 2, depth: 0 };
  if (value instanceof RegoNumber) return { size: value.text.length, depth: 0 };
  if (value === null || typeof value === "boolean") return { size: 5, depth: 0 };
  const measured = known.get(value) ?? sum(value, spend, level);
  known.set(value, measured);
  return measured;
}

type Composite = RegoSet | RegoObject | readonly Value[];

function partsOf(value: Composite): readonly Value[] {
  if (value instanceof RegoObject) return value.entries.flat();
  return value instanceof RegoSet ? value.items : value;
}

function sum(value: Composite, spend: Spend, level: number): Size {
  checkDepth(level);
  payParts(value, spend);
  const sizes = partsOf(value).map((part) => measure(part, spend, level + 1));
  const size = sizes.reduce((total, part) => total + part.size + 2, 2);
  return { size, depth: 1 + sizes.reduce((deepest, part) => Math.max(deepest, part.depth), 0) };
}
