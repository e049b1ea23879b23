/** The y coordinates of the points of order 1, 2, 4 and 8 (RFC 8032, section 5.1.2: little-endian), also as numbers beyond the field. */
const small: ReadonlySet<string> = new Set([
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  "00".repeat(32),
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
]);

/**
 * Whether an Ed25519 key of 32 bytes is a point of small order, for which anybody can make signatures. Go's library and older OpenSSL
 * let them verify, newer OpenSSL does not: here they never do.
 */
export function isSmallOrder(point: Uint8Array): boolean {
  const y = Buffer.from(point);
  y[31] = (y[31] ?? 0) & 0x7f;
  return small.has(y.toString("hex"));
}
