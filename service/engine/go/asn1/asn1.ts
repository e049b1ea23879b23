import {
  type BitString,
  bitStringOf,
  booleanOf,
  constructedTag,
  type Element,
  elementAt,
  headerAt,
  integerOf,
  intOf,
  malformed,
  oidOf,
  tags,
} from "./der.ts";

/**
 * A value as Go's `encoding/asn1` reads it into a struct: more lenient than DER where Go is. Sequences may have more members than are
 * known, an explicit tag's length is not looked at, and tags from number 31 on are read.
 */
export interface Shape<T> {
  /** The identifier octet; undefined takes any. */
  readonly tag: number | undefined;
  read(element: Element): T;
  readonly optional?: true;
  /** The number of an explicit tag around it. */
  readonly explicit?: number;
}

type ValueOf<S> = S extends Shape<infer T> ? T : never;
type Members = Readonly<Record<string, Shape<unknown>>>;

/** Any element, unread. */
export const raw: Shape<Element> = { tag: undefined, read: (element) => element };
/** BOOLEAN. */
export const bool: Shape<boolean> = { tag: tags.boolean, read: ({ content }) => booleanOf(content) };
/** INTEGER of 64 bits with a sign. */
export const int64: Shape<bigint> = { tag: tags.integer, read: ({ content }) => intOf(content) };
/** INTEGER of any size. */
export const integer: Shape<bigint> = { tag: tags.integer, read: ({ content }) => integerOf(content) };
/** OCTET STRING. */
export const octets: Shape<Buffer> = { tag: tags.octetString, read: ({ content }) => content };
/** BIT STRING. */
export const bits: Shape<BitString> = { tag: tags.bitString, read: ({ content }) => bitStringOf(content) };
/** OBJECT IDENTIFIER with numbers below 2^31. */
export const oid: Shape<readonly number[]> = { tag: tags.oid, read: ({ content }) => oidOf(content) };

/** A value that may be missing. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return { ...shape, optional: true };
}

/** A value inside an explicit tag of the context. */
export function explicit<T>(number: number, shape: Shape<T>): Shape<T> {
  return { ...shape, explicit: number };
}

/** A tag of the context in place of a constructed value's own. */
export function implicit<T>(number: number, shape: Shape<T>): Shape<T> {
  return { ...shape, tag: constructedTag(number) };
}

/** A SEQUENCE with these members in this order; `full` is the whole of it. */
export function struct<M extends Members>(members: M): Shape<{ readonly [K in keyof M]: ValueOf<M[K]> } & { readonly full: Buffer }> {
  return {
    tag: tags.sequence,
    read({ content, full }) {
      let at = 0;
      const values: Record<string, unknown> = { full };
      for (const [name, shape] of Object.entries(members)) {
        const member = memberAt(content, at, shape);
        values[name] = member.value;
        at = member.next;
      }
      return values as { readonly [K in keyof M]: ValueOf<M[K]> } & { readonly full: Buffer };
    },
  };
}

/** A SEQUENCE OF, or a SET OF: items of one shape up to the end. */
export function listOf<T>(item: Shape<T>, tag: number = tags.sequence): Shape<readonly T[]> {
  return {
    tag,
    read({ content }) {
      const items: T[] = [];
      for (let at = 0; at < content.length; ) {
        const { value, next } = memberAt(content, at, item);
        items.push(value);
        at = next;
      }
      return items;
    },
  };
}

/** Reads one value from the front; what is behind it is `rest`. Throws a BuiltinError. */
export function unmarshal<T>(bytes: Buffer, shape: Shape<T>): { readonly value: T; readonly rest: Buffer } {
  const { value, next } = memberAt(bytes, 0, shape);
  return { value, rest: bytes.subarray(next) };
}

/** Reads one value that must be all there is. */
export function unmarshalAll<T>(bytes: Buffer, shape: Shape<T>): T {
  const { value, rest } = unmarshal(bytes, shape);
  if (rest.length > 0) throw malformed("trailing data");
  return value;
}

interface Member<T> {
  readonly value: T;
  readonly next: number;
}

function memberAt<T>(bytes: Buffer, at: number, shape: Shape<T>): Member<T> {
  if (at === bytes.length) return absent(at, shape);
  const outer = headerAt(bytes, at, true);
  if (shape.explicit === undefined) return bodyAt(bytes, at, at, shape);
  if (outer.start === bytes.length) throw malformed("explicit tag without a value");
  const empty = outer.end === outer.start;
  if (outer.tag !== constructedTag(shape.explicit) && !(empty && outer.tag === (constructedTag(shape.explicit) & ~0x20)))
    return absent(at, shape);
  if (empty) throw malformed("explicit tag without a value");
  return bodyAt(bytes, at, outer.start, shape);
}

/** The value behind its explicit tag; what does not fit is left where it is if it may be missing. */
function bodyAt<T>(bytes: Buffer, at: number, bodyStart: number, shape: Shape<T>): Member<T> {
  const header = headerAt(bytes, bodyStart, true);
  if (shape.tag !== undefined && header.tag !== shape.tag) return absent(at, shape);
  const element = elementAt(bytes, bodyStart, header);
  return { value: shape.read(element), next: bodyStart + element.full.length };
}

/** Only what was made by {@link optional} may be missing, and its type says so. */
function absent<T>(at: number, shape: Shape<T>): Member<T> {
  if (shape.optional === undefined) throw malformed("a member is missing or has another tag");
  return { value: undefined as T, next: at };
}
