import {
  deeper,
  type Field,
  type FragmentSpread,
  isField,
  isInline,
  kinds,
  type Literal,
  present,
  type Selection,
  type Type,
} from "./ast.ts";
import { cut, invalid, isLeaf, typeOf, type Walk } from "./types.ts";

/** The fields of a selection set by their names in the response, with those of inline fragments, and its spreads. */
interface Selected {
  readonly fields: ReadonlyMap<string, readonly Field[]>;
  readonly spreads: readonly FragmentSpread[];
}

/** What has been compared; which comparisons are left out decides which conflicts gqlparser finds. */
export interface Overlaps {
  readonly walk: Walk;
  readonly selected: WeakMap<readonly Selection[], Selected>;
  /** Pairs of fragments, and whether they were compared as such that exclude each other. */
  readonly pairs: Map<string, Map<string, boolean>>;
  /** The fragments that the fields at hand were compared with. Inner comparisons begin anew, and outer ones go on with their leftovers. */
  compared: Set<string>;
}

/** A comparison that has not begun. */
export function overlapsOf(walk: Walk): Overlaps {
  return { walk, selected: new WeakMap(), pairs: new Map(), compared: new Set() };
}

/**
 * Throws {@link InvalidDocument} when two fields of a selection set are to have the same name in the response and cannot be merged. Each
 * comparison is paid for, as there may be exponentially many of them.
 */
export function checkOverlaps(overlaps: Overlaps, selectionSet: readonly Selection[]): void {
  if (selectionSet.length === 0) return;
  const { fields, spreads } = selectedOf(overlaps, selectionSet);
  for (const same of fields.values()) {
    for (let index = 0; index < same.length; index++)
      for (let other = index + 1; other < same.length; other++) checkPair(overlaps, false, same[index] as Field, same[other] as Field, 0);
  }
  overlaps.compared = new Set();
  for (let index = 0; index < spreads.length; index++) {
    const spread = spreads[index] as FragmentSpread;
    checkFragment(overlaps, false, fields, spread, 0);
    for (let other = index + 1; other < spreads.length; other++)
      checkFragments(overlaps, false, spread, spreads[other] as FragmentSpread, 0);
  }
}

function selectedOf(overlaps: Overlaps, selectionSet: readonly Selection[]): Selected {
  const known = overlaps.selected.get(selectionSet);
  if (known !== undefined) return known;
  const fields = new Map<string, Field[]>();
  const spreads: FragmentSpread[] = [];
  collect(overlaps, selectionSet, fields, spreads);
  const selected = { fields, spreads };
  overlaps.selected.set(selectionSet, selected);
  return selected;
}

function collect(overlaps: Overlaps, selectionSet: readonly Selection[], fields: Map<string, Field[]>, spreads: FragmentSpread[]): void {
  overlaps.walk.context.spend(10 * selectionSet.length);
  for (const selection of selectionSet) {
    if (isInline(selection)) collect(overlaps, selection.selectionSet, fields, spreads);
    else if (isField(selection)) {
      const name = selection.alias === "" ? selection.name : selection.alias;
      const same = fields.get(name);
      if (same === undefined) fields.set(name, [selection]);
      else same.push(selection);
    } else spreads.push(selection);
  }
}

/** Fields against those of a fragment, and of the fragments that it spreads. */
function checkFragment(overlaps: Overlaps, exclusive: boolean, fields: Selected["fields"], { name }: FragmentSpread, above: number): void {
  overlaps.walk.context.spend(10);
  if (overlaps.compared.has(name)) return;
  overlaps.compared.add(name);
  const fragment = overlaps.walk.fragments.get(name);
  if (fragment === undefined) return;
  const depth = deeper(above);
  const inner = selectedOf(overlaps, fragment.selectionSet);
  if (fields.size === 0 && inner.fields.size === 0) return;
  checkFields(overlaps, exclusive, fields, inner.fields, depth);
  for (const spread of inner.spreads) if (spread.name !== name) checkFragment(overlaps, exclusive, fields, spread, depth);
}

/** Two fragments against each other, and each against what the other one spreads. */
function checkFragments(overlaps: Overlaps, exclusive: boolean, a: FragmentSpread, b: FragmentSpread, above: number): void {
  overlaps.walk.context.spend(30);
  if (a.name === b.name || wereCompared(overlaps, exclusive, a.name, b.name)) return;
  const [first, second] = [overlaps.walk.fragments.get(a.name), overlaps.walk.fragments.get(b.name)];
  if (first === undefined || second === undefined) return;
  const depth = deeper(above);
  const [x, y] = [selectedOf(overlaps, first.selectionSet), selectedOf(overlaps, second.selectionSet)];
  checkFields(overlaps, exclusive, x.fields, y.fields, depth);
  for (const spread of y.spreads) checkFragments(overlaps, exclusive, a, spread, depth);
  for (const spread of x.spreads) checkFragments(overlaps, exclusive, spread, b, depth);
}

