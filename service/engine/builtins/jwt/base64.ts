import { Buffer } from "node:buffer";
import { BuiltinError } from "../builtin.ts";

/** An alphabet of base64 (RFC 4648), with padding or without. */
interface Alphabet {
  readonly whole: RegExp;
  readonly padded: boolean;
}

const alphabets = {
  std: { whole: /^[A-Za-z0-9+/]*={0,2}$/, padded: true },
  rawStd: { whole: /^[A-Za-z0-9+/]*$/, padded: false },
  url: { whole: /^[A-Za-z0-9_-]*={0,2}$/, padded: true },
  rawUrl: { whole: /^[A-Za-z0-9_-]*$/, padded: false },
} as const satisfies Record<string, Alphabet>;

/** The bytes of base64 as Go decodes it: line breaks are skipped anywhere, and bits behind the last byte may be set. */
export function decodeBase64(text: string, alphabet: keyof typeof alphabets): Buffer {
  const { whole, padded } = alphabets[alphabet];
  const digits = text.replace(/[\r\n]+/g, "");
  if (!whole.test(digits) || (padded ? digits.length % 4 !== 0 : digits.length % 4 === 1)) throw new BuiltinError("invalid base64");
  return Buffer.from(digits, "base64");
}

/** OPA's `base64url.decode`: padding may be missing, and whether it is depends on the length with all line breaks. */
export function decodeSegment(text: string): Buffer {
  const missing = text.endsWith("=") ? 0 : (4 - (text.length % 4)) % 4;
  if (missing === 3) throw new BuiltinError("invalid base64url");
  return decodeBase64(text + "=".repeat(missing), "url");
}

/** A member of a JWK: the alphabet and the padding are guessed, as the Go library does. */
export function decodeGuessed(text: string): Buffer {
  if (/[+/]/.test(text)) return decodeBase64(text, text.endsWith("=") ? "std" : "rawStd");
  return decodeBase64(text, text.endsWith("=") ? "url" : "rawUrl");
}

/** Bytes as base64url without padding. */
export function encodeSegment(bytes: Buffer): string {
  return bytes.toString("base64url");
}
