/** The four bytes of an IPv4 address as Go reads it: decimal, no leading zeros. */
function ipv4Bytes(text: string): Buffer | undefined {
  const parts = text.split(".", 5);
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return Buffer.from(parts.map(Number));
}

/** Go's `netip.ParseAddr`: 4 or 16 bytes, and the zone of an IPv6 address; undefined when it is not an address. */
export function parseAddress(text: string): { readonly bytes: Buffer; readonly zone: string } | undefined {
  const first = /[.:%]/.exec(text)?.[0];
  if (first === ".") return withZone(ipv4Bytes(text), "");
  if (first !== ":") return undefined;
  const at = text.indexOf("%");
  if (at < 0) return withZone(ipv6Bytes(text), "");
  return at + 1 === text.length ? undefined : withZone(ipv6Bytes(text.slice(0, at)), text.slice(at + 1));
}

function withZone(bytes: Buffer | undefined, zone: string): { readonly bytes: Buffer; readonly zone: string } | undefined {
  return bytes === undefined ? undefined : { bytes, zone };
}

/** Groups of up to four hexadecimal digits, one `::`, and IPv4 notation for the last two groups. */
function ipv6Bytes(text: string): Buffer | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index + 1 === halves.length));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 16 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return Buffer.concat([head, Buffer.alloc(missing), tail ?? Buffer.alloc(0)]);
}

/** The bytes of the groups on one side of `::`. */
function groupsOf(text: string, last: boolean): Buffer | undefined {
  if (text === "") return Buffer.alloc(0);
  const groups = text.split(":");
  const dotted = last && text.includes(".") ? ipv4Bytes(groups.pop() ?? "") : Buffer.alloc(0);
  if (dotted === undefined || !groups.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined;
  return Buffer.concat([Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex"), dotted]);
}

/** Go's `net.ParseIP` and `IP.To4`: 4 bytes for IPv4 however it is written, otherwise 16; undefined for a zone too. */
export function parseIp(text: string): Buffer | undefined {
  const address = parseAddress(text);
  return address === undefined || address.zone !== "" ? undefined : shortest(address.bytes);
}

const mapped = Buffer.from("00000000000000000000ffff", "hex");

/** An IPv4 address inside IPv6 (`::ffff:1.2.3.4`) as its 4 bytes; other addresses as they are. */
export function shortest(bytes: Buffer): Buffer {
  return bytes.length === 16 && bytes.subarray(0, 12).equals(mapped) ? bytes.subarray(12) : bytes;
}

/** Go's text of an address of 4 or 16 bytes (RFC 5952). */
export function ipText(bytes: Buffer): string {
  const short = shortest(bytes);
  if (short.length === 4) return [...short].join(".");
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

function longestZeros(groups: readonly string[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    const stop = groups.findIndex((group, index) => index >= start && group !== "0");
    const length = (stop < 0 ? groups.length : stop) - start;
    if (length > best.length) best = { start, length };
  }
  return best;
}
