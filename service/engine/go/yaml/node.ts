import { formatFloat } from "../float.ts";
import { type GoScalar, resolve, shortTag } from "./resolve.ts";

/** A node of a document. */
export type Node = Scalar | Sequence | Mapping | Alias;
/** A key and its value in a mapping. */
export type Pair = readonly [Node, Node];

/** A text that stands for a value. */
export interface Scalar {
  readonly kind: "scalar";
  /** In its short form (`!!int`), whether it was written or not. */
  readonly tag: string;
  readonly value: string;
  /** The tag is only what the text looks like. */
  readonly implicit: boolean;
}

/** A list of nodes. */
export interface Sequence {
  readonly kind: "sequence";
  readonly items: readonly Node[];
}

/** Keys with values, as {@link fillMapping} leaves them. */
export interface Mapping {
  readonly kind: "mapping";
  pairs: readonly Pair[];
  /** Go's yaml refuses it, because two keys are written the same. */
  duplicate: boolean;
  /** Every key is a string: keys that are merged into it are strings then. */
  textKeys: boolean;
}

/** A name for a node before it. */
export interface Alias {
  readonly kind: "alias";
  readonly name: string;
  readonly target: Node;
}

/** A scalar; without a tag, or with `!`, its text decides unless it is quoted. */
export function scalar(tag: string | undefined, value: string, plain: boolean): Scalar {
  if (tag !== undefined && tag !== "!") return { kind: "scalar", tag: shortTag(tag), value, implicit: false };
  if (!plain) return { kind: "scalar", tag: "!!str", value, implicit: false };
  return { kind: "scalar", tag: value === "<<" ? "!!merge" : resolve("", value).tag, value, implicit: true };
}

/** A mapping without pairs. */
export function newMapping(): Mapping {
  return { kind: "mapping", pairs: [], duplicate: false, textKeys: true };
}

/**
 * Gives a mapping its pairs as OPA prepares them for Go's yaml v3: several `<<` become one, and of keys that are the same string in JSON
 * the last one counts, at the place of the first.
 */
export function fillMapping(mapping: Mapping, pairs: readonly Pair[]): void {
  mapping.pairs = lastOfEach(oneMerge(pairs));
  mapping.duplicate = new Set(mapping.pairs.map(([key]) => identity(key))).size < mapping.pairs.length;
  mapping.textKeys = mapping.pairs.every(([key]) => isTextKey(key));
}

function hasMergeTag(node: Node): boolean {
  return node.kind === "scalar" && node.tag === "!!merge";
}

function oneMerge(pairs: readonly Pair[]): readonly Pair[] {
  const merges = pairs.filter(([key]) => hasMergeTag(key));
  const items = merges.flatMap(([, value]) => (value.kind === "sequence" ? value.items : [value]));
  const first = merges[0]?.[0];
  if (first === undefined || items.length < 2) return pairs;
  const merged: Pair = [first, { kind: "sequence", items }];
  return pairs.flatMap((pair) => (pair[0] === first ? [merged] : hasMergeTag(pair[0]) ? [] : [pair]));
}

function lastOfEach(pairs: readonly Pair[]): readonly Pair[] {
  const places = new Map<string, number>();
  const kept: Pair[] = [];
  for (const [key, value] of pairs) {
    const name = key.kind === "scalar" && key.tag !== "!!merge" ? nameOf(key) : undefined;
    const place = name === undefined ? undefined : places.get(name);
    const earlier = place === undefined ? undefined : kept[place];
    if (place !== undefined && earlier !== undefined) kept[place] = [earlier[0], value];
    else kept.push([key, value]);
    if (name !== undefined && place === undefined) places.set(name, kept.length - 1);
  }
  return kept;
}

function nameOf(key: Scalar): string | undefined {
  try {
    return keyName(resolve(key.tag, key.value).value);
  } catch {
    return undefined;
  }
}

/** The string that a key becomes in JSON; undefined when there is none. */
export function keyName(key: GoScalar): string | undefined {
  if (typeof key === "string") return key;
  if (typeof key === "boolean") return String(key);
  if (typeof key === "number") return floatName(key);
  return key !== null && "integer" in key ? String(key.integer) : undefined;
}

/** Written as a float of 32 bits. */
function floatName(key: number): string {
  const single = Math.fround(key);
  if (Number.isNaN(single)) return ".nan";
  const sign = single < 0 || Object.is(single, -0) ? "-" : "";
  if (!Number.isFinite(single)) return `${sign}.inf`;
  return sign + formatFloat(shortestSingle(Math.abs(single)), "g", undefined, false);
}

/** The shortest decimal that is the same float of 32 bits, as a double. */
function shortestSingle(single: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}

/** Go's yaml compares kinds and texts. */
function identity(key: Node): string {
  if (key.kind === "scalar") return `scalar ${key.value}`;
  return key.kind === "alias" ? `alias ${key.name}` : key.kind;
}

function isTextKey(key: Node): boolean {
  const target = key.kind === "alias" ? key.target : key;
  if (target.kind !== "scalar") return false;
  return target.tag === "!!str" || target.tag === "!!merge" || (target.implicit && target.tag === "!!timestamp");
}
