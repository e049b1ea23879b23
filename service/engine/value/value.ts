import { Buffer } from "node:buffer";
import { bytesOf } from "./bytes.ts";
import { compareNumbers } from "./number.ts";

/** A Rego value. What JSON loses is kept: sets, keys that are not strings, and numbers as they were written. */
export type Value = null | boolean | string | RegoNumber | readonly Value[] | RegoSet | RegoObject;

/** A number as its decimal text, every digit kept. */
export class RegoNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A set; its items are in OPA's order. */
export class RegoSet {
  #items: readonly Value[];
  #ordered = false;

  /** `items` must be distinct; {@link setOf} makes them so. */
  constructor(items: readonly Value[]) {
    this.#items = items;
  }

  get size(): number {
    return this.#items.length;
  }

  get items(): readonly Value[] {
    if (!this.#ordered) this.#items = [...this.#items].sort(compare);
    this.#ordered = true;
    return this.#items;
  }
}

type Entry = readonly [Value, Value];

/** An object; its entries are in OPA's order of keys. */
export class RegoObject {
  #entries: readonly Entry[];
  #ordered = false;
  #index: ReadonlyMap<Value, Value> | undefined;

  /** Keys must be distinct; {@link objectOf} makes them so. */
  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  get size(): number {
    return this.#entries.length;
  }

  get entries(): readonly Entry[] {
    if (!this.#ordered) this.#entries = [...this.#entries].sort(([a], [b]) => compare(a, b));
    this.#ordered = true;
    return this.#entries;
  }

  /** The value of a key, `undefined` when there is none. */
  get(key: Value): Value | undefined {
    if (typeof key === "string" && this.#entries.length > searchedMax) return this.#indexed().get(key);
    if (typeof key === "string") return this.#entries.find(([known]) => known === key)?.[1];
    return this.#entries.find(([known]) => compare(known, key) === 0)?.[1];
  }

  #indexed(): ReadonlyMap<Value, Value> {
    this.#index ??= new Map(this.#entries);
    return this.#index;
  }
}

/** An object with more entries is not searched: its keys are put into an index. */
const searchedMax = 8;

/** A set of any values: each counts once. */
export function setOf(items: Iterable<Value>): RegoSet {
  const ordered = [...items].sort(compare);
  return new RegoSet(ordered.filter((item, index) => index === 0 || compare(ordered[index - 1] as Value, item) !== 0));
}

/** An object of any entries: the last one with a key counts. */
export function objectOf(entries: Iterable<Entry>): RegoObject {
  const ordered = [...entries].sort(([a], [b]) => compare(a, b));
  return new RegoObject(
    ordered.filter(([key], index) => index + 1 === ordered.length || compare(ordered[index + 1]?.[0] as Value, key) !== 0),
  );
}

/** A number from JavaScript's; a double must be finite. */
export function numberOf(value: number | bigint): RegoNumber {
  return new RegoNumber(String(value));
}

/** Rego's name of a value's type, as `type_name` has it. */
export function typeName(value: Value): string {
  if (value === null) return "null";
  if (value instanceof RegoNumber) return "number";
  if (value instanceof RegoSet) return "set";
  if (value instanceof RegoObject) return "object";
  return Array.isArray(value) ? "array" : typeof value;
}

/** A value from parsed JSON. */
export function fromJson(value: unknown): Value {
  if (typeof value === "number" || typeof value === "bigint") return numberOf(value);
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object" || value === null) return value as null | boolean | string;
  return new RegoObject(Object.entries(value).map(([key, item]) => [key, fromJson(item)] as const));
}

const ranks: ReadonlyMap<string, number> = new Map(
  ["null", "boolean", "number", "string", "array", "object", "set"].map((name, rank) => [name, rank]),
);

/** OPA's order of values: by type, then by value; 0 for equal ones. */
export function compare(a: Value, b: Value): number {
  if (typeof a === "string" && typeof b === "string") return compareStrings(a, b);
  if (a instanceof RegoNumber && b instanceof RegoNumber) return compareNumbers(a.text, b.text);
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (a instanceof RegoObject && b instanceof RegoObject) return compareObjects(a, b);
  const [x, y] = [itemsOf(a), itemsOf(b)];
  const order = rank(a) - rank(b);
  return order === 0 && x !== undefined && y !== undefined ? compareLists(x, y) : order;
}

function rank(value: Value): number {
  return ranks.get(typeName(value)) ?? 0;
}

/** By bytes of UTF-8; UTF-16 sorts the same way unless surrogates take part. */
function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  let at = 0;
  while (at < shared && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (at === shared) return a.length - b.length;
  const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
  return (x | y) < 0xd800 ? x - y : Buffer.compare(bytesOf(a), bytesOf(b));
}

function itemsOf(value: Value): readonly Value[] | undefined {
  if (value instanceof RegoSet) return value.items;
  return Array.isArray(value) ? value : undefined;
}

function compareLists(a: readonly Value[], b: readonly Value[]): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const order = compare(a[index] as Value, b[index] as Value);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareObjects(a: RegoObject, b: RegoObject): number {
  const shared = Math.min(a.size, b.size);
  for (let index = 0; index < shared; index++) {
    const order = compareLists(a.entries[index] as Entry, b.entries[index] as Entry);
    if (order !== 0) return order;
  }
  return a.size - b.size;
}
