import { decodeObject, isJson } from "../../go/json/decode.ts";
import { marshalJson, marshalString } from "../../go/json/marshal.ts";
import { compare, RegoNumber, RegoObject, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";

/** Parsed JSON with numbers and members as they were written. */
export type Document = null | boolean | string | RegoNumber | readonly Document[] | Members;
/** An object, in the order of its text. */
export type Members = Map<string, Document>;

/** What OPA says about a schema or a document: `json.verify_schema` answers with it instead of failing. */
export class SchemaError extends BuiltinError {}

const unitsPerCharacter = 5;
/** Deeper documents do not fit the stack. */
const depthMax = 500;

/** The JSON that a string holds, or that an object or an array is. */
export function jsonOf(value: Value, context: BuiltinContext): string {
  if (typeof value !== "string" && !(value instanceof RegoObject) && !Array.isArray(value))
    throw new SchemaError("wrong type, expected string or object");
  const text = typeof value === "string" ? value : marshalJson(value);
  context.spend(text.length * unitsPerCharacter);
  if (typeof value === "string" && !isJson(value)) throw new SchemaError("invalid JSON string");
  return text;
}

/** Reads text that is known to be JSON. */
export function parse(text: string, context: BuiltinContext): Document {
  context.spend(text.length * unitsPerCharacter);
  const { value } = decodeObject<Members>(`{"":${text}}`, {
    depthMax,
    object: (members) => new Map(members),
    number: (digits) => new RegoNumber(digits),
  });
  return value.get("") ?? null;
}

/** A document's text with numbers as doubles: texts are equal when JSON Schema takes the values for equal, as OPA does. */
export function plainText(document: Document, context: BuiltinContext): string {
  context.spend(unitsPerCharacter);
  if (typeof document === "string") {
    context.spend(document.length);
    return marshalString(document);
  }
  if (document instanceof RegoNumber) return doubleText(document.text);
  if (document instanceof Map) {
    const members = [...document]
      .sort(([a], [b]) => compare(a, b))
      .map(([name, item]) => `${marshalString(name)}:${plainText(item, context)}`);
    return `{${members.join(",")}}`;
  }
  if (document === null || typeof document === "boolean") return String(document);
  return `[${document.map((item) => plainText(item, context)).join(",")}]`;
}

function doubleText(text: string): string {
  const double = Number(text);
  if (!Number.isFinite(double)) throw new SchemaError(`json: cannot unmarshal number ${text} into Go value of type float64`);
  return Object.is(double, -0) ? "-0" : String(double);
}
