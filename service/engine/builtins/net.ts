import { addressBits, addressText, type Network, networkAt, parseCidr } from "../go/net/cidr.ts";
import { parseIp } from "../go/net/ip.ts";
import { numberOf, RegoObject, RegoSet, setOf, type Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { mergeNetworks } from "./net/merge.ts";
import { itemsOf, stringOf } from "./operands.ts";

/** Units for reading and finding one network, for a pair of two, for merging one, and for writing one address. */
const cost = { read: 700, match: 100, merge: 1000, ipv4: 40, ipv6: 250 } as const;
/** Addresses that a network is expanded to at most, as many as an IPv4 /16 has; OPA goes on until it is stopped. */
const addressesMax = 65_536n;

/** How many items a collection has; looking at the items of a set puts them in order, which is work. */
function countOf(operand: Value | undefined): number {
  if (operand instanceof RegoSet || operand instanceof RegoObject) return operand.size;
  return Array.isArray(operand) ? operand.length : 1;
}

/** What is to be compared, and what stands for it in the result. */
type Candidate = readonly [Value, Value];

/** A string is its own index, and so are the items of a set. What is no collection has nothing to compare. */
function candidatesOf(operand: Value | undefined): readonly Candidate[] {
  if (typeof operand === "string") return [[operand, operand]];
  if (operand instanceof RegoSet) return operand.items.map((item) => [subjectOf(item), item]);
  if (operand instanceof RegoObject) return operand.entries.map(([key, item]) => [subjectOf(item), key]);
  return Array.isArray(operand) ? (operand as readonly Value[]).map((item, index) => [subjectOf(item), numberOf(index)]) : [];
}

/** An item is a network, or an array with the network in front. */
function subjectOf(item: Value): Value {
  const [first] = Array.isArray(item) ? (item as readonly Value[]) : [typeof item === "string" ? item : undefined];
  if (first === undefined) throw new BuiltinError("element must be a string or an array that is not empty");
  return first;
}

/** A network to look for, with its first address in the one order of all addresses of both families. */
interface Inner {
  readonly network: Network;
  readonly index: Value;
  readonly at: bigint;
  /** Its place in the operand: pairs that are in order from the start make a set that is cheap to sort. */
  readonly order: number;
}

function containsMatches(first: Value | undefined, second: Value | undefined, context: BuiltinContext): RegoSet {
  context.spend((countOf(first) + countOf(second)) * cost.read);
  const outers = candidatesOf(first);
  // Like OPA, which looks at the second operand once for each item of the first, and reads no network before there are two.
  const candidates = outers.length === 0 ? [] : candidatesOf(second);
  if (candidates.length === 0) return new RegoSet([]);
  const inners = candidates.map(([text, index], order) => innerOf(networkOrAddress(stringOf(text)), index, order));
  inners.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
  const pairs: Value[] = [];
  for (const [text, outerIndex] of outers)
    for (const { index } of within(networkOf(stringOf(text)), inners, context)) pairs.push([outerIndex, index]);
  return new RegoSet(pairs);
}

function innerOf(network: Network, index: Value, order: number): Inner {
  return { network, index, at: placeOf(network, network.first), order };
}

function placeOf({ family }: Network, address: bigint): bigint {
  return family === "ipv4" ? address + (1n << 128n) : address;
}

/** The networks that begin inside of another one and end there too, of some in the order of their addresses. */
function within(outer: Network, inners: readonly Inner[], context: BuiltinContext): readonly Inner[] {
  const from = countBelow(inners, placeOf(outer, outer.first));
  const to = countBelow(inners, placeOf(outer, outer.last) + 1n);
  context.spend((to - from) * cost.match);
  const found = inners.slice(from, to).filter(({ network }) => contains(outer, network));
  return found.sort((a, b) => a.order - b.order);
}

function countBelow(inners: readonly Inner[], place: bigint): number {
  let [low, high] = [0, inners.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((inners[middle]?.at ?? 0n) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

function networkOf(text: string): Network {
  const network = parseCidr(text);
  if (network === undefined) throw new BuiltinError(`\`${text.slice(0, 64)}\` is not a network`);
  return network;
}

function networkOrAddress(text: string): Network {
  const address = parseIp(text);
  return address === undefined ? networkOf(text) : networkAt(addressBits(address), 128);
}

function contains(outer: Network, inner: Network): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

function intersect(a: Network, b: Network): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

function expand({ family, first, last }: Network, context: BuiltinContext): RegoSet {
  const size = last - first + 1n;
  if (size > addressesMax) throw new BuiltinError(`the network has more than ${addressesMax} addresses`);
  context.spend(cost.read + Number(size) * cost[family]);
  const addresses = Array.from({ length: Number(size) }, (_, index) => addressText(first + BigInt(index)));
  // A set that is in order from the start is cheap to sort.
  return new RegoSet(addresses.sort());
}

/** `net.cidr_*`, with addresses as Go reads them: IPv4 inside IPv6 counts as IPv4; zones and leading zeros are not allowed. */
export const net: Family = {
  "net.cidr_contains"([outer, inner], context) {
    context.spend(cost.read);
    return contains(networkOf(stringOf(outer)), networkOrAddress(stringOf(inner)));
  },
  "net.cidr_intersects"([first, second], context) {
    context.spend(cost.read);
    return intersect(networkOf(stringOf(first)), networkOf(stringOf(second)));
  },
  "net.cidr_contains_matches": ([first, second], context) => containsMatches(first, second, context),
  "net.cidr_expand": ([network], context) => expand(networkOf(stringOf(network)), context),
  "net.cidr_is_valid"([network], context) {
    context.spend(cost.read);
    return typeof network === "string" && parseCidr(network) !== undefined;
  },
  "net.cidr_merge"([networks], context) {
    context.spend(countOf(networks) * cost.merge);
    return setOf(mergeNetworks(itemsOf(networks).map((item) => stringOf(item))));
  },
};
