import { addressBits, addressText, type Network, networkAt, parseCidr } from "../../go/net/cidr.ts";
import { parseIp } from "../../go/net/ip.ts";
import { BuiltinError } from "../builtin.ts";

/** First and last address, in the hexadecimal digits by which OPA orders them, and the text of a network that stands alone. */
interface Range {
  readonly low: string;
  readonly high: string;
  readonly text: string | undefined;
}

/** The networks that cover the same addresses, neighbours joined, as text; fails for what is no network and no IPv4 address. */
export function mergeNetworks(texts: readonly string[]): readonly string[] {
  const ranges = texts.map(rangeOf).sort((a, b) => order(a.high, b.high) || order(a.low, b.low));
  const merged: Range[] = [];
  for (const range of ranges.reverse()) {
    const next = merged.at(-1);
    if (next === undefined || before(next.low) > range.high) merged.push(range);
    else merged[merged.length - 1] = { low: order(range.low, next.low) < 0 ? range.low : next.low, high: next.high, text: undefined };
  }
  return merged.flatMap((range) => (range.text === undefined ? cover(range) : [range.text]));
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function rangeOf(text: string): Range {
  const address = parseIp(text);
  if (address !== undefined) return classOf(address);
  const network = parseCidr(text);
  if (network === undefined) throw new BuiltinError(`\`${text.slice(0, 64)}\` is not a network`);
  return network.mapped ? longRange(network) : plainRange(network, textOf(network));
}

/** A bare address stands for the network of its class (RFC 791), and stays itself while nothing is joined to it. */
function classOf(address: Buffer): Range {
  const [first = 0] = address;
  if (address.length !== 4) throw new BuiltinError("an IPv6 address needs the length of its prefix");
  const prefix = first < 128 ? 8 : first < 192 ? 16 : 24;
  const bits = addressBits(address);
  return plainRange(networkAt(bits, prefix + 96), `${addressText(bits)}/${prefix}`);
}

function plainRange({ first, last }: Network, text: string): Range {
  return { low: hex(first), high: hex(last), text };
}

/** OPA puts the mark of IPv4 in front of the 16 bytes of `::ffff:a.b.c.d` once more, and such a network hardly ever has neighbours. */
function longRange(network: Network): Range {
  const bits = hex(network.first);
  const high = hex((0xffffn << 32n) | (network.last - network.first)) + bits.slice(8);
  return { low: bits.slice(0, 24) + bits, high, text: textOf(network) };
}

function textOf({ first, prefix }: Network): string {
  return `${addressText(first)}/${prefix}`;
}

function hex(bits: bigint, digits = 32): string {
  return bits.toString(16).padStart(digits, "0");
}

const lowest: ReadonlySet<string> = new Set([hex(0n), hex(0xffffn << 32n)]);

/** The address before this one; `::` and `0.0.0.0` have none. */
function before(low: string): string {
  return lowest.has(low) ? low : hex(BigInt(`0x${low}`) - 1n, low.length);
}

/** The fewest networks with exactly the addresses of a range. */
function cover({ low, high }: Range): readonly string[] {
  if (low.length + high.length > 64) throw new BuiltinError("a network written as `::ffff:a.b.c.d/n` cannot be joined with others");
  const last = BigInt(`0x${high}`);
  const texts: string[] = [];
  for (let first = BigInt(`0x${low}`); first <= last; ) {
    const network = networkAt(first, 128 - Math.min(zerosBehind(first), (last - first + 1n).toString(2).length - 1));
    texts.push(textOf(network));
    first = network.last + 1n;
  }
  return texts;
}

function zerosBehind(bits: bigint): number {
  return bits === 0n ? 128 : (bits & -bits).toString(2).length - 1;
}
