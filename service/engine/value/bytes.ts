import { Buffer, isUtf8 } from "node:buffer";

/**
 * OPA's strings are bytes, and a few are not UTF-8: what `hex.decode` and `base64.decode` give may be a key or a digest. In JavaScript's
 * text such a byte is a lone low surrogate, U+DC80 to U+DCFF (as in Python's PEP 383), which no UTF-8 can hold: no byte is lost.
 */
export function textOf(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? buffer.toString("utf8") : escaped(buffer);
}

/** The bytes of a text, as {@link textOf} read it. */
export function bytesOf(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  return Buffer.concat(text.split(/(\p{Surrogate})/u).map((part, index) => (index % 2 === 0 ? Buffer.from(part, "utf8") : lone(part))));
}

/** The byte behind an escape; any other lone surrogate cannot be said in UTF-8. */
function lone(surrogate: string): Buffer {
  const code = surrogate.charCodeAt(0);
  return code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from("\ufffd");
}

function escaped(bytes: Buffer): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceAt(bytes, at);
    parts.push(length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : bytes.toString("utf8", at, at + length));
    at += Math.max(length, 1);
  }
  return parts.join("");
}

/** How many bytes the character at a place has; 0 when there is none. */
function sequenceAt(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
