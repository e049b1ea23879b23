import { BuiltinError } from "../../builtins/builtin.ts";
import { bytesOf } from "../../value/bytes.ts";

/** What YAML 1.1 lets a text hold; surrogates are halves of characters beyond U+FFFF here. */
const forbidden = /[^\t\n\r\x20-\x7e\x85\xa0-\ufffd]/;

/** The characters of a YAML stream: UTF-8, or UTF-16 where a byte order mark says so. Fails as the reader of Go's yaml does. */
export function streamText(value: string): string {
  const text = decoded(value);
  if (forbidden.test(text)) throw new BuiltinError("control characters are not allowed");
  return text;
}

function decoded(value: string): string {
  if (value.isWellFormed()) return value.startsWith("\ufeff") ? value.slice(1) : value;
  const bytes = bytesOf(value);
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : undefined;
  if (encoding === undefined) throw new BuiltinError("the text is not UTF-8");
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new BuiltinError("the text is not UTF-16");
  }
}

/** A space or a tab. */
export function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}

/** A line break of YAML 1.1. */
export function isBreak(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x0a || code === 0x0d || code === 0x85 || code === 0x2028 || code === 0x2029;
}

/** A blank, a line break, or the end of the text. */
export function isBlankOrEnd(text: string, at: number): boolean {
  return at >= text.length || isBlank(text, at) || isBreak(text, at);
}
