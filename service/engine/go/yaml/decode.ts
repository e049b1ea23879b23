import { type BuiltinContext, BuiltinError } from "../../builtins/builtin.ts";
import { objectOf, RegoNumber, type Value } from "../../value/value.ts";
import { type Alias, keyName, type Mapping, type Node, type Pair, type Scalar } from "./node.ts";
import { checkDepth } from "./parse.ts";
import { type GoScalar, resolve } from "./resolve.ts";

/** What Go's yaml decodes into: a map has keys by their identity in Go. */
export type GoValue = GoScalar | readonly GoValue[] | GoMap;

/** A map of Go. */
export class GoMap {
  /** Keys are strings, whatever they look like. */
  readonly textKeys: boolean;
  readonly entries = new Map<string, readonly [GoScalar, GoValue]>();

  constructor(textKeys: boolean) {
    this.textKeys = textKeys;
  }
}

interface Decoder {
  readonly context: BuiltinContext;
  decoded: number;
  throughAliases: number;
  aliasDepth: number;
  /** How deep the value is nested, aliases included. */
  depth: number;
  readonly open: Set<Alias>;
  /** While a `<<` is merged: keys that are there already. */
  merged: Set<string> | undefined;
}

/** The value of a document; fails where Go's yaml does, so for excessive aliasing. */
export function decodeDocument(document: Node, context: BuiltinContext): GoValue {
  const decoder: Decoder = { context, decoded: 1, throughAliases: 0, aliasDepth: 0, depth: 0, open: new Set(), merged: undefined };
  return decode(decoder, document);
}

const unitsPerNode = 60;
const charactersPerUnit = 4;

/** Pays for a node, and keeps Go's bound on what may come out of aliases. */
function count(decoder: Decoder, node: Node): void {
  decoder.context.spend(unitsPerNode + (node.kind === "scalar" ? node.value.length / charactersPerUnit : 0));
  decoder.decoded++;
  if (decoder.aliasDepth > 0) decoder.throughAliases++;
  const { decoded, throughAliases } = decoder;
  if (throughAliases > 100 && decoded > 1000 && throughAliases / decoded > allowedRatio(decoded))
    throw new BuiltinError("document contains excessive aliasing");
}

/** Small documents may be 99 % aliases, very large ones 10 %. */
function allowedRatio(decoded: number): number {
  return 0.99 - 0.89 * Math.min(Math.max((decoded - 400_000) / 3_600_000, 0), 1);
}

function decode(decoder: Decoder, node: Node): GoValue {
  count(decoder, node);
  if (node.kind === "scalar") return scalarOf(node);
  checkDepth(++decoder.depth);
  const value = decodeNested(decoder, node);
  decoder.depth--;
  return value;
}

function decodeNested(decoder: Decoder, node: Exclude<Node, Scalar>): GoValue {
  if (node.kind === "sequence") return node.items.map((item) => decode(decoder, item));
  if (node.kind === "mapping") {
    const map = new GoMap(node.textKeys);
    fill(decoder, node, map);
    return map;
  }
  enterAlias(decoder, node);
  const value = decode(decoder, node.target);
  leaveAlias(decoder, node);
  return value;
}

function enterAlias(decoder: Decoder, alias: Alias): void {
  if (decoder.open.has(alias)) throw new BuiltinError("an anchor's value contains itself");
  decoder.open.add(alias);
  decoder.aliasDepth++;
}

function leaveAlias(decoder: Decoder, alias: Alias): void {
  decoder.aliasDepth--;
  decoder.open.delete(alias);
}

/** Times that are not tagged stay strings. */
function scalarOf(node: Scalar): GoScalar {
  return node.implicit && node.tag === "!!timestamp" ? node.value : resolve(node.tag, node.value).value;
}

