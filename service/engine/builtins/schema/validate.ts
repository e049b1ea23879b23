import { RegoNumber } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { isMatch } from "../regex/search.ts";
import { type Document, type Members, plainText } from "./document.ts";
import { isIntegerText } from "./limits.ts";
import { fail, inside, merge, newResult, type Place, type Result, root } from "./result.ts";
import { checkNumber, checkString, checkValue } from "./scalars.ts";
import type { Schema } from "./types.ts";

interface Validator {
  readonly context: BuiltinContext;
  depth: number;
}

const unitsPerVisit = 50;
/** A schema that asks itself again for the same value never ends in OPA, and does not fit the stack. */
const depthMax = 300;
const targetsMax = 1000;

/** Validates a document as OPA's validator does, with its errors. Where OPA's order is by chance it is that of the text. */
export function validate(schema: Schema, document: Document, context: BuiltinContext): Result {
  return check({ context, depth: 0 }, schema, document, root);
}

function check(validator: Validator, schema: Schema, document: Document, place: Place): Result {
  const result = newResult();
  visit(validator, schema, document, place, result);
  return result;
}

function visit(validator: Validator, from: Schema, document: Document, place: Place, result: Result): void {
  validator.context.spend(unitsPerVisit);
  const schema = targetOf(from);
  if (schema.always !== undefined) {
    if (!schema.always) fail(result, "false", place, "False always fails validation");
    return;
  }
  if (document instanceof RegoNumber) validator.context.spend(unitsPerVisit + document.text.length);
  const given = typeOf(document);
  if (!hasType(schema, given)) {
    const { types } = schema;
    fail(result, "invalid_type", place, `Invalid type. Expected: ${types.length > 1 ? `[${types.join(",")}]` : types[0]}, given: ${given}`);
    return;
  }
  if (++validator.depth > depthMax) throw new BuiltinError(`a document is checked deeper than ${depthMax} schemas`);
  visitKeywords(validator, schema, document, place, result);
  validator.depth--;
  result.score++;
}

function targetOf(from: Schema): Schema {
  let schema = from;
  for (let count = 0; schema.target !== undefined; count++) {
    if (count > targetsMax) throw new BuiltinError("a schema is a reference to itself");
    schema = schema.target;
  }
  return schema;
}

function typeOf(document: Document): string {
  if (document === null) return "null";
  if (document instanceof RegoNumber) return isIntegerText(document.text) ? "integer" : "number";
  if (document instanceof Map) return "object";
  return Array.isArray(document) ? "array" : typeof document;
}

function hasType({ types }: Schema, given: string): boolean {
  return types.length === 0 || types.includes(given) || (given === "integer" && types.includes("number"));
}

function visitKeywords(validator: Validator, schema: Schema, document: Document, place: Place, result: Result): void {
  checkSchemas(validator, schema, document, place, result);
  if (document instanceof RegoNumber) checkNumber(validator.context, schema, document, place, result);
  if (Array.isArray(document)) checkArray(validator, schema, document, place, result);
  if (document instanceof Map) checkObject(validator, schema, document, place, result);
  checkValue(validator.context, schema, document, place, result);
  if (typeof document === "string") checkString(validator.context, schema, document, place, result);
  if (document instanceof Map) checkProperties(validator, schema, document, place, result);
}

type Check<T> = (validator: Validator, schema: Schema, document: T, place: Place, result: Result) => void;

const checkSchemas: Check<Document> = (validator, schema, document, place, result) => {
  checkAnyOf(validator, schema, document, place, result);
  checkOneOf(validator, schema, document, place, result);
  checkAllOf(validator, schema, document, place, result);
  if (schema.not !== undefined && isValid(check(validator, schema.not, document, place)))
    fail(result, "number_not", place, "Must not validate the schema (not)");
  if (document instanceof Map) checkDependencies(validator, schema, document, place, result);
  checkCondition(validator, schema, document, place, result);
  result.score++;
};

function isValid({ failures }: Result): boolean {
  return failures.length === 0;
}

/** The first one with the highest score. */
function best(found: Result | undefined, other: Result): Result {
  return found === undefined || other.score > found.score ? other : found;
}

const checkAnyOf: Check<Document> = (validator, schema, document, place, result) => {
  let nearest: Result | undefined;
  for (const item of schema.anyOf) {
    const found = check(validator, item, document, place);
    if (isValid(found)) return;
    nearest = best(nearest, found);
  }
  if (nearest === undefined) return;
  fail(result, "number_any_of", place, "Must validate at least one schema (anyOf)");
  merge(result, nearest);
};

const checkOneOf: Check<Document> = (validator, schema, document, place, result) => {
  let valid = 0;
  let nearest: Result | undefined;
  for (const item of schema.oneOf) {
    const found = check(validator, item, document, place);
    if (isValid(found)) valid++;
    else if (valid === 0) nearest = best(nearest, found);
  }
  if (schema.oneOf.length === 0 || valid === 1) return;
  fail(result, "number_one_of", place, "Must validate one and only one schema (oneOf)");
  if (valid === 0 && nearest !== undefined) merge(result, nearest);
};

const checkAllOf: Check<Document> = (validator, schema, document, place, result) => {
  let valid = true;
  for (const item of schema.allOf) {
    const found = check(validator, item, document, place);
    if (!isValid(found)) valid = false;
    merge(result, found);
  }
  if (!valid) fail(result, "number_all_of", place, "Must validate all the schemas (allOf)");
};