/** Whether two fragments were compared, at least as strictly; now they are. */
function wereCompared({ pairs }: Overlaps, exclusive: boolean, a: string, b: string): boolean {
  const [low, high] = a < b ? [a, b] : [b, a];
  const known = pairs.get(low) ?? new Map<string, boolean>();
  pairs.set(low, known);
  const before = known.get(high);
  if (before !== undefined && (exclusive || !before)) return true;
  known.set(high, exclusive);
  return false;
}

/** Every field against the fields of the same name on the other side. */
function checkFields(overlaps: Overlaps, exclusive: boolean, a: Selected["fields"], b: Selected["fields"], depth: number): void {
  overlaps.walk.context.spend(5 * a.size);
  for (const [name, fields] of a)
    for (const field of fields) for (const other of b.get(name) ?? []) checkPair(overlaps, exclusive, field, other, depth);
}

function checkPair(overlaps: Overlaps, outer: boolean, a: Field, b: Field, above: number): void {
  overlaps.walk.context.spend(20);
  if (a.objectDefinition === undefined || b.objectDefinition === undefined) return;
  const exclusive = outer || areExclusive(a, b);
  if (!exclusive && a.name !== b.name) throw conflict(a);
  if (!exclusive && !sameArguments(overlaps.walk, a, b)) throw conflict(a);
  if (a.definition !== undefined && b.definition !== undefined && conflicting(overlaps.walk, typeOf(a.definition), typeOf(b.definition)))
    throw conflict(a);
  checkSelections(overlaps, exclusive, a.selectionSet, b.selectionSet, above);
}

function conflict({ alias, name }: Field): Error {
  return invalid(`two fields \`${cut(alias === "" ? name : alias)}\` cannot be merged`);
}

/** Fields of different object types are never there together. */
function areExclusive(a: Field, b: Field): boolean {
  const [x, y] = [a.objectDefinition, b.objectDefinition];
  if (x?.kind !== "OBJECT" || y?.kind !== "OBJECT" || x.name === y.name) return false;
  return a.definition !== undefined && b.definition !== undefined;
}

/** The selections of two fields that are to become one. */
function checkSelections(overlaps: Overlaps, exclusive: boolean, a: readonly Selection[], b: readonly Selection[], above: number): void {
  if (a.length === 0 && b.length === 0) return;
  const depth = deeper(above);
  const [x, y] = [selectedOf(overlaps, a), selectedOf(overlaps, b)];
  checkFields(overlaps, exclusive, x.fields, y.fields, depth);
  for (const spread of y.spreads) {
    overlaps.compared = new Set();
    checkFragment(overlaps, exclusive, x.fields, spread, depth);
  }
  for (const spread of x.spreads) {
    overlaps.compared = new Set();
    checkFragment(overlaps, exclusive, y.fields, spread, depth);
  }
  for (const first of x.spreads) for (const second of y.spreads) checkFragments(overlaps, exclusive, first, second, depth);
}

function sameArguments({ context }: Walk, a: Field, b: Field): boolean {
  if (a.arguments.length !== b.arguments.length) return false;
  context.spend(a.arguments.length * b.arguments.length);
  return a.arguments.every(({ name, value }) =>
    b.arguments.some((other) => other.name === name && sameValue(context, present(value, "Value"), present(other.value, "Value"), 0)),
  );
}

/** Whether two literals are written the same, but for the order of an object's fields. */
function sameValue(context: Walk["context"], a: Literal, b: Literal, above: number): boolean {
  if (a.kind !== b.kind || a.raw !== b.raw || a.children.length !== b.children.length) return false;
  const depth = deeper(above);
  context.spend(10 * a.children.length);
  const [x, y] = a.kind === kinds.object ? [byName(a), byName(b)] : [a.children, b.children];
  return x.every(({ name, value }, index) => {
    const other = y[index];
    return name === other?.name && sameValue(context, present(value, "Value"), present(other.value, "Value"), depth);
  });
}

function byName({ children }: Literal): Literal["children"] {
  return [...children].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}

/** Whether values of two types cannot stand in the same place of a response. */
function conflicting(walk: Walk, a: Type, b: Type): boolean {
  if (a.elem !== undefined && b.elem !== undefined) return conflicting(walk, a.elem, b.elem);
  if (a.elem !== undefined || b.elem !== undefined || a.nonNull !== b.nonNull) return true;
  const [x, y] = [a, b].map(({ namedType }) => present(walk.schema.types.get(namedType), "NamedType"));
  return x !== undefined && y !== undefined && isLeaf(x) && isLeaf(y) && x.name !== y.name;
}
