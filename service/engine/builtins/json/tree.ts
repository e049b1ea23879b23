import { keyOf, type Spend } from "../../value/key.ts";
import { sizeOf } from "../../value/size.ts";
import { RegoObject, RegoSet, setOf, type Value } from "../../value/value.ts";
import { BuiltinError } from "../builtin.ts";
import { indexOf } from "./path.ts";

/** A value that is being edited. It is laid open only where an edit goes. */
export interface Tree {
  readonly value: Value;
  container?: Container;
}

/** An object, array or set that is laid open. A key that it cannot have is a {@link BuiltinError}. */
interface Container {
  child(key: Value): Tree;
  insert(key: Value, value: Value): void;
  remove(key: Value): void;
  render(): Value;
}

/** Units for laying open or writing one member, for one of a set, which are put in order, and for passing by one. */
const cost = { member: 60, item: 200, pass: 1 } as const;

function isComposite(value: Value): boolean {
  return value instanceof RegoObject || value instanceof RegoSet || Array.isArray(value);
}

/** Lays a value open; fails for what has no members. */
export function containerOf(tree: Tree, spend: Spend): Container {
  tree.container ??= open(tree.value, spend);
  return tree.container;
}

function open(value: Value, spend: Spend): Container {
  if (value instanceof RegoObject) return openObject(value, spend);
  if (value instanceof RegoSet) return openSet(value, spend);
  if (Array.isArray(value)) return openArray(value, spend);
  throw new BuiltinError("a path leads into a value that has no members");
}

/** The value with all edits. */
export function render({ value, container }: Tree): Value {
  return container === undefined ? value : container.render();
}

function missing(): BuiltinError {
  return new BuiltinError("a path does not exist");
}

function openObject(object: RegoObject, spend: Spend): Container {
  spend(object.size * cost.member);
  const members = new Map(object.entries.map(([key, value]) => [keyOf(key, spend), { key, tree: { value } as Tree, known: false }]));
  return {
    child(key) {
      const member = members.get(keyOf(key, spend));
      if (member === undefined) throw missing();
      // The key is written as in the first path that leads there.
      if (!member.known) members.set(keyOf(key, spend), { key, tree: member.tree, known: true });
      return member.tree;
    },
    insert: (key, value) => void members.set(keyOf(key, spend), { key, tree: { value }, known: true }),
    remove(key) {
      if (!members.delete(keyOf(key, spend))) throw missing();
    },
    render() {
      spend(members.size * cost.member);
      return new RegoObject([...members.values()].map(({ key, tree }) => [key, render(tree)] as const));
    },
  };
}

/** A member of a set is its own key, which changes when it is edited: keys are made anew before the next look for such a member. */
function openSet(set: RegoSet, spend: Spend): Container {
  let members = index(set, spend);
  let edited = false;
  const rendered = () => {
    spend(members.size * cost.item);
    return setOf([...members.values()].map((tree) => render(tree)));
  };
  const membersFor = (key: Value) => {
    if (edited && isComposite(key)) {
      members = index(rendered(), spend);
      edited = false;
    }
    return members;
  };
  return {
    child(key) {
      const own = membersFor(key);
      if (!own.has(keyOf(key, spend))) throw missing();
      const tree = { value: key };
      own.set(keyOf(key, spend), tree);
      edited ||= isComposite(key);
      return tree;
    },
    insert(key, value) {
      if (keyOf(key, spend) !== keyOf(value, spend)) throw new BuiltinError("a value in a set must be its own key");
      membersFor(key).set(keyOf(key, spend), { value });
    },
    remove(key) {
      if (!membersFor(key).delete(keyOf(key, spend))) throw missing();
    },
    render: rendered,
  };
}

function index(set: RegoSet, spend: Spend): Map<string, Tree> {
  spend(set.size * cost.item);
  spend(sizeOf(set, spend).size);
  return new Map(set.items.map((value) => [keyOf(value, spend), { value }]));
}

/** An item of an array; `known` once an edit has gone there. */
interface Slot {
  readonly tree: Tree;
  known: boolean;
}

/**
 * An array as OPA edits it: the first edit of an item takes what the array had at that index before all edits. Where OPA loses track of
 * an item (see {@link forget}) and ends in a panic, the item stays what it is.
 */
function openArray(original: readonly Value[], spend: Spend): Container {
  spend(original.length * cost.member);
  const slots: Slot[] = original.map((value) => ({ tree: { value }, known: false }));
  const removeAt = (at: number) => {
    spend(slots.length * cost.pass);
    forget(slots, at + 2, -1);
    slots.splice(at, 1);
  };
  const insertAt = (at: number, value: Value | undefined) => {
    if (at < 0 || at > slots.length || value === undefined) throw missing();
    spend(slots.length * cost.pass);
    forget(slots, at, 1);
    const slot = { tree: { value }, known: true };
    slots.splice(at, 0, slot);
    return slot;
  };
  const slotAt = (key: Value) => {
    const at = indexOf(key, slots.length);
    const slot = slots[at];
    if (slot === undefined) throw missing();
    return { at, slot };
  };
  return {
    child(key) {
      const { at, slot } = slotAt(key);
      if (slot.known) return slot.tree;
      removeAt(at);
      return insertAt(at, original[at]).tree;
    },
    insert: (key, value) => void insertAt(indexOf(key, slots.length), value),
    remove: (key) => removeAt(slotAt(key).at),
    render() {
      spend(slots.length * cost.member);
      return slots.map(({ tree }) => render(tree));
    },
  };
}

/** OPA moves known items of no members first, and then those with members, over the place where the first may be by now. */
function forget(slots: readonly Slot[], from: number, step: 1 | -1): void {
  for (let at = from; at < slots.length; at++) {
    const [slot, other] = [slots[at], slots[at + step]];
    if (slot?.known === true && other?.known === true && !isComposite(slot.tree.value) && isComposite(other.tree.value)) slot.known = false;
  }
}
