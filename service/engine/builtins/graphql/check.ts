import type { BuiltinContext } from "../builtin.ts";
import {
  type ArgumentDefinition,
  type Definition,
  type Directive,
  type DirectiveDefinition,
  type FieldDefinition,
  kinds,
  named,
  present,
  type Type,
  typeNameOf,
} from "./ast.ts";
import { cut, invalid, isCompatible, isInput, type Schema, typeOf } from "./types.ts";

/** A schema that is looked at, and who pays for it. */
export interface Check {
  readonly schema: Schema;
  readonly context: BuiltinContext;
}

/** Names with two underscores belong to GraphQL itself. */
function checkName(name: string): void {
  if (name.startsWith("__")) throw invalid(`the name \`${cut(name)}\` is reserved`);
}

/** Checks a directive's definition; throws {@link InvalidDocument} as all checks here. */
export function checkDirectiveDefinition(check: Check, definition: DirectiveDefinition): void {
  checkName(definition.name);
  checkParameters(check, definition.arguments, definition);
}

/** Checks a type of a schema, with its extensions. */
export function checkDefinition(check: Check, definition: Definition): void {
  const { kind, name, fields, enumValues, types, directives, builtIn, interfaces } = definition;
  for (const field of fields) checkField(check, field, kind === "INPUT_OBJECT" ? "INPUT_FIELD_DEFINITION" : "FIELD_DEFINITION");
  for (const member of types) checkMember(check, member);
  for (const interfaceName of interfaces) checkImplements(check, definition, interfaceName);
  checkContent(check, definition);
  checkUnique(fields.map((field) => field.name));
  checkUnique(enumValues.map((value) => value.name));
  checkUnique(types);
  if (!builtIn) checkName(name);
  // They come from a definition and its extensions, and so one may come more than once.
  checkDirectives(check, directives, kind, { repeatable: true });
}

function checkField(check: Check, field: FieldDefinition, location: string): void {
  checkName(field.name);
  checkTypeReference(check, field.type);
  checkParameters(check, field.arguments, undefined);
  checkDirectives(check, field.directives, location);
}

function checkTypeReference({ schema }: Check, type: Type | undefined): Definition {
  const name = typeNameOf(type);
  const definition = schema.types.get(name);
  if (definition === undefined) throw invalid(`there is no type \`${cut(name)}\``);
  return definition;
}

function checkMember({ schema }: Check, name: string): void {
  const member = schema.types.get(name);
  if (member?.kind !== "OBJECT") throw invalid(`the member \`${cut(name)}\` of a union is not an object type`);
}

const outputKinds: ReadonlySet<string> = new Set(["SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM"]);

/** What each kind of type must hold. */
function checkContent(check: Check, definition: Definition): void {
  const { kind, name, fields, enumValues } = definition;
  const item = kind === "ENUM" ? enumValues : fields;
  if (item.length === 0 && contentChecks.has(kind)) throw invalid(`the type \`${cut(name)}\` is empty`);
  contentChecks.get(kind)?.(check, definition);
}

const contentChecks: ReadonlyMap<string, (check: Check, definition: Definition) => void> = new Map([
  ["OBJECT", checkOutputFields],
  ["INTERFACE", checkOutputFields],
  ["INPUT_OBJECT", checkInputFields],
  ["ENUM", checkEnumValues],
]);

function checkOutputFields({ schema }: Check, { fields }: Definition): void {
  for (const field of fields) {
    const definition = schema.types.get(typeNameOf(field.type));
    if (definition !== undefined && !outputKinds.has(definition.kind))
      throw invalid(`the type of field \`${cut(field.name)}\` is for input`);
  }
}

function checkInputFields({ schema }: Check, { fields }: Definition): void {
  for (const field of fields) {
    const definition = schema.types.get(typeNameOf(field.type));
    if (definition !== undefined && !isInput(definition)) throw invalid(`the type of input field \`${cut(field.name)}\` is for output`);
  }
}

const noEnumValues: ReadonlySet<string> = new Set(["true", "false", "null"]);

function checkEnumValues(check: Check, { enumValues }: Definition): void {
  for (const value of enumValues) {
    if (noEnumValues.has(value.name)) throw invalid(`\`${value.name}\` cannot be an enum value`);
    checkDirectives(check, value.directives, "ENUM_VALUE");
  }
}

function checkUnique(names: readonly string[]): void {
  if (new Set(names).size < names.length) throw invalid("a field, enum value or member of a type is there twice");
}

