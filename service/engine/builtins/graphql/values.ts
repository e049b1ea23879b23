import { type Argument, type ArgumentDefinition, deeper, kinds, type Literal, named, present, type Type, typeNameOf } from "./ast.ts";
import { cut, invalid, isCompatible, typeOf, type Walk } from "./types.ts";

/** Looks at the values of arguments, whose definitions are known or not. */
export function walkArguments(
  walk: Walk,
  given: readonly Argument[],
  definitions: readonly ArgumentDefinition[] | undefined,
  depth: number,
): void {
  for (const { name, value } of given) {
    const literal = present(value, "Value");
    const definition = definitions === undefined ? undefined : named(definitions, name);
    if (definition !== undefined) expectInput(walk, literal, definition);
    walkValue(walk, literal, depth);
  }
}

/** Says what a value is to be. */
export function expectType(walk: Walk, literal: Literal, type: Type): void {
  literal.expectedType = type;
  literal.definition = walk.schema.types.get(typeNameOf(type));
}

function expectInput(walk: Walk, literal: Literal, definition: ArgumentDefinition): void {
  expectType(walk, literal, typeOf(definition));
  literal.expectedTypeHasDefault = isNotNull(definition.defaultValue);
}

function isNotNull(literal: Literal | undefined): boolean {
  return literal !== undefined && literal.kind !== kinds.null;
}

/**
 * Looks at a value and what is inside of it; throws {@link InvalidDocument}. False when Go could not read some literal in it, which matters
 * where the value's type is known.
 */
export function walkValue(walk: Walk, literal: Literal, above: number): boolean {
  const depth = deeper(above);
  walk.context.spend(30);
  if (literal.kind === kinds.variable && walk.operation !== undefined) {
    literal.variableDefinition = walk.variables.get(literal.raw);
    if (literal.variableDefinition === undefined) throw invalid(`the variable \`$${cut(literal.raw)}\` is not defined`);
    literal.variableDefinition.used = true;
  }
  const readable = isReadable(walk, literal, depth);
  checkVariable(walk, literal);
  checkValue(walk, literal, readable);
  return readable;
}

/** Whether Go can read every literal in a value: integers of 64 bits, doubles, and booleans as Go writes them, too. */
function isReadable(walk: Walk, literal: Literal, depth: number): boolean {
  if (literal.kind === kinds.object) return walkFields(walk, literal, depth);
  if (literal.kind === kinds.list) return walkItems(walk, literal, depth);
  if (literal.kind === kinds.variable) return isDefaultReadable(walk, literal.variableDefinition?.defaultValue);
  return readers.get(literal.kind)?.(literal.raw) ?? false;
}

/** The default of a variable was walked before; only an AST that is given as an object can hold one that was not. */
function isDefaultReadable(walk: Walk, literal: Literal | undefined): boolean {
  return literal === undefined || !walk.unreadable.has(literal);
}

function walkFields(walk: Walk, { definition, children }: Literal, depth: number): boolean {
  const seen = new Set<string>();
  let readable = true;
  for (const { name, value } of children) {
    const literal = present(value, "Value");
    const field = definition === undefined ? undefined : named(definition.fields, name);
    if (field !== undefined) expectInput(walk, literal, field);
    readable = walkValue(walk, literal, depth) && readable;
    seen.add(name);
  }
  if (seen.size < children.length) throw invalid("an input object has a field twice");
  return readable;
}

function walkItems(walk: Walk, { expectedType, definition, children }: Literal, depth: number): boolean {
  let readable = true;
  for (const { value } of children) {
    const literal = present(value, "Value");
    if (expectedType?.elem !== undefined) {
      literal.expectedType = expectedType.elem;
      literal.definition = definition;
    }
    readable = walkValue(walk, literal, depth) && readable;
  }
  return readable;
}

/** A variable's type must fit where it is used; defaults on either side allow it to be null. */
function checkVariable(walk: Walk, { kind, expectedType, expectedTypeHasDefault, variableDefinition, raw }: Literal): void {
  if (kind !== kinds.variable || expectedType === undefined || variableDefinition === undefined || walk.operation === undefined) return;
  const nonNull = expectedType.nonNull && !expectedTypeHasDefault && !isNotNull(variableDefinition.defaultValue);
  if (!isCompatible(typeOf(variableDefinition), { ...expectedType, nonNull }))
    throw invalid(`the variable \`$${cut(raw)}\` has another type`);
}

