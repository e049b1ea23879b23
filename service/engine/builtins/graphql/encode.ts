import { numberOf, RegoObject, type Value } from "../../value/value.ts";
import type { BuiltinContext } from "../builtin.ts";
import type { QueryDocument, SchemaDocument } from "./ast.ts";

const unitsPerNode = 60;

/** An AST as OPA shows it: without what is empty, and without positions. */
export function astValue(document: QueryDocument | SchemaDocument, context: BuiltinContext): RegoObject {
  return nodeValue(document as unknown as Node, context);
}

type Node = Readonly<Record<string, unknown>>;

function nodeValue(node: Node, context: BuiltinContext): RegoObject {
  context.spend(unitsPerNode);
  const entries: (readonly [string, Value])[] = [];
  for (const property in node) {
    const value = shownOf(node[property], context);
    if (value !== undefined && property !== "position") entries.push([goName(property), value]);
  }
  return new RegoObject(entries);
}

const goNames = new Map<string, string>();

/** `namedType` is `NamedType`; there are only as many as structs have fields. */
function goName(property: string): string {
  const known = goNames.get(property);
  if (known !== undefined) return known;
  const name = property.charAt(0).toUpperCase() + property.slice(1);
  goNames.set(property, name);
  return name;
}

/** The value of a property, undefined when it is empty. */
function shownOf(item: unknown, context: BuiltinContext): Value | undefined {
  if (typeof item === "string") return item.toWellFormed();
  if (typeof item === "boolean") return item;
  if (typeof item === "number") return numberOf(item);
  if (Array.isArray(item)) return listValue(item, context);
  if (typeof item !== "object" || item === null) return undefined;
  const node = nodeValue(item as Node, context);
  return node.size === 0 ? undefined : node;
}

function listValue(list: readonly unknown[], context: BuiltinContext): Value | undefined {
  const items: Value[] = [];
  for (const item of list) {
    const value = shownOf(item, context);
    if (value !== undefined) items.push(value);
  }
  return items.length === 0 ? undefined : items;
}
