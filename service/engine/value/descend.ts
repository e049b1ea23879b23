import { compare, numberOf, RegoNumber, RegoObject, RegoSet, type Value } from "./value.ts";

/**
 * The value below another one, as a path of OPA's data API leads to it: the value of a key, the item of an array, the member of a set.
 * `undefined` when there is none.
 */
export function descend(value: Value, path: readonly (string | number)[]): Value | undefined {
  let found: Value | undefined = value;
  for (const step of path) {
    if (found === undefined) return undefined;
    found = stepInto(found, step);
  }
  return found;
}

function stepInto(value: Value, step: string | number): Value | undefined {
  const key = typeof step === "number" ? numberOf(step) : step;
  // Keys of data are texts, and OPA's store finds them by a number too.
  if (value instanceof RegoObject) return value.get(key) ?? value.get(String(step));
  if (value instanceof RegoSet) return value.items.find((item) => compare(item, key) === 0);
  return Array.isArray(value) && typeof step === "number" ? (value as readonly Value[])[step] : undefined;
}

/** A value as JavaScript has it: sets are arrays in OPA's order, numbers are doubles. Throws for a number that is beyond them. */
export function toJson(value: Value): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (value instanceof RegoNumber) return double(value.text);
  if (value instanceof RegoSet) return value.items.map(toJson);
  if (value instanceof RegoObject) return Object.fromEntries(value.entries.map(([key, item]) => [keyText(key), toJson(item)]));
  return Array.isArray(value) ? value.map(toJson) : value;
}

function keyText(key: Value): string {
  return typeof key === "string" ? key.toWellFormed() : JSON.stringify(toJson(key));
}

function double(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number)) return number;
  throw new Error("the result holds a number out of range");
}
