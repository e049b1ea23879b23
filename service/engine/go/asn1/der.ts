import { BuiltinError } from "../../builtins/builtin.ts";

/** DER (X.690) that is read from the front. */
export interface Der {
  readonly bytes: Buffer;
  at: number;
}

/** One value with its header; `tag` is the identifier octet, and from number 31 on `256 * number` is added to it. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly full: Buffer;
}

/** Where an element's content lies; `end` may be behind the bytes that there are. */
interface Header {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** Identifier octets of universal types. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The identifier octet of a primitive value under a tag of its context. */
export function contextTag(number: number): number {
  return 0x80 | number;
}

/** The same for a constructed one, as explicit tags are. */
export function constructedTag(number: number): number {
  return 0xa0 | number;
}

/** What is thrown for bytes that are not what they should be. */
export function malformed(what: string): BuiltinError {
  return new BuiltinError(`malformed DER: ${what}`);
}

/** DER from its beginning. */
export function derOf(bytes: Buffer): Der {
  return { bytes, at: 0 };
}

/** Whether nothing is left. */
export function isDone(der: Der): boolean {
  return der.at >= der.bytes.length;
}

/** Whether the next element has this tag, which must be below number 31. */
export function isNext(der: Der, tag: number): boolean {
  return der.bytes[der.at] === tag;
}

/** The header at a place; tags from number 31 on are read only when asked for. Throws a {@link BuiltinError} for what is not DER. */
export function headerAt(bytes: Buffer, at: number, highTags: boolean): Header {
  const first = byteAt(bytes, at);
  if ((first & 0x1f) < 0x1f) return lengthAt(bytes, at + 1, first);
  if (!highTags) throw malformed("tag number above 30");
  const { value, next } = base128At(bytes, at + 1);
  if (value < 0x1f) throw malformed("tag number not in its shortest form");
  return lengthAt(bytes, next, first + 256 * value);
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw malformed("truncated");
  return byte;
}

/** Lengths must be definite and as short as they can be; four bytes are more than any input has. */
function lengthAt(bytes: Buffer, at: number, tag: number): Header {
  const first = byteAt(bytes, at);
  if (first < 0x80) return { tag, start: at + 1, end: at + 1 + first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + 1 + count > bytes.length) throw malformed("length");
  const length = bytes.readUIntBE(at + 1, count);
  if (length < 0x80 || length < 256 ** (count - 1)) throw malformed("length not in its shortest form");
  return { tag, start: at + 1 + count, end: at + 1 + count + length };
}

/** The element at a header's place. */
export function elementAt(bytes: Buffer, at: number, header: Header): Element {
  if (header.end > bytes.length) throw malformed("truncated");
  return { tag: header.tag, content: bytes.subarray(header.start, header.end), full: bytes.subarray(at, header.end) };
}

/** The next element, whatever it is. */
export function takeAny(der: Der): Element {
  const element = elementAt(der.bytes, der.at, headerAt(der.bytes, der.at, false));
  der.at += element.full.length;
  return element;
}

/** The next element, which must have this tag. */
export function takeElement(der: Der, tag: number, what: string): Element {
  const element = takeAny(der);
  if (element.tag !== tag) throw malformed(`${what} has tag ${element.tag}`);
  return element;
}

/** The content of the next element, which must have this tag. */
export function take(der: Der, tag: number, what: string): Buffer {
  return takeElement(der, tag, what).content;
}

/** The same, to be read on. */
export function enter(der: Der, tag: number, what: string): Der {
  return derOf(take(der, tag, what));
}

/** The content of the next element if it has this tag. */
export function takeOptional(der: Der, tag: number, what: string): Buffer | undefined {
  return isNext(der, tag) ? take(der, tag, what) : undefined;
}

/** What every element of a sequence gives. */
export function takeEach<T>(der: Der, read: (der: Der) => T): T[] {
  const items: T[] = [];
  while (!isDone(der)) items.push(read(der));
  return items;
}

/** An INTEGER in its shortest form. */
export function integerOf(content: Buffer): bigint {
  const [first, second] = content;
  if (first === undefined) throw malformed("empty integer");
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw malformed("integer not in its shortest form");
  const size = BigInt(`0x${content.toString("hex")}`);
  return first < 0x80 ? size : size - (1n << BigInt(content.length * 8));
}

/** An INTEGER that fits into 64 bits with a sign. */
export function intOf(content: Buffer): bigint {
  if (content.length > 8) throw malformed("integer too large");
  return integerOf(content);
}

/** A BOOLEAN, which is 0 or 255. */
export function booleanOf(content: Buffer): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed("boolean");
  return content[0] === 0xff;
}

/** An OBJECT IDENTIFIER as its numbers, each below 2^31. */
export function oidOf(content: Buffer): readonly number[] {
  if (content.length === 0) throw malformed("empty object identifier");
  const numbers: number[] = [];
  for (let at = 0; at < content.length; ) {
    const { value, next } = base128At(content, at);
    if (at > 0) numbers.push(value);
    else if (value < 80) numbers.push(Math.floor(value / 40), value % 40);
    else numbers.push(2, value - 80);
    at = next;
  }
  return numbers;
}

function base128At(bytes: Buffer, at: number): { readonly value: number; readonly next: number } {
  if (bytes[at] === 0x80) throw malformed("number not in its shortest form");
  let value = 0;
  for (let next = at; next < at + 5; next++) {
    const byte = byteAt(bytes, next);
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80 && value < 2 ** 31) return { value, next: next + 1 };
    if (byte < 0x80) break;
  }
  throw malformed("number too large");
}

/** Bits in bytes; `bits` counts those that are used. */
export interface BitString {
  readonly bytes: Buffer;
  readonly bits: number;
}

/** A BIT STRING whose unused bits are zero. */
export function bitStringOf(content: Buffer): BitString {
  const [unused] = content;
  const bytes = content.subarray(1);
  if (unused === undefined || unused > 7 || (bytes.length === 0 && unused !== 0)) throw malformed("bit string");
  if (((bytes.at(-1) ?? 0) & ((1 << unused) - 1)) !== 0) throw malformed("bit string");
  return { bytes, bits: bytes.length * 8 - unused };
}

/** One bit, counted from the front; false behind the end. */
export function bitAt({ bytes, bits }: BitString, index: number): boolean {
  return index < bits && (((bytes[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) === 1;
}

/** The bytes with the unused bits in front. */
export function rightAligned({ bytes, bits }: BitString): Buffer {
  const shift = bytes.length * 8 - bits;
  if (shift === 0) return bytes;
  return Buffer.from(bytes.map((byte, index) => (byte >> shift) | (((index === 0 ? 0 : (bytes[index - 1] ?? 0)) << (8 - shift)) & 0xff)));
}
