import { isUtf8 } from "node:buffer";
import * as asn1 from "../../go/asn1/asn1.ts";
import {
  bitStringOf,
  booleanOf,
  derOf,
  type Element,
  enter,
  intOf,
  malformed,
  oidOf,
  tags,
  take,
  takeAny,
  takeEach,
} from "../../go/asn1/der.ts";
import { generalizedTimeOf, utcTimeOf } from "../../go/asn1/time.ts";
import { numberOf, RegoObject, type Value } from "../../value/value.ts";
import { BuiltinError } from "../builtin.ts";
import { base64Value, listValue, objectValue, oidValue } from "./values.ts";

/**
 * One attribute of a distinguished name; `text` is its value if that is a string, as it always is in a certificate. A value is undefined
 * when it cannot be shown.
 */
export interface Attribute {
  readonly type: readonly number[];
  readonly value: Value | undefined;
  readonly text: string | undefined;
}

const texts: ReadonlyMap<number, (content: Buffer) => string> = new Map([
  [tags.t61String, (content: Buffer) => content.toString("latin1")],
  [tags.utf8String, utf8Text],
  [tags.printableString, (content: Buffer) => asciiText(content, /^[A-Za-z0-9'()+,\-./ :=?*&]*$/)],
  [tags.ia5String, (content: Buffer) => ia5Text(content, "IA5String")],
  [tags.numericString, (content: Buffer) => asciiText(content, /^[0-9 ]*$/)],
  [tags.bmpString, bmpText],
]);

function utf8Text(content: Buffer): string {
  if (!isUtf8(content)) throw malformed("UTF8String");
  return content.toString("utf8");
}

function asciiText(content: Buffer, allowed: RegExp): string {
  const text = content.toString("latin1");
  if (!allowed.test(text)) throw malformed("character that its type of string does not have");
  return text;
}

/** Text of ASCII. */
export function ia5Text(content: Buffer, what: string): string {
  if (content.some((byte) => byte > 0x7f)) throw malformed(`${what} with a character that is not ASCII`);
  return content.toString("latin1");
}

/** Two bytes a character; without surrogates and what is no character, and without one terminator. */
function bmpText(content: Buffer): string {
  if (content.length % 2 !== 0) throw malformed("BMPString");
  const text = Buffer.from(content).swap16().toString("utf16le").replace(/\0$/, "");
  if (/[\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/.test(text)) throw malformed("BMPString");
  return text;
}

function textOf({ tag, content }: Element): string {
  const read = texts.get(tag);
  if (read === undefined) throw new BuiltinError(`unsupported type of string ${tag}`);
  return read(content);
}

/** The attributes of a certificate's Name, in their order. */
export function parseName(element: Buffer): readonly Attribute[] {
  return takeEach(enter(derOf(element), tags.sequence, "name"), (names) =>
    takeEach(enter(names, tags.set, "relative name"), (set) => {
      const attribute = enter(set, tags.sequence, "attribute");
      const type = oidOf(take(attribute, tags.oid, "attribute type"));
      const text = textOf(takeAny(attribute));
      return { type, value: text, text };
    }),
  ).flat();
}

type Read = (content: Buffer) => Value | undefined;

const otherValues: ReadonlyMap<number, Read> = new Map<number, Read>([
  [tags.boolean, booleanOf],
  [tags.integer, (content) => numberOf(intOf(content))],
  [tags.oid, (content) => oidValue(oidOf(content))],
  [tags.octetString, base64Value],
  [tags.utcTime, (content) => utcTimeOf(content).text],
  [tags.generalizedTime, (content) => generalizedTimeOf(content, true).text],
  [
    tags.bitString,
    (content) => {
      const { bytes, bits } = bitStringOf(content);
      return new RegoObject([
        ["Bytes", base64Value(bytes)],
        ["BitLength", numberOf(bits)],
      ]);
    },
  ],
]);

/** Any value as Go's `encoding/asn1` reads it; null for types that it does not know. */
const any: asn1.Shape<Pick<Attribute, "value" | "text">> = {
  tag: undefined,
  read({ tag, content }) {
    const text = texts.get(tag)?.(content);
    const read = otherValues.get(tag);
    return { value: text ?? (read === undefined ? null : read(content)), text };
  },
};

const memberShape = asn1.struct({ type: asn1.oid, any });
/** AttributeTypeAndValue (RFC 5280, 4.1.2.4), with a value of any type. */
export const attributeShape: asn1.Shape<Attribute> = {
  ...memberShape,
  read(element) {
    const { type, any: found } = memberShape.read(element);
    return { type, ...found };
  },
};
const nameShape = asn1.listOf(asn1.listOf(attributeShape, tags.set));

/** The attributes of the Name in a certificate request. */
export function parseRequestName(element: Buffer): readonly Attribute[] {
  return asn1.unmarshalAll(element, nameShape).flat();
}

const listFields = [
  [6, "Country"],
  [7, "Locality"],
  [8, "Province"],
  [9, "StreetAddress"],
  [10, "Organization"],
  [11, "OrganizationalUnit"],
  [17, "PostalCode"],
] as const;
const textFields = [
  [3, "CommonName"],
  [5, "SerialNumber"],
] as const;

/** `Type` and `Value`, as Go's `pkix.AttributeTypeAndValue`. */
export function attributeValue({ type, value }: Attribute): Value {
  if (value === undefined) throw new BuiltinError("a time in a name has a zone that is out of range");
  return new RegoObject([
    ["Type", oidValue(type)],
    ["Value", value],
  ]);
}

/** The name as Go's `pkix.Name`. */
export function nameValue(attributes: readonly Attribute[]): Value {
  const texts = new Map<number, string[]>();
  for (const { type, text } of attributes) {
    const [a, b, c, number, more] = type;
    if (text === undefined || a !== 2 || b !== 5 || c !== 4 || number === undefined || more !== undefined) continue;
    const list = texts.get(number);
    if (list === undefined) texts.set(number, [text]);
    else list.push(text);
  }
  return objectValue(
    Object.fromEntries(listFields.map(([number, field]) => [field, listValue(texts.get(number))])),
    Object.fromEntries(textFields.map(([number, field]) => [field, texts.get(number)?.at(-1) ?? ""])),
    { Names: listValue(attributes.map(attributeValue)), ExtraNames: null },
  );
}
