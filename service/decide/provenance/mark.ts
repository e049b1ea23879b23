import { createHmac } from "node:crypto";

const markBytes = 12;
const cachedMax = 1024;
const cachedLength = 128;

/**
 * Keyed hashes of names: HMAC-SHA256, first 96 bits, base64url (16 characters). Without the key nobody can tell what was remembered, or try
 * values. Short names that come again and again are hashed once.
 */
export function createMarker(key: Buffer): (name: string) => string {
  const cache = new Map<string, string>();
  return (name) => {
    const cached = cache.get(name);
    if (cached !== undefined) return cached;
    const mark = createHmac("sha256", key).update(name).digest().subarray(0, markBytes).toString("base64url");
    if (name.length > cachedLength) return mark;
    if (cache.size >= cachedMax) cache.clear();
    cache.set(name, mark);
    return mark;
  };
}