function checkParameters(check: Check, parameters: readonly ArgumentDefinition[], directive: DirectiveDefinition | undefined): void {
  for (const parameter of parameters) {
    checkName(parameter.name);
    const definition = checkTypeReference(check, parameter.type);
    if (!isInput(definition)) throw invalid(`the type of argument \`${cut(parameter.name)}\` is for output`);
    checkDirectives(check, parameter.directives, "ARGUMENT_DEFINITION", { directive });
  }
}

interface DirectiveOptions {
  /** Whether any directive may be there more than once. */
  readonly repeatable?: boolean;
  /** The directive whose definition the directives stand in. */
  readonly directive?: DirectiveDefinition | undefined;
}

/** Checks the directives at a place of a schema. */
export function checkDirectives(check: Check, directives: readonly Directive[], location: string, options: DirectiveOptions = {}): void {
  const seen = new Set<string>();
  for (const directive of directives) {
    const { name } = directive;
    checkName(name);
    if (name === options.directive?.name) throw invalid(`the directive \`${cut(name)}\` refers to itself`);
    const definition = check.schema.directives.get(name);
    if (definition === undefined) throw invalid(`there is no directive \`${cut(name)}\``);
    if (options.repeatable !== true && seen.has(name) && !definition.isRepeatable)
      throw invalid(`the directive \`${cut(name)}\` is there twice`);
    seen.add(name);
    checkDirective(check, directive, definition, location);
  }
}

function checkDirective({ context }: Check, directive: Directive, definition: DirectiveDefinition, location: string): void {
  context.spend(directive.arguments.length + definition.arguments.length + definition.locations.length);
  if (!definition.locations.includes(location)) throw invalid(`the directive \`${cut(directive.name)}\` cannot be on ${cut(location)}`);
  for (const { name } of directive.arguments)
    if (named(definition.arguments, name) === undefined)
      throw invalid(`the directive \`${cut(directive.name)}\` has no argument \`${cut(name)}\``);
  for (const parameter of definition.arguments) {
    if (!typeOf(parameter).nonNull || parameter.defaultValue !== undefined) continue;
    const argument = named(directive.arguments, parameter.name);
    if (argument === undefined || present(argument.value, "Value").kind === kinds.null)
      throw invalid(`the directive \`${cut(directive.name)}\` needs the argument \`${cut(parameter.name)}\``);
  }
}

/** Checks that a type has all that an interface wants. */
function checkImplements(check: Check, definition: Definition, name: string): void {
  const wanted = check.schema.types.get(name);
  if (wanted?.kind !== "INTERFACE") throw invalid(`\`${cut(name)}\` is not an interface`);
  check.context.spend(10 + 10 * wanted.fields.length);
  for (const field of wanted.fields) {
    const found = named(definition.fields, field.name);
    if (found === undefined)
      throw invalid(`the type \`${cut(definition.name)}\` lacks the field \`${cut(field.name)}\` of \`${cut(name)}\``);
    if (!isCovariant(check, typeOf(field), typeOf(found)))
      throw invalid(`the field \`${cut(field.name)}\` has another type than in \`${cut(name)}\``);
    checkSameParameters(check, field, found);
  }
  const ancestors = new Set(definition.interfaces);
  check.context.spend(definition.interfaces.length + wanted.interfaces.length);
  if (!wanted.interfaces.every((ancestor) => ancestors.has(ancestor)))
    throw invalid(`the type \`${cut(definition.name)}\` lacks an interface of \`${cut(name)}\``);
}

function checkSameParameters({ context }: Check, wanted: FieldDefinition, found: FieldDefinition): void {
  context.spend(wanted.arguments.length + found.arguments.length);
  for (const parameter of wanted.arguments) {
    const same = named(found.arguments, parameter.name);
    if (same === undefined || !isCompatible(typeOf(parameter), typeOf(same)))
      throw invalid(`the argument \`${cut(parameter.name)}\` is not as in the interface`);
  }
  for (const parameter of found.arguments) {
    const extra = named(wanted.arguments, parameter.name) === undefined;
    if (extra && typeOf(parameter).nonNull && parameter.defaultValue === undefined)
      throw invalid(`the argument \`${cut(parameter.name)}\` is required and not in the interface`);
  }
}

/** Whether a field's type is an interface's, or more special. */
function isCovariant(check: Check, wanted: Type, found: Type): boolean {
  if (wanted.nonNull && !found.nonNull) return false;
  if (wanted.namedType === "") return found.elem !== undefined && isCovariant(check, present(wanted.elem, "Elem"), found.elem);
  if (wanted.namedType === found.namedType) return true;
  const possible = check.schema.possibleTypes.get(wanted.namedType) ?? [];
  check.context.spend(possible.length);
  return possible.some((definition) => present(definition, "Types").name === found.namedType);
}
