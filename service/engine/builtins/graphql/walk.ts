import type { BuiltinContext } from "../builtin.ts";
import {
  cycleIn,
  type Definition,
  type Directive,
  deeper,
  type Field,
  type FieldDefinition,
  type FragmentDefinition,
  type FragmentSpread,
  type InlineFragment,
  isField,
  isInline,
  type Literal,
  named,
  type OperationDefinition,
  type QueryDocument,
  type Selection,
  typeNameOf,
  type VariableDefinition,
} from "./ast.ts";
import { checkOverlaps, type Overlaps, overlapsOf } from "./overlap.ts";
import { checkCondition, checkDirectives, checkField, checkInline, checkIntrospection, checkOperation, checkPossible } from "./rules.ts";
import { cut, invalid, type Schema, typeOf, type Walk } from "./types.ts";
import { expectType, walkArguments, walkValue } from "./values.ts";

/** A walk with what only the walker needs to know. */
interface Walker extends Walk {
  readonly overlaps: Overlaps;
  /** The fragments that were spread before the first fragment was done: only these count as used. */
  readonly used: Set<string>;
  fragmentsDone: boolean;
}

/**
 * Holds a query against a schema, by gqlparser's rules; throws {@link InvalidDocument}. Each visit of a node is paid for, as every
 * operation and every fragment visits the fragments that it spreads.
 */
export function validateQuery(schema: Schema, document: QueryDocument, context: BuiltinContext): void {
  const walker = walkerOf(schema, document, context);
  const operations = new Set<string>();
  for (const operation of document.operations) {
    if (operation.name === "" && document.operations.length > 1) throw invalid("an operation without a name is not the only one");
    if (operations.has(operation.name)) throw invalid(`there are two operations \`${cut(operation.name)}\``);
    operations.add(operation.name);
    walkOperation(walker, operation);
  }
  for (const fragment of document.fragments) walkFragment(walker, fragment);
}

function walkerOf(schema: Schema, { fragments }: QueryDocument, context: BuiltinContext): Walker {
  const byName = new Map(fragments.map((fragment) => [fragment.name, fragment]));
  if (byName.size < fragments.length) throw invalid("there are two fragments of the same name");
  // Once it is known that fragments do not spread themselves, everything else comes to an end.
  const cycle = cycleIn(byName.keys(), (name) => spreadsOf(byName.get(name)));
  if (cycle !== undefined) throw invalid(`the fragment \`${cut(cycle)}\` spreads itself`);
  const walk = {
    schema,
    context,
    fragments: byName,
    operation: undefined,
    variables: new Map(),
    entered: new Set<string>(),
    unreadable: new Set<Literal>(),
  };
  const walker = { ...walk, used: new Set<string>(), fragmentsDone: false };
  return Object.assign(walker, { overlaps: overlapsOf(walker) });
}

/** The names of the fragments that are spread anywhere in a fragment. */
function spreadsOf(fragment: FragmentDefinition | undefined): readonly string[] {
  const names: string[] = [];
  const open = [fragment?.selectionSet ?? []];
  for (let selections = open.pop(); selections !== undefined; selections = open.pop()) {
    for (const selection of selections) {
      if (isField(selection) || isInline(selection)) open.push(selection.selectionSet);
      else names.push(selection.name);
    }
  }
  return names;
}

function walkOperation(walker: Walker, operation: OperationDefinition): void {
  const { variableDefinitions, directives, selectionSet } = operation;
  const kind = operation.operation === "" ? "query" : operation.operation;
  const root = walker.schema.roots.get(kind);
  if (root === undefined) throw invalid(`the schema has no \`${cut(kind)}\``);
  walker.entered = new Set();
  walker.operation = operation;
  walker.variables = variablesOf(variableDefinitions);
  for (const definition of variableDefinitions) expectDefault(walker, definition);
  for (const { defaultValue, directives: inner } of variableDefinitions) {
    if (defaultValue !== undefined && !walkValue(walker, defaultValue, 0)) walker.unreadable.add(defaultValue);
    walkDirectives(walker, inner, "VARIABLE_DEFINITION");
  }
  walkDirectives(walker, directives, kind.toUpperCase());
  walkSelections(walker, selectionSet, root, 0);
  checkOperation(walker, operation);
  checkOverlaps(walker.overlaps, selectionSet);
  walker.operation = undefined;
}

