import { ipText, parseAddress, shortest } from "./ip.ts";

/** A network. Addresses have 128 bits, and those of IPv4 are `::ffff:a.b.c.d`; the prefix is as long as its family counts it. */
export interface Network {
  readonly family: "ipv4" | "ipv6";
  readonly first: bigint;
  readonly last: bigint;
  readonly prefix: number;
}

const ipv4Prefix = 96;

/** The 128 bits of an address of 4 or 16 bytes. */
export function addressBits(bytes: Buffer): bigint {
  const short = shortest(bytes);
  const bits = BigInt(`0x${short.toString("hex")}`);
  return short.length === 4 ? (0xffffn << 32n) | bits : bits;
}

/** The network that an address is in, by the length of its prefix in 128 bits. */
export function networkAt(address: bigint, prefix: number): Network {
  const hosts = (1n << BigInt(128 - prefix)) - 1n;
  const last = address | hosts;
  const isIpv4 = prefix >= ipv4Prefix && address >> 32n === 0xffffn;
  return { family: isIpv4 ? "ipv4" : "ipv6", first: last - hosts, last, prefix: isIpv4 ? prefix - ipv4Prefix : prefix };
}

/** Go's `net.ParseCIDR`; `mapped` is an IPv4 network that is written as `::ffff:a.b.c.d/n`. Undefined when it is not one. */
export function parseCidr(text: string): (Network & { readonly mapped: boolean }) | undefined {
  const slash = text.indexOf("/");
  const length = slash < 0 ? undefined : /^0*(\d{1,3})$/.exec(text.slice(slash + 1))?.[1];
  const address = length === undefined ? undefined : parseAddress(text.slice(0, slash));
  if (address === undefined || address.zone !== "" || Number(length) > address.bytes.length * 8) return undefined;
  const wide = address.bytes.length === 16;
  const network = networkAt(addressBits(address.bytes), Number(length) + (wide ? 0 : ipv4Prefix));
  return { ...network, mapped: wide && network.family === "ipv4" };
}

/** Go's text of an address of 128 bits. */
export function addressText(address: bigint): string {
  if (address >> 32n !== 0xffffn) return ipText(Buffer.from(address.toString(16).padStart(32, "0"), "hex"));
  const low = Number(BigInt.asUintN(32, address));
  return `${low >>> 24}.${(low >>> 16) & 255}.${(low >>> 8) & 255}.${low & 255}`;
}
