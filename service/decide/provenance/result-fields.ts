import { unescapedPart } from "../pointer.ts";
import type { FieldOrigin } from "../ports.ts";

/** What a catalog's `fields` say of one place in a result. */
export interface View {
  readonly origin: FieldOrigin;
  /** The place below, under this key or index. */
  at(key: string): View;
}

interface Node {
  readonly below: Map<string, Node>;
  origin: FieldOrigin | null;
}

/** Reads the pointers (RFC 6901, `*` for any one segment). The longest match decides; of equally long ones, the one with fewer `*`. */
export function fieldViews(fields: Readonly<Record<string, FieldOrigin>>, origin: FieldOrigin): View {
  const root: Node = { below: new Map(), origin: null };
  for (const [pointer, each] of Object.entries(fields)) insert(root, pointer, each);
  return viewOf([{ node: root, named: 0 }], root.origin ?? origin);
}

function insert(root: Node, pointer: string, origin: FieldOrigin): void {
  let node = root;
  for (const part of pointer.split("/").slice(1)) {
    const key = unescapedPart(part);
    const next: Node = node.below.get(key) ?? { below: new Map(), origin: null };
    node.below.set(key, next);
    node = next;
  }
  node.origin = origin;
}

/** A pointer that has matched so far, and how many of its segments were not `*`. */
interface Match {
  readonly node: Node;
  readonly named: number;
}

function viewOf(matches: readonly Match[], origin: FieldOrigin): View {
  if (matches.length === 0) return { origin, at: () => viewOf(matches, origin) };
  return {
    origin,
    at: (key) => {
      const next = matches.flatMap(({ node, named }) => [
        ...matchOf(node, key, named + 1),
        ...(key === "*" ? [] : matchOf(node, "*", named)),
      ]);
      const best = next.filter(({ node }) => node.origin !== null).reduce<Match | null>(moreNamed, null);
      return viewOf(next, best?.node.origin ?? origin);
    },
  };
}

function matchOf(node: Node, key: string, named: number): Match[] {
  const below = node.below.get(key);
  return below === undefined ? [] : [{ node: below, named }];
}

const worse: Readonly<Record<FieldOrigin, number>> = { trusted: 0, identifier: 1, untrusted: 2 };

/** The more suspicious of two views of one place. */
export function worseView(a: View, b: View): View {
  return { origin: worse[a.origin] >= worse[b.origin] ? a.origin : b.origin, at: (key) => worseView(a.at(key), b.at(key)) };
}

/** Of equals the more suspicious one. */
function moreNamed(a: Match | null, b: Match): Match {
  if (a === null || b.named > a.named) return b;
  if (b.named < a.named) return a;
  return worse[b.node.origin ?? "untrusted"] > worse[a.node.origin ?? "untrusted"] ? b : a;
}
