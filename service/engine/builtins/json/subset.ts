import { checkDepth, keyOf, payParts, type Spend } from "../../value/key.ts";
import { RegoObject, RegoSet, type Value } from "../../value/value.ts";
import { BuiltinError } from "../builtin.ts";

type Kind = "object" | "set" | "array" | "other";

function kindOf(value: Value): Kind {
  if (value instanceof RegoObject) return "object";
  if (value instanceof RegoSet) return "set";
  return Array.isArray(value) ? "array" : "other";
}

/** `object.subset`: objects, sets and arrays by their kind, an array and a set in any order; fails for other pairs. */
export function isSubset(whole: Value, part: Value, { spend }: { readonly spend: Spend }): boolean {
  if (Array.isArray(whole) && part instanceof RegoSet) return arrayHasSet(whole, part, spend);
  if (kindOf(whole) !== kindOf(part) || kindOf(whole) === "other")
    throw new BuiltinError("operands must be of the same type, object, set or array, or an array and a set");
  return covers(whole, part, spend, 0);
}

function covers(whole: Value, part: Value, spend: Spend, depth: number): boolean {
  if (whole instanceof RegoObject && part instanceof RegoObject) return objectCovers(whole, part, spend, depth + 1);
  if (whole instanceof RegoSet && part instanceof RegoSet) return setCovers(whole, part, spend);
  if (Array.isArray(whole) && Array.isArray(part)) return arrayHasRun(keysIn(whole, spend), keysIn(part, spend));
  return kindOf(whole) === kindOf(part) && keyOf(whole, spend) === keyOf(part, spend);
}

/** Only objects go into their values; what sets and arrays have must be equal. */
function objectCovers(whole: RegoObject, part: RegoObject, spend: Spend, depth: number): boolean {
  checkDepth(depth);
  payParts(whole, spend);
  payParts(part, spend);
  const values = new Map(whole.entries.map(([key, value]) => [keyOf(key, spend), value] as const));
  return part.entries.every(([key, value]) => {
    const other = values.get(keyOf(key, spend));
    return other !== undefined && covers(other, value, spend, depth);
  });
}

function keysIn(value: RegoSet | readonly Value[], spend: Spend): readonly string[] {
  payParts(value, spend);
  return (value instanceof RegoSet ? value.items : value).map((item) => keyOf(item, spend));
}

function setCovers(whole: RegoSet, part: RegoSet, spend: Spend): boolean {
  const keys = new Set(keysIn(whole, spend));
  return keysIn(part, spend).every((key) => keys.has(key));
}

/** Like OPA, which counts items of the array that are in the set: the same item twice makes up for one that is missing. */
function arrayHasSet(whole: readonly Value[], part: RegoSet, spend: Spend): boolean {
  const keys = new Set(keysIn(part, spend));
  const matching = keysIn(whole, spend).filter((key) => keys.has(key)).length;
  return whole.length > 0 && matching >= part.size;
}

/** Whether the items follow each other somewhere (Knuth, Morris and Pratt: in linear time). */
function arrayHasRun(whole: readonly string[], part: readonly string[]): boolean {
  const borders = bordersOf(part);
  let matched = 0;
  for (const key of whole) {
    if (matched === part.length) break;
    while (matched > 0 && part[matched] !== key) matched = borders[matched - 1] ?? 0;
    if (part[matched] === key) matched++;
  }
  return matched === part.length;
}

/** For each start of a list, how long the longest shorter start is that it ends with. */
function bordersOf(keys: readonly string[]): readonly number[] {
  const borders = keys.map(() => 0);
  for (let at = 1, border = 0; at < keys.length; at++) {
    while (border > 0 && keys[at] !== keys[border]) border = borders[border - 1] ?? 0;
    if (keys[at] === keys[border]) border++;
    borders[at] = border;
  }
  return borders;
}
