import { isUtf8 } from "node:buffer";
import { marshalJson } from "../go/json/marshal.ts";
import { type GoUrl, parseUrl } from "../go/net/url.ts";
import { parseQuery, queryEscape, queryUnescape } from "../go/net/url-query.ts";
import { bytesOf, textOf } from "../value/bytes.ts";
import { RegoObject, RegoSet, type Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { objectOperand, stringOf } from "./operands.ts";

/** Units for a byte that is escaped or read, and for one of a text that is not UTF-8. */
const byteUnits = 5;
const oddUnits = 20;
const bytesPerUnit = 16;

/** The bytes of a string operand, a character each, and what will be done with them is paid. */
function latin1Of(operand: Value | undefined, context: BuiltinContext): string {
  const bytes = bytesIn(operand, context);
  context.spend(byteUnits * bytes.length);
  return bytes.toString("latin1");
}

function bytesIn(operand: Value | undefined, context: BuiltinContext): Buffer {
  const text = stringOf(operand);
  context.spend(text.isWellFormed() ? text.length / bytesPerUnit : oddUnits * text.length);
  return bytesOf(text);
}

function textIn(bytes: Buffer, context: BuiltinContext): string {
  context.spend(isUtf8(bytes) ? bytes.length / bytesPerUnit : oddUnits * bytes.length);
  return textOf(bytes);
}

function textOfLatin1(bytes: string, context: BuiltinContext): string {
  return textIn(Buffer.from(bytes, "latin1"), context);
}

function hexDecode(text: string, context: BuiltinContext): string {
  if (text.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(text)) throw new BuiltinError("not hexadecimal digits, two for each byte");
  context.spend(text.length / bytesPerUnit);
  return textIn(Buffer.from(text, "hex"), context);
}

/** The object as `key=value` pairs, in the order of keys. */
function encodeObject(object: RegoObject, context: BuiltinContext): string {
  const values = new Map(object.entries.map(([key, value]) => [keyOf(key), valuesOf(value)] as const));
  const keys = [...values.keys()].map((key) => latin1Of(key, context)).sort();
  return keys.flatMap((key) => (values.get(textOfLatin1(key, context)) ?? []).map((value) => pairOf(key, value, context))).join("&");
}

function pairOf(key: string, value: string, context: BuiltinContext): string {
  context.spend(byteUnits * key.length);
  return `${queryEscape(key)}=${queryEscape(latin1Of(value, context))}`;
}

/** A key that is not a string is its JSON, as Go writes it, which is safe inside of HTML. */
function keyOf(key: Value): string {
  return typeof key === "string" ? key : marshalJson(key);
}

function valuesOf(value: Value): readonly string[] {
  if (typeof value === "string") return [value];
  const items = value instanceof RegoSet ? value.items : value;
  if (!Array.isArray(items) || !items.every((item) => typeof item === "string"))
    throw new BuiltinError("values must be a string, or an array or set of strings");
  return items;
}

function decodeObject(query: string, context: BuiltinContext): RegoObject {
  context.spend(byteUnits * query.length);
  const text = (bytes: string): string => textOfLatin1(bytes, context);
  const entries = [...parseQuery(query)].map(([key, values]) => [text(key), values.map(text)] as const);
  return new RegoObject(entries);
}

/** What a URI has; a part that is empty is left out. */
function uriObject(url: GoUrl, context: BuiltinContext): RegoObject {
  const { hostname, port } = hostAndPort(url.host);
  const parts = Object.entries({
    scheme: url.scheme,
    hostname,
    port,
    path: url.path,
    raw_path: url.rawPath === "" ? url.path : url.rawPath,
    raw_query: url.rawQuery,
    fragment: url.fragment,
  });
  return new RegoObject(parts.filter(([, part]) => part !== "").map(([name, part]) => [name, textOfLatin1(part, context)] as const));
}

function hostAndPort(host: string): { readonly hostname: string; readonly port: string } {
  const port = /:\d*$/.exec(host)?.[0] ?? "";
  const name = host.slice(0, host.length - port.length);
  const inBrackets = name.startsWith("[") && name.endsWith("]");
  return { hostname: inBrackets ? name.slice(1, -1) : name, port: port.slice(1) };
}

function isUri(operand: Value | undefined, context: BuiltinContext): boolean {
  if (typeof operand !== "string" || operand === "") return false;
  try {
    parseUrl(latin1Of(operand, context));
    return true;
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error;
    return false;
  }
}

/** Bytes and URIs as text, and back. */
export const encoding: Family = {
  "base64url.encode_no_pad": ([text], context) => bytesIn(text, context).toString("base64url"),
  "hex.encode": ([text], context) => bytesIn(text, context).toString("hex"),
  "hex.decode": ([text], context) => hexDecode(stringOf(text), context),
  "urlquery.encode": ([text], context) => queryEscape(latin1Of(text, context)),
  "urlquery.decode": ([text], context) => textOfLatin1(queryUnescape(latin1Of(text, context)), context),
  "urlquery.encode_object": ([object], context) => encodeObject(objectOperand(object), context),
  "urlquery.decode_object": ([query], context) => decodeObject(latin1Of(query, context), context),
  "uri.parse": ([text], context) => uriObject(parseUrl(latin1Of(text, context)), context),
  "uri.is_valid": ([text], context) => isUri(text, context),
};