function variablesOf(definitions: readonly VariableDefinition[]): ReadonlyMap<string, VariableDefinition> {
  return new Map(definitions.map((definition) => [definition.variable, definition]));
}

function expectDefault(walker: Walker, definition: VariableDefinition): void {
  const type = typeOf(definition);
  if (!walker.schema.types.has(typeNameOf(type))) throw invalid(`there is no type \`${cut(typeNameOf(type))}\``);
  if (definition.defaultValue !== undefined) expectType(walker, definition.defaultValue, type);
}

/** Walks a fragment by itself; its variables are not looked at, as they belong to no operation then. */
function walkFragment(walker: Walker, fragment: FragmentDefinition): void {
  const { typeCondition, directives, selectionSet, name } = fragment;
  walker.entered = new Set();
  checkCondition(walker, typeCondition);
  walkDirectives(walker, directives, "FRAGMENT_DEFINITION");
  walkSelections(walker, selectionSet, walker.schema.types.get(typeCondition), 0);
  walker.fragmentsDone = true;
  if (!walker.used.has(name)) throw invalid(`the fragment \`${cut(name)}\` is not used`);
  checkOverlaps(walker.overlaps, selectionSet);
}

function walkDirectives(walker: Walker, directives: readonly Directive[], location: string): void {
  if (directives.length === 0) return;
  for (const directive of directives) {
    walker.context.spend(20);
    walkArguments(walker, directive.arguments, walker.schema.directives.get(directive.name)?.arguments, 0);
  }
  checkDirectives(walker, directives, location);
}

function walkSelections(walker: Walker, selections: readonly Selection[], parent: Definition | undefined, above: number): void {
  if (selections.length === 0) return;
  const depth = deeper(above);
  for (const selection of selections) {
    walker.context.spend(50);
    if (isField(selection)) walkField(walker, selection, parent, depth);
    else if (isInline(selection)) walkInline(walker, selection, parent, depth);
    else walkSpread(walker, selection, parent, depth);
  }
}

/** `__typename`, which every type has. */
const typeName: FieldDefinition = {
  description: "",
  name: "__typename",
  arguments: [],
  defaultValue: undefined,
  type: { namedType: "String", elem: undefined, nonNull: false },
  directives: [],
  beforeDescriptionComment: undefined,
  afterDescriptionComment: undefined,
};

function walkField(walker: Walker, field: Field, parent: Definition | undefined, depth: number): void {
  const definition = field.name === "__typename" ? typeName : parent === undefined ? undefined : named(parent.fields, field.name);
  field.definition = definition;
  field.objectDefinition = parent;
  walkArguments(walker, field.arguments, definition?.arguments, 0);
  walkDirectives(walker, field.directives, "FIELD");
  const type = definition === undefined ? undefined : walker.schema.types.get(typeNameOf(definition.type));
  walkSelections(walker, field.selectionSet, type, depth);
  checkField(walker, field);
  checkIntrospection(walker, field);
  if (walker.operation !== undefined) checkOverlaps(walker.overlaps, field.selectionSet);
}

function walkInline(walker: Walker, fragment: InlineFragment, parent: Definition | undefined, depth: number): void {
  const { typeCondition, directives, selectionSet } = fragment;
  walkDirectives(walker, directives, "INLINE_FRAGMENT");
  walkSelections(walker, selectionSet, typeCondition === "" ? parent : walker.schema.types.get(typeCondition), depth);
  checkInline(walker, fragment, parent);
  checkOverlaps(walker.overlaps, selectionSet);
}

/** A fragment is walked once for each operation, wherever it is spread first. */
function walkSpread(walker: Walker, { name, directives }: FragmentSpread, parent: Definition | undefined, depth: number): void {
  walkDirectives(walker, directives, "FRAGMENT_SPREAD");
  const fragment = walker.fragments.get(name);
  if (fragment === undefined) throw invalid(`there is no fragment \`${cut(name)}\``);
  if (!walker.entered.has(name)) {
    walker.entered.add(name);
    walkDirectives(walker, fragment.directives, "FRAGMENT_DEFINITION");
    walkSelections(walker, fragment.selectionSet, walker.schema.types.get(fragment.typeCondition), depth);
  }
  if (!walker.fragmentsDone) walker.used.add(name);
  checkPossible(walker, parent, fragment.typeCondition);
}