const builtInScalars: ReadonlySet<string> = new Set(["Int", "Float", "String", "Boolean", "ID"]);

/** A literal must be of its type; a scalar that the schema defines may be written in any way. */
function checkValue(walk: Walk, literal: Literal, readable: boolean): void {
  const { definition, expectedType, kind } = literal;
  if (kind === kinds.object) checkOneOfVariables(literal);
  if (definition === undefined || expectedType === undefined) return;
  if (kind === kinds.null && expectedType.nonNull) throw invalid("null is not allowed there");
  if (definition.kind === "SCALAR" && !builtInScalars.has(definition.name)) return;
  if (!readable) throw invalid(`the value \`${cut(literal.raw)}\` cannot be read`);
  const check = checks.get(kind);
  if (check?.(walk, literal) === false) throw invalid(`the value \`${cut(literal.raw)}\` is not of type ${cut(definition.name)}`);
}

type Check = (walk: Walk, literal: Literal) => boolean;

const of =
  (...names: readonly string[]): Check =>
  (_walk, { definition }) =>
    names.includes(definition?.name ?? "");

const isText: Check = (walk, literal) => literal.definition?.kind !== "ENUM" && of("String", "ID")(walk, literal);

const checks: ReadonlyMap<number, Check> = new Map<number, Check>([
  [kinds.list, (_walk, { expectedType }) => expectedType?.elem !== undefined],
  [kinds.int, of("Int", "Float", "ID")],
  [kinds.float, of("Float")],
  [kinds.string, isText],
  [kinds.block, isText],
  [kinds.boolean, of("Boolean")],
  [kinds.enum, (_walk, { definition, raw }) => definition?.kind === "ENUM" && named(definition.enumValues, raw) !== undefined],
  [kinds.object, isObject],
]);

/** Whether an input object has the fields that it must have, and no others. */
function isObject(walk: Walk, { definition, children }: Literal): boolean {
  const fields = definition?.fields ?? [];
  walk.context.spend(2 * fields.length);
  const needed = fields.filter((field) => typeOf(field).nonNull && field.defaultValue === undefined);
  if (!needed.every((field) => named(children, field.name) !== undefined)) return false;
  if (isOneOf(definition) && (children.length !== 1 || !isNotNull(children[0]?.value))) return false;
  return children.every(({ name }) => named(fields, name) !== undefined);
}

function isOneOf(definition: Literal["definition"]): boolean {
  return definition !== undefined && named(definition.directives, "oneOf") !== undefined;
}

/** The one field of a `@oneOf` object must not be null, and so must be a variable in its place. */
function checkOneOfVariables({ definition, children }: Literal): void {
  if (!isOneOf(definition)) return;
  for (const { value } of children) {
    if (value?.kind !== kinds.variable || value.variableDefinition === undefined) continue;
    if (!typeOf(value.variableDefinition).nonNull) throw invalid(`the variable \`$${cut(value.raw)}\` can be null`);
  }
}

const any = () => true;

const readers: ReadonlyMap<number, (raw: string) => boolean> = new Map<number, (raw: string) => boolean>([
  [kinds.int, isInt64],
  [kinds.float, isDouble],
  [kinds.boolean, (raw) => /^(?:1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(raw)],
  [kinds.string, any],
  [kinds.block, any],
  [kinds.enum, any],
  [kinds.null, any],
]);

function isInt64(raw: string): boolean {
  const [, sign, digits = ""] = /^([+-]?)0*(\d{1,19})$/.exec(raw) ?? [];
  if (sign === undefined) return false;
  return BigInt(digits) < 2n ** 63n + (sign === "-" ? 1n : 0n);
}

/** An AST that is given as an object may have other forms of numbers than a document. */
function isDouble(raw: string): boolean {
  if (/^(?:[+-]?inf(?:inity)?|nan)$/i.test(raw)) return true;
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(raw) && Number.isFinite(Number(raw));
}
