import { BuiltinError } from "../builtins/builtin.ts";
import { RegoNumber, RegoObject, RegoSet, type Value } from "./value.ts";

/** Values nested deeper are not looked into: the stack has an end. */
export const depthMax = 1000;

/** The check that comes before each step into a value. */
export function checkDepth(depth: number): void {
  if (depth > depthMax) throw new BuiltinError(`a value is nested deeper than ${depthMax}`);
}

/** Pays for work, see `BuiltinContext`. */
export type Spend = (units: number) => void;

/** Units for one part of a value, and for one item of a set, which has to be put in order first. */
const cost = { part: 20, item: 300 } as const;

/** Pays for looking at what a value consists of. */
export function payParts(value: RegoSet | RegoObject | readonly Value[], spend: Spend): void {
  if (value instanceof RegoSet) spend(value.size * cost.item);
  else spend((value instanceof RegoObject ? value.size * 2 : value.length) * cost.part);
}

/** For callers that have paid by themselves. */
export const paid: Spend = () => undefined;

/** A text that is the same for equal values, and only for them, however their numbers are written: a key for maps and sets. */
export function keyOf(value: Value, spend = paid): string {
  return write(value, spend, 0);
}

function write(value: Value, spend: Spend, depth: number): string {
  if (typeof value === "string") return `${value.length}"${value}`;
  if (value instanceof RegoNumber) return numberKey(value.text);
  if (value === null || typeof value === "boolean") return String(value);
  checkDepth(depth);
  payParts(value, spend);
  const inner = (item: Value) => write(item, spend, depth + 1);
  if (value instanceof RegoObject) return `{${value.entries.map(([key, item]) => `${inner(key)}:${inner(item)}`).join()}}`;
  return value instanceof RegoSet ? `<${value.items.map(inner).join()}>` : `[${value.map(inner).join()}]`;
}

const decimal = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** The digits without zeros around them, and the power of ten. */
function numberKey(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = decimal.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  let end = digits.length;
  while (digits.charAt(end - 1) === "0") end--;
  if (end === 0) return "0";
  return `${sign}${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}
