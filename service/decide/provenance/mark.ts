import { hash } from "node:crypto";

/** 12 bytes, in base64url. */
const markLength = 16;
const cachedMax = 1024;
const cachedLength = 128;

/**
 * Keyed hashes of names: HMAC-SHA256, first 96 bits, base64url (16 characters). Without the key nobody can tell what was remembered, or try
 * values. Short names that come again and again are hashed once.
 */
export function createMarker(key: Buffer): (name: string) => string {
  const cache = new Map<string, string>();
  const mac = createMac(key);
  return (name) => {
    const cached = cache.get(name);
    if (cached !== undefined) return cached;
    const mark = mac(name).slice(0, markLength);
    if (name.length > cachedLength) return mark;
    if (cache.size >= cachedMax) cache.clear();
    cache.set(name, mark);
    return mark;
  };
}

const [blockBytes, hashBytes] = [64, 32];
const scratchUnits = 1024;

/** HMAC-SHA256 (RFC 2104) in base64url. Two hashes at once cost a third of what an object of `createHmac` does, and that is most of a decision's marks. */
function createMac(key: Buffer): (text: string) => string {
  const inner = Buffer.allocUnsafeSlow(blockBytes + 3 * scratchUnits);
  const outer = Buffer.allocUnsafeSlow(blockBytes + hashBytes);
  const block = Buffer.alloc(blockBytes);
  (key.length > blockBytes ? hash("sha256", key, "buffer") : key).copy(block);
  block.forEach((byte, i) => {
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  });
  const digestOf = (text: string): string => {
    if (text.length > scratchUnits) return hash("sha256", Buffer.concat([inner.subarray(0, blockBytes), Buffer.from(text)]), "hex");
    return hash("sha256", inner.subarray(0, blockBytes + inner.write(text, blockBytes)), "hex");
  };
  return (text) => {
    outer.write(digestOf(text), blockBytes, "hex");
    return hash("sha256", outer, "base64url");
  };
}
