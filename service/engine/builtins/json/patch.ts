import { checkDepth, type Spend } from "../../value/key.ts";
import { sizeOf } from "../../value/size.ts";
import { compare, RegoObject, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { pathOf } from "./path.ts";
import { containerOf, render, type Tree } from "./tree.ts";

/** A document that is being patched; without root, it has been removed as a whole. */
interface Patched {
  root: Tree | undefined;
  readonly spend: Spend;
  /** Characters that were put in so far. */
  size: number;
}

type Path = readonly Value[];
type Operation = (patched: Patched, path: Path, operation: RegoObject) => void;

/** Characters that operations put in at most: copies of copies grow as powers of two. */
const sizeMax = 64 * 1024 * 1024;
/** Characters that one unit pays for. */
const sizePerUnit = 4;

function treeAt({ root, spend }: Patched, path: Path): Tree {
  if (root === undefined) throw new BuiltinError("the document has been removed");
  checkDepth(path.length);
  return path.reduce<Tree>((tree, key) => containerOf(tree, spend).child(key), root);
}

function containerAt(patched: Patched, path: Path) {
  return containerOf(treeAt(patched, path.slice(0, -1)), patched.spend);
}

function read(patched: Patched, path: Path): Value {
  return render(treeAt(patched, path));
}

function insert(patched: Patched, path: Path, value: Value): void {
  const { size, depth } = sizeOf(value, patched.spend);
  patched.size += size;
  if (patched.size > sizeMax) throw new BuiltinError("the patched document is too large");
  checkDepth(path.length + depth);
  patched.spend(size / sizePerUnit);
  const key = path.at(-1);
  if (key === undefined) patched.root = { value };
  else containerAt(patched, path).insert(key, value);
}

function remove(patched: Patched, path: Path): void {
  const key = path.at(-1);
  if (key !== undefined) containerAt(patched, path).remove(key);
  else if (patched.root === undefined) throw new BuiltinError("the document has been removed");
  else patched.root = undefined;
}

function test(patched: Patched, path: Path, value: Value): void {
  const found = read(patched, path);
  patched.spend(sizeOf(found, patched.spend).size / sizePerUnit);
  if (compare(found, value) !== 0) throw new BuiltinError("a test of the patch does not hold");
}

function attribute(operation: RegoObject, name: string): Value {
  const value = operation.get(name);
  if (value === undefined) throw new BuiltinError(`an operation has no \`${name}\``);
  return value;
}

/** What the operations of RFC 6902 do, by their names. */
const operations: ReadonlyMap<Value, Operation> = new Map<Value, Operation>([
  ["add", (patched, path, operation) => insert(patched, path, attribute(operation, "value"))],
  ["remove", remove],
  [
    "replace",
    (patched, path, operation) => {
      remove(patched, path);
      insert(patched, path, attribute(operation, "value"));
    },
  ],
  [
    "move",
    (patched, path, operation) => {
      const from = pathOf(attribute(operation, "from"));
      const value = read(patched, from);
      remove(patched, from);
      insert(patched, path, value);
    },
  ],
  ["copy", (patched, path, operation) => insert(patched, path, read(patched, pathOf(attribute(operation, "from"))))],
  ["test", (patched, path, operation) => test(patched, path, attribute(operation, "value"))],
]);

/** `json.patch`: JSON Patch (RFC 6902), with sets and any keys; fails as a whole when one operation does. */
export function patch(document: Value, list: readonly Value[], context: BuiltinContext): Value {
  const patched: Patched = { root: { value: document }, spend: (units) => context.spend(units), size: 0 };
  for (const operation of list) {
    if (!(operation instanceof RegoObject)) throw new BuiltinError("an operation must be an object");
    const apply = operations.get(attribute(operation, "op"));
    if (apply === undefined) throw new BuiltinError("an operation is not known");
    apply(patched, pathOf(attribute(operation, "path")), operation);
  }
  return read(patched, []);
}