const checkDependencies: Check<Members> = (validator, schema, document, place, result) => {
  if (schema.dependencies.size === 0) return;
  for (const name of document.keys()) {
    validator.context.spend(1);
    const dependency = schema.dependencies.get(name);
    if (dependency === undefined) continue;
    if ("types" in dependency) visit(validator, dependency, document, place, result);
    else
      for (const other of dependency) if (!document.has(other)) fail(result, "missing_dependency", place, `Has a dependency on ${other}`);
  }
};

const checkCondition: Check<Document> = (validator, schema, document, place, result) => {
  if (schema.if === undefined) return;
  const holds = isValid(check(validator, schema.if, document, place));
  const branch = holds ? schema.then : schema.else;
  const found = branch === undefined ? newResult() : check(validator, branch, document, place);
  if (isValid(found)) return;
  if (holds) fail(result, "condition_then", place, 'Must validate "then" as "if" was valid');
  else fail(result, "condition_else", place, 'Must validate "else" as "if" was not valid');
  merge(result, found);
};

const checkArray: Check<readonly Document[]> = (validator, schema, items, place, result) => {
  checkItems(validator, schema, items, place, result);
  const { minItems, maxItems } = schema;
  if (minItems !== undefined && items.length < minItems)
    fail(result, "array_min_items", place, `Array must have at least ${minItems} items`);
  if (maxItems !== undefined && items.length > maxItems)
    fail(result, "array_max_items", place, `Array must have at most ${maxItems} items`);
  if (schema.uniqueItems === true) checkUnique(validator, items, place, result);
  checkContains(validator, schema, items, place, result);
  result.score++;
};

const checkItems: Check<readonly Document[]> = (validator, schema, items, place, result) => {
  const { items: wanted, additionalItems } = schema;
  if (wanted === undefined) return;
  const perPlace = "types" in wanted ? undefined : wanted;
  const more = typeof additionalItems === "boolean" ? undefined : additionalItems;
  const rest = "types" in wanted ? wanted : more;
  for (const [index, item] of items.entries()) {
    const schemaHere = perPlace?.[index] ?? (perPlace?.length === 0 ? undefined : rest);
    if (schemaHere !== undefined) merge(result, check(validator, schemaHere, item, inside(place, String(index))));
  }
  const count = perPlace?.length ?? 0;
  if (count > 0 && additionalItems === false && items.length > count)
    fail(result, "array_no_additional_items", place, "No additional items allowed on array");
};

function checkUnique({ context }: Validator, items: readonly Document[], place: Place, result: Result): void {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const text = plainText(item, context);
    const before = seen.get(text);
    if (before !== undefined) fail(result, "unique", place, `array items[${before},${index}] must be unique`);
    seen.set(text, index);
  }
}

const checkContains: Check<readonly Document[]> = (validator, schema, items, place, result) => {
  if (schema.contains === undefined) return;
  let nearest: Result | undefined;
  for (const [index, item] of items.entries()) {
    const found = check(validator, schema.contains, item, inside(place, String(index)));
    if (isValid(found)) return;
    nearest = best(nearest, found);
  }
  fail(result, "contains", place, "At least one of the items must match");
  if (nearest !== undefined) merge(result, nearest);
};

const checkObject: Check<Members> = (validator, schema, members, place, result) => {
  const { minProperties, maxProperties } = schema;
  if (minProperties !== undefined && members.size < minProperties)
    fail(result, "array_min_properties", place, `Must have at least ${minProperties} properties`);
  if (maxProperties !== undefined && members.size > maxProperties)
    fail(result, "array_max_properties", place, `Must have at most ${maxProperties} properties`);
  for (const name of schema.required) {
    if (members.has(name)) result.score++;
    else fail(result, "required", place, `${name} is required`);
  }
  for (const [name, member] of members) checkMember(validator, schema, name, member, place, result);
  if (schema.propertyNames !== undefined)
    for (const name of members.keys()) checkName(validator, schema.propertyNames, name, place, result);
  result.score++;
};

/** A member that no property and no pattern describes is an additional one. */
function checkMember(validator: Validator, schema: Schema, name: string, member: Document, place: Place, result: Result): void {
  validator.context.spend(1);
  const matched = checkPatterns(validator, schema, name, member, place, result);
  const { additionalProperties } = schema;
  if (matched || schema.properties.has(name) || additionalProperties === undefined || additionalProperties === true) return;
  if (additionalProperties === false) fail(result, "additional_property_not_allowed", place, `Additional property ${name} is not allowed`);
  else merge(result, check(validator, additionalProperties, member, inside(place, name)));
}

function checkPatterns(validator: Validator, schema: Schema, name: string, member: Document, place: Place, result: Result): boolean {
  let matched = false;
  for (const [pattern, property] of schema.patterns) {
    if (!isMatch(pattern, name, validator.context)) continue;
    matched = true;
    merge(result, check(validator, property, member, inside(place, name)));
  }
  if (matched) result.score++;
  return matched;
}

function checkName(validator: Validator, schema: Schema, name: string, place: Place, result: Result): void {
  const found = check(validator, schema, name, place);
  if (isValid(found)) return;
  fail(result, "invalid_property_name", place, `Property name of "${name}" does not match`);
  merge(result, found);
}

const checkProperties: Check<Members> = (validator, schema, members, place, result) => {
  for (const [name, property] of schema.properties) {
    const member = members.get(name);
    validator.context.spend(1);
    if (member !== undefined) visit(validator, property, member, inside(place, name), result);
  }
};
