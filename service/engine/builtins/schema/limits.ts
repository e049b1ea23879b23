import { RegoNumber } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { type Document, type Members, plainText, SchemaError } from "./document.ts";
import { hybrid } from "./drafts.ts";
import { isPattern } from "./formats.ts";
import { type Exact, exact, isInteger } from "./number.ts";
import type { Schema } from "./types.ts";

/** Reads keywords of a schema that have no schemas in them; fails with OPA's message where one is wrong. */
export type Step = (schema: Schema, members: Members, context: BuiltinContext) => void;

/** OPA's message for a keyword of a wrong type. */
export function invalidType(expected: string, given: string): SchemaError {
  return new SchemaError(`Invalid type. Expected: ${expected}, given: ${given}`);
}

/** The string that a keyword has, if it is there. */
export function stringMember(members: Members, name: string): string | undefined {
  const member = members.get(name);
  if (member !== undefined && typeof member !== "string") throw invalidType("string", name);
  return member;
}

/** The array that a keyword has, if it is there. */
export function arrayMember(members: Members, name: string): readonly Document[] | undefined {
  const member = members.get(name);
  if (member !== undefined && !Array.isArray(member)) throw new SchemaError(`${name} must be of an array`);
  return member;
}

const typeNames: readonly string[] = ["array", "boolean", "integer", "number", "null", "object", "string"];

/** `type`: one name or several. */
export const readTypes: Step = (schema, members) => {
  const type = members.get("type");
  if (type === undefined) return;
  if (typeof type !== "string" && !Array.isArray(type)) throw invalidType("type", "string/Array Of Strings");
  for (const name of typeof type === "string" ? [type] : type) addType(schema, name);
};

function addType({ types }: Schema, name: Document): void {
  if (typeof name !== "string") throw invalidType("type", "string/Array Of Strings");
  if (!typeNames.includes(name))
    throw new SchemaError(`has a primitive type that is NOT VALID -- given: /${name}/ Expected valid values are:[${typeNames.join(" ")}]`);
  if (types.includes(name)) throw new SchemaError(`${name} type is duplicated`);
  types.push(name);
}

function numberMember(members: Members, name: string): Exact | undefined {
  const member = members.get(name);
  return member instanceof RegoNumber ? exact(member.text) : undefined;
}

const readMultipleOf: Step = (schema, members) => {
  if (!members.has("multipleOf")) return;
  const number = numberMember(members, "multipleOf");
  if (number === undefined) throw invalidType("Number", "multipleOf");
  if (number.negative || number.digits === "") throw new SchemaError("multipleOf must be strictly greater than 0");
  schema.multipleOf = number;
};

type Bound = "minimum" | "maximum";
type ExclusiveBound = "exclusiveMinimum" | "exclusiveMaximum";

function readBound(name: Bound): Step {
  return (schema, members) => {
    if (!members.has(name)) return;
    schema[name] = numberMember(members, name);
    if (schema[name] === undefined) throw new SchemaError(`${name} must be of a Number`);
  };
}

/** A boolean in draft 4, which is about the bound beside it, and a number from draft 6 on. */
function readExclusiveBound(name: Bound, exclusive: ExclusiveBound): Step {
  return (schema, members) => {
    const member = members.get(exclusive);
    if (member === undefined) return;
    if (typeof member === "boolean" && (schema.draft === 4 || schema.draft === hybrid)) makeExclusive(schema, name, exclusive, member);
    else if (member instanceof RegoNumber && schema.draft !== 4) schema[exclusive] = exact(member.text);
    else throw invalidType(exclusiveTypes.get(schema.draft) ?? "number", exclusive);
  };
}

function makeExclusive(schema: Schema, name: Bound, exclusive: ExclusiveBound, isExclusive: boolean): void {
  if (schema[name] === undefined) throw new SchemaError(`${exclusive} cannot be used without ${name}`);
  if (!isExclusive) return;
  schema[exclusive] = schema[name];
  schema[name] = undefined;
}

