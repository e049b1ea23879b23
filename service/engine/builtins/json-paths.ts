import { checkDepth, keyOf } from "../value/key.ts";
import { RegoObject, RegoSet, setOf, type Value } from "../value/value.ts";
import type { BuiltinContext, Family } from "./builtin.ts";
import { pathOf } from "./json/path.ts";
import { objectOperand, wrongType } from "./operands.ts";

/** Paths by their segments; `whole` says that one ends here, so that longer ones do not count. */
interface Node {
  readonly segment: Value;
  readonly children: Map<string, Node>;
  whole: boolean;
}

/** Units for a segment of a path, and for a member that is looked up. */
const memberUnits = 20;

function tree(paths: Value | undefined, context: BuiltinContext): Node {
  const root: Node = { segment: null, children: new Map(), whole: false };
  for (const path of pathsOf(paths).map(pathOf)) {
    let node: Node = root;
    for (const segment of path) node = childOf(node, segment, context);
    // An empty path says nothing.
    if (path.length > 0) node.whole = true;
  }
  return root;
}

function pathsOf(paths: Value | undefined): readonly Value[] {
  if (paths instanceof RegoSet) return paths.items;
  if (!Array.isArray(paths)) throw wrongType("array or set", paths);
  return paths as readonly Value[];
}

function childOf(node: Node, segment: Value, context: BuiltinContext): Node {
  const key = keyFor(segment, context);
  const child = node.children.get(key) ?? { segment, children: new Map(), whole: false };
  node.children.set(key, child);
  return child;
}

function keyFor(value: Value, context: BuiltinContext): string {
  context.spend(memberUnits);
  return keyOf(value, (units) => context.spend(units));
}

/** Whether paths are kept or dropped, and what for. */
interface Pruning {
  readonly keep: boolean;
  readonly context: BuiltinContext;
}

/** A value whose paths are kept or dropped; undefined when nothing is left. */
function prune(value: Value, node: Node | undefined, pruning: Pruning, depth = 0): Value | undefined {
  if (node === undefined) return pruning.keep ? undefined : value;
  if (node.whole) return pruning.keep ? value : undefined;
  checkDepth(depth);
  const pruned = (member: Value, found: Node | undefined): readonly Value[] => {
    const result = prune(member, found, pruning, depth + 1);
    return result === undefined ? [] : [result];
  };
  const childFor = (key: Value) => node.children.get(keyFor(key, pruning.context));
  if (value instanceof RegoObject) return pruneObject(value, node, pruned, pruning);
  if (value instanceof RegoSet) return setOf(value.items.flatMap((item) => pruned(item, childFor(item))));
  // What has no members is as if no path led into it.
  if (!Array.isArray(value)) return value;
  return (value as readonly Value[]).flatMap((item, index) => pruned(item, childFor(String(index))));
}

/** OPA goes through the longer one of object and paths, and takes its keys as they are written there. */
function pruneObject(
  { entries }: RegoObject,
  { children }: Node,
  pruned: (member: Value, node: Node | undefined) => readonly Value[],
  { keep, context }: Pruning,
): Value {
  const own = !keep || entries.length >= children.size;
  const kept = entries.flatMap(([key, member]) => {
    const child = children.get(keyFor(key, context));
    return pruned(member, child).map((result) => [own ? key : (child?.segment ?? key), result] as const);
  });
  return new RegoObject(kept);
}

/** `json.filter` and `json.remove`. */
export const jsonPaths: Family = {
  "json.filter": ([object, paths], context) => prune(objectOperand(object), tree(paths, context), { keep: true, context }),
  "json.remove": ([object, paths], context) => prune(objectOperand(object), tree(paths, context), { keep: false, context }),
};
