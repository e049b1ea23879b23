import { keyOf } from "../value/key.ts";
import { compare, RegoSet, type Value } from "../value/value.ts";
import type { BuiltinContext, Family } from "./builtin.ts";
import { itemsOf, objectOperand } from "./operands.ts";

/** A vertex; `edges` is undefined for one that the graph has no entry for. */
interface Vertex {
  edges: readonly Edge[] | undefined;
  /** How often it is on the path that is being walked. */
  open: number;
}

/** A way to a vertex, with the vertex as it is written there. */
interface Edge {
  readonly value: Value;
  readonly to: Vertex;
}

/** Units for reading an edge, for going over it, and for each vertex of a path that is kept: it is copied, compared and written. */
const cost = { read: 200, edge: 10, vertex: 20 } as const;

/** Ways to the vertices that paths begin at, over the whole graph. */
function startsOf(graph: Value | undefined, initial: Value | undefined, context: BuiltinContext): readonly Edge[] {
  const vertices = new Map<string, Vertex>();
  const edgeTo = (value: Value): Edge => {
    context.spend(cost.read);
    const key = keyOf(value, (units) => context.spend(units));
    const to = vertices.get(key) ?? { edges: undefined, open: 0 };
    vertices.set(key, to);
    return { value, to };
  };
  for (const [value, neighbors] of objectOperand(graph).entries) edgeTo(value).to.edges = distinct(neighborsIn(neighbors).map(edgeTo));
  return distinct(itemsOf(initial).map(edgeTo));
}

/** What is neither array nor set is a vertex without edges. */
function neighborsIn(edges: Value): readonly Value[] {
  if (edges instanceof RegoSet) return edges.items;
  return Array.isArray(edges) ? edges : [];
}

/** The first edge to each vertex, in the order of their values: walking them so gives paths in order, each once. */
function distinct(edges: readonly Edge[]): readonly Edge[] {
  const byVertex = new Map(edges.toReversed().map((edge) => [edge.to, edge] as const));
  return [...byVertex.values()].sort((a, b) => compare(a.value, b.value));
}

/**
 * Every path from a vertex on, each as long as it gets without a vertex twice. OPA keeps a path that cannot go on for one of its edges,
 * because it leads to a vertex that is not in the graph, or back; and it does not see at once that an edge leads back to the start.
 */
function* pathsFrom(start: Edge, context: BuiltinContext): Generator<readonly Value[]> {
  const path: Edge[] = [];
  const ways: Iterator<Edge, undefined>[] = [];
  const isEnd = ({ to }: Edge) => to.edges === undefined || (to.open > 0 && path.length > 1);
  for (let next: Edge | undefined = start; next !== undefined || ways.length > 0; next = nextOf(ways)) {
    const edges = next?.to.edges;
    if (next === undefined) leave(path, ways);
    else if (edges !== undefined && (path.length === 0 || !isEnd(next))) {
      context.spend(cost.edge * (edges.length + 1));
      next.to.open++;
      path.push(next);
      ways.push(edges.values());
      if (edges.length > 0 && !edges.some(isEnd)) continue;
      context.spend(cost.vertex * path.length);
      yield path.map(({ value }) => value);
    }
  }
}

/** The next edge of the vertex that the path is at. */
function nextOf(ways: readonly Iterator<Edge, undefined>[]): Edge | undefined {
  return ways.at(-1)?.next().value;
}

function leave(path: Edge[], ways: Iterator<Edge, undefined>[]): void {
  ways.pop();
  const left = path.pop();
  if (left !== undefined) left.to.open--;
}

/** `graph.reachable_paths`. There may be more paths than anyone can walk: every step is paid. */
export const graph: Family = {
  "graph.reachable_paths": ([edges, initial], context) =>
    new RegoSet(startsOf(edges, initial, context).flatMap((start) => [...pathsFrom(start, context)])),
};
