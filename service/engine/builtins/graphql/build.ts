import type { BuiltinContext } from "../builtin.ts";
import { cycleIn, type Definition, type DirectiveDefinition, type FieldDefinition, type SchemaDocument } from "./ast.ts";
import { type Check, checkDefinition, checkDirectiveDefinition, checkDirectives } from "./check.ts";
import { prelude } from "./prelude.ts";
import { cut, invalid, type Schema } from "./types.ts";

type Draft = { -readonly [K in keyof Definition]: Definition[K] };
type Drafts = Map<string, Draft>;

/** The schema of a document together with what GraphQL itself defines; throws {@link InvalidDocument} where gqlparser finds it invalid. */
export function buildSchema(document: SchemaDocument, context: BuiltinContext): Schema {
  const types = typesOf(document);
  const roots = new Map<string, Draft>();
  const schema = { roots, types, directives: directivesOf(document), possibleTypes: possibleTypesOf(types) };
  const check = { schema, context };
  addRoots(check, document, roots, types);
  for (const definition of types.values()) checkDefinition(check, definition);
  const cycle = cycleIn(types.keys(), (name) => neededInputs(types, name));
  if (cycle !== undefined) throw invalid(`the input object \`${cut(cycle)}\` holds itself`);
  for (const directive of schema.directives.values()) checkDirectiveDefinition(check, directive);
  if (document.schema.length === 0) inferRoots(roots, types);
  const query = roots.get("query");
  if (query !== undefined) query.fields = [...query.fields, ...introspection()];
  return schema;
}

/** Every type with its extensions. An extension of a type that does not exist defines it. */
function typesOf({ definitions, extensions }: SchemaDocument): Drafts {
  const types: Drafts = new Map();
  for (const definition of [...prelude().definitions, ...definitions]) {
    if (types.has(definition.name)) throw invalid(`the type \`${cut(definition.name)}\` is defined twice`);
    types.set(definition.name, { ...definition });
  }
  const parts = new Map<string, Definition[]>();
  for (const extension of extensions) {
    const { kind, name } = extension;
    const base = types.get(name) ?? { ...extension, description: "", builtIn: false, ...empty };
    if (base.kind !== kind) throw invalid(`the type \`${cut(name)}\` is extended as another kind of type`);
    types.set(name, base);
    const list = parts.get(name) ?? [base];
    parts.set(name, list);
    list.push(extension);
  }
  for (const list of parts.values()) extend(list);
  return types;
}

const empty = { directives: [], interfaces: [], fields: [], types: [], enumValues: [] } as const;

/** Puts into the first definition what all of them have. */
function extend(parts: readonly Definition[]): void {
  const lists = {
    directives: parts.flatMap((part) => part.directives),
    interfaces: parts.flatMap((part) => part.interfaces),
    fields: parts.flatMap((part) => part.fields),
    types: parts.flatMap((part) => part.types),
    enumValues: parts.flatMap((part) => part.enumValues),
  };
  Object.assign(parts[0] ?? {}, lists);
}

const redefinable: ReadonlySet<string> = new Set(["include", "skip", "deprecated", "specifiedBy", "defer", "oneOf"]);

/** Every directive; those of GraphQL itself may be defined again, and then the last definition counts. */
function directivesOf(document: SchemaDocument): ReadonlyMap<string, DirectiveDefinition> {
  const directives = new Map<string, DirectiveDefinition>();
  for (const definition of [...prelude().directives, ...document.directives]) {
    const { name } = definition;
    if (directives.has(name) && !redefinable.has(name)) throw invalid(`the directive \`${cut(name)}\` is defined twice`);
    directives.set(name, definition);
  }
  return directives;
}

function possibleTypesOf(types: Drafts): Schema["possibleTypes"] {
  const possible = new Map<string, (Definition | undefined)[]>();
  const add = (name: string, definition: Definition | undefined) => {
    const list = possible.get(name);
    if (list === undefined) possible.set(name, [definition]);
    else list.push(definition);
  };
  for (const definition of types.values()) {
    const { kind, name, types: members, interfaces } = definition;
    if (kind === "UNION") for (const member of members) add(name, types.get(member));
    if (kind === "INPUT_OBJECT" || kind === "OBJECT" || kind === "INTERFACE") for (const parent of interfaces) add(parent, definition);
    if (kind === "INPUT_OBJECT" || kind === "OBJECT") add(name, definition);
  }
  return possible;
}

const operations: ReadonlySet<string> = new Set(["query", "mutation", "subscription"]);

/** The types of operations that the document names; any type will do. */
function addRoots(check: Check, document: SchemaDocument, roots: Drafts, types: Drafts): void {
  if (document.schema.length > 1) throw invalid("there is more than one schema definition");
  for (const { operationTypes, directives } of [...document.schema, ...document.schemaExtension]) {
    for (const { operation, type } of operationTypes) {
      const root = types.get(type);
      if (root === undefined) throw invalid(`there is no type \`${cut(type)}\``);
      if (operations.has(operation)) roots.set(operation, root);
    }
    checkDirectives(check, directives, "SCHEMA");
  }
}

/** The types of operations by their usual names, where no schema definition names them. */
function inferRoots(roots: Drafts, types: Drafts): void {
  for (const operation of operations) {
    const usual = types.get(operation.charAt(0).toUpperCase() + operation.slice(1));
    if (!roots.has(operation) && usual !== undefined) roots.set(operation, usual);
  }
}

/** The input objects that an input object cannot be without: those in fields that are not null. */
function neededInputs(types: Schema["types"], input: string): readonly string[] {
  const definition = types.get(input);
  if (definition?.kind !== "INPUT_OBJECT") return [];
  const names = definition.fields.flatMap(({ type }) => (type?.nonNull === true ? [type.namedType] : []));
  return names.filter((name) => name !== "" && types.get(name)?.kind === "INPUT_OBJECT");
}

/** The fields that every query has. */
function introspection(): readonly FieldDefinition[] {
  const none = {
    description: "",
    defaultValue: undefined,
    directives: [],
    beforeDescriptionComment: undefined,
    afterDescriptionComment: undefined,
  };
  const type = (namedType: string, nonNull: boolean) => ({ namedType, elem: undefined, nonNull });
  const name = { ...none, name: "name", type: type("String", true) };
  return [
    { ...none, name: "__schema", arguments: [], type: type("__Schema", true) },
    { ...none, name: "__type", arguments: [name], type: type("__Type", false) },
  ];
}