const exclusiveTypes: ReadonlyMap<number, string> = new Map([
  [4, "boolean"],
  [hybrid, "boolean/number"],
]);

type Size = "minLength" | "maxLength" | "minProperties" | "maxProperties" | "minItems" | "maxItems";

function readSize(name: Size): Step {
  return (schema, members) => {
    const member = members.get(name);
    if (member === undefined) return;
    const size = sizeOf(member);
    if (size === undefined) throw new SchemaError(`${name} must be of an integer`);
    if (size < 0n) throw new SchemaError(`${name} must be greater than or equal to 0`);
    schema[name] = size;
  };
}

/** Only what is written as an integer of 64 bits. */
function sizeOf(member: Document): bigint | undefined {
  if (!(member instanceof RegoNumber) || !/^-?\d{1,19}$/.test(member.text)) return undefined;
  const size = BigInt(member.text);
  return size === BigInt.asIntN(64, size) ? size : undefined;
}

function readOrder(least: Size, most: Size): Step {
  return (schema) => {
    const [low, high] = [schema[least], schema[most]];
    if (low !== undefined && high !== undefined && low > high) throw new SchemaError(`${least} cannot be greater than ${most}`);
  };
}

const readPattern: Step = (schema, members, context) => {
  const pattern = stringMember(members, "pattern");
  if (pattern === undefined) return;
  if (!isPattern(pattern, context)) throw new SchemaError("pattern must be a valid regex");
  schema.pattern = pattern;
};

const readFormat: Step = (schema, members) => {
  const format = stringMember(members, "format");
  if (format !== undefined && format !== "") schema.format = format;
};

const readRequired: Step = (schema, members) => {
  const names = new Set<string>();
  for (const name of arrayMember(members, "required") ?? []) {
    if (typeof name !== "string") throw invalidType("string", "required");
    if (names.has(name)) throw new SchemaError("required items must be unique");
    names.add(name);
  }
  schema.required = [...names];
};

const readUniqueItems: Step = (schema, members) => {
  const unique = members.get("uniqueItems");
  if (unique === undefined) return;
  if (typeof unique !== "boolean") throw new SchemaError("uniqueItems must be of a boolean");
  schema.uniqueItems = unique;
};

const readConstant: Step = (schema, members, context) => {
  const constant = members.get("const");
  if (constant !== undefined && schema.draft >= 6) schema.constant = plainText(constant, context);
};

const readValues: Step = (schema, members, context) => {
  const values = arrayMember(members, "enum");
  if (values === undefined) return;
  const texts = new Set<string>();
  for (const value of values) {
    const text = plainText(value, context);
    if (texts.has(text)) throw new SchemaError("enum items must be unique");
    texts.add(text);
  }
  schema.values = texts;
  schema.allowed = [...texts].join(", ");
};

/** Keywords between those with schemas, in the order in which OPA looks at them: the first wrong one is what it complains about. */
export const limitSteps: readonly Step[] = [
  readMultipleOf,
  readBound("minimum"),
  readExclusiveBound("minimum", "exclusiveMinimum"),
  readBound("maximum"),
  readExclusiveBound("maximum", "exclusiveMaximum"),
  readSize("minLength"),
  readSize("maxLength"),
  readOrder("minLength", "maxLength"),
  readPattern,
  readFormat,
  readSize("minProperties"),
  readSize("maxProperties"),
  readOrder("minProperties", "maxProperties"),
  readRequired,
  readSize("minItems"),
  readSize("maxItems"),
  readUniqueItems,
];

/** Keywords behind `contains`. */
export const valueSteps: readonly Step[] = [readConstant, readValues];

/** The number of a document; fails where OPA's validator would die. */
export function numberOf(document: RegoNumber): Exact {
  const number = exact(document.text);
  if (number === undefined) throw new BuiltinError("a number has an exponent that is out of bounds");
  return number;
}

/** Whether a number of a document counts as an integer. */
export function isIntegerText(text: string): boolean {
  const number = exact(text);
  return number !== undefined && isInteger(number);
}