/** Decodes a mapping into a map, its own or the one that it is merged into. */
function fill(decoder: Decoder, mapping: Mapping, map: GoMap): void {
  if (mapping.duplicate) throw new BuiltinError("a mapping key is already defined");
  const { merged } = decoder;
  decoder.merged = undefined;
  let merge: Node | undefined;
  for (const pair of mapping.pairs) {
    if (isMerge(pair[0])) merge = pair[1];
    else addPair(decoder, pair, map, merged);
  }
  decoder.merged = merged;
  if (merge !== undefined) mergeInto(decoder, mapping, merge, map);
}

function isMerge(node: Node): boolean {
  return node.kind === "scalar" && node.value === "<<" && node.tag === "!!merge";
}

function addPair(decoder: Decoder, [keyNode, valueNode]: Pair, map: GoMap, merged: Set<string> | undefined): void {
  const key = decodeKey(decoder, keyNode, map.textKeys);
  if (key === undefined) return;
  const id = identityOf(key);
  if (merged?.has(id) === true) return;
  merged?.add(id);
  map.entries.set(id, [key, decode(decoder, valueNode)]);
}

/** A key; where keys are strings it is as it was written, and null is none. */
function decodeKey(decoder: Decoder, node: Node, asText: boolean): GoScalar | undefined {
  count(decoder, node);
  if (node.kind === "alias") {
    enterAlias(decoder, node);
    const key = decodeKey(decoder, node.target, asText);
    leaveAlias(decoder, node);
    return key;
  }
  if (node.kind !== "scalar") throw new BuiltinError("invalid map key");
  const value = scalarOf(node);
  if (!asText || typeof value === "string") return value;
  return value === null ? undefined : node.value;
}

/** Keys are the same for Go when these are. */
function identityOf(key: GoScalar): string {
  if (typeof key === "string") return `s${key}`;
  if (typeof key === "number") return `f${key + 0}`;
  if (typeof key === "boolean" || key === null) return String(key);
  return "integer" in key ? `i${key.integer}` : `t${key.time}`;
}

/** `<<`: pairs of other mappings whose keys are not there yet. */
function mergeInto(decoder: Decoder, parent: Mapping, merge: Node, map: GoMap): void {
  const { merged } = decoder;
  decoder.merged ??= new Set(parent.pairs.map(([key]) => identityOf(decodeKey(decoder, key, false) ?? null)));
  if (merge.kind === "sequence") for (const item of merge.items) mergeOne(decoder, item, map);
  else mergeOne(decoder, merge, map);
  decoder.merged = merged;
}

function mergeOne(decoder: Decoder, node: Node, map: GoMap): void {
  const target = node.kind === "alias" ? node.target : node;
  if (target.kind !== "mapping") throw new BuiltinError("map merge requires map or sequence of maps as the value");
  count(decoder, node);
  if (node.kind !== "alias") {
    fill(decoder, target, map);
    return;
  }
  checkDepth(++decoder.depth);
  enterAlias(decoder, node);
  count(decoder, target);
  fill(decoder, target, map);
  leaveAlias(decoder, node);
  decoder.depth--;
}

/** The value by way of JSON: names of keys, numbers as JSON has them, and U+FFFD for bytes that are not UTF-8. Fails for what JSON cannot hold. */
export function regoOf(value: GoValue): Value {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number") return numberOf(value);
  if (typeof value === "boolean" || value === null) return value;
  if (value instanceof GoMap) return objectOf([...value.entries.values()].map(([key, item]) => [nameOf(key), regoOf(item)] as const));
  if ("integer" in value) return new RegoNumber(String(value.integer));
  return "time" in value ? timeText(value.time) : value.map(regoOf);
}

function nameOf(key: GoScalar): string {
  const name = keyName(key);
  if (name === undefined) throw new BuiltinError("unsupported map key");
  return name.toWellFormed();
}

function numberOf(value: number): RegoNumber {
  if (!Number.isFinite(value)) throw new BuiltinError("JSON has no such number");
  return new RegoNumber(Object.is(value, -0) ? "-0" : String(value));
}

/** Go refuses to write such a zone as JSON. */
function timeText(time: string): string {
  if (/[+-]24:..$/.test(time)) throw new BuiltinError("timezone hour outside of range");
  return time;
}
