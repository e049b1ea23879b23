import {
  type Argument,
  type ArgumentDefinition,
  type Definition,
  type Directive,
  deeper,
  type Field,
  type FragmentSpread,
  type InlineFragment,
  isField,
  isInline,
  named,
  type OperationDefinition,
  type Selection,
  typeNameOf,
} from "./ast.ts";
import { cut, invalid, isComposite, isInput, isLeaf, typeOf, type Walk } from "./types.ts";

/** The directives at one place of a query; throws {@link InvalidDocument}, as every check here. */
export function checkDirectives(walk: Walk, directives: readonly Directive[], location: string): void {
  const seen = new Set<string>();
  for (const { name, arguments: given } of directives) {
    const definition = walk.schema.directives.get(name);
    if (definition === undefined) throw invalid(`there is no directive \`@${cut(name)}\``);
    walk.context.spend(definition.locations.length);
    if (!definition.locations.includes(location)) throw invalid(`the directive \`@${cut(name)}\` cannot be there`);
    if (seen.has(name) && !definition.isRepeatable) throw invalid(`the directive \`@${cut(name)}\` is there twice`);
    seen.add(name);
    checkArguments(walk, given, definition.arguments, true);
  }
}

/** Arguments must be known (unless nobody knows of what they are arguments), there once, and there at all when they are needed. */
function checkArguments(walk: Walk, given: readonly Argument[], definitions: readonly ArgumentDefinition[], known: boolean): void {
  walk.context.spend(5 * (given.length + definitions.length));
  const names = new Set(given.map(({ name }) => name));
  if (names.size < given.length) throw invalid("an argument is there twice");
  for (const name of known ? names : []) if (named(definitions, name) === undefined) throw invalid(`there is no argument \`${cut(name)}\``);
  for (const definition of definitions) {
    const needed = typeOf(definition).nonNull && definition.defaultValue === undefined;
    if (needed && !names.has(definition.name)) throw invalid(`the argument \`${cut(definition.name)}\` is needed`);
  }
}

/** A field, whose definition and parent were looked up, and whose selections were checked. */
export function checkField(walk: Walk, field: Field): void {
  const { definition, objectDefinition, name, selectionSet } = field;
  if (objectDefinition !== undefined && definition === undefined)
    throw invalid(`there is no field \`${cut(name)}\` in \`${cut(objectDefinition.name)}\``);
  checkArguments(walk, field.arguments, definition?.arguments ?? [], definition !== undefined && objectDefinition !== undefined);
  const type = definition === undefined ? undefined : walk.schema.types.get(typeNameOf(definition.type));
  if (type !== undefined && isLeaf(type) === selectionSet.length > 0)
    throw invalid(`the field \`${cut(name)}\` has selections, or has none`);
}

/** Refuses questions to `__schema` or `__type` that go through too many lists. */
export function checkIntrospection(walk: Walk, field: Field): void {
  if (field.name !== "__schema" && field.name !== "__type") return;
  countLists(walk, [field], 0, new Set(), 0);
}

const introspectionLists: ReadonlySet<string> = new Set(["fields", "interfaces", "possibleTypes", "inputFields"]);
const introspectionListsMax = 3;

/** Looks once into a fragment for each number of lists above it. */
function countLists(walk: Walk, selections: readonly Selection[], lists: number, looked: Set<string>, above: number): void {
  if (selections.length === 0) return;
  const depth = deeper(above);
  walk.context.spend(10 * selections.length);
  for (const selection of selections) {
    if (isField(selection)) {
      const inner = lists + Number(introspectionLists.has(selection.name));
      if (inner === introspectionListsMax) throw invalid("introspection goes too deep");
      countLists(walk, selection.selectionSet, inner, looked, depth);
    } else if (isInline(selection)) countLists(walk, selection.selectionSet, lists, looked, depth);
    else if (!looked.has(`${lists} ${selection.name}`)) {
      looked.add(`${lists} ${selection.name}`);
      countLists(walk, walk.fragments.get(selection.name)?.selectionSet ?? [], lists, looked, depth);
    }
  }
}

/** A fragment's type must be one that has fields. */
export function checkCondition({ schema }: Walk, typeCondition: string): void {
  const type = schema.types.get(typeCondition);
  if (type === undefined) throw invalid(`there is no type \`${cut(typeCondition)}\``);
  if (!isComposite(type)) throw invalid(`a fragment cannot be on \`${cut(typeCondition)}\``);
}

/** An inline fragment, in what is selected from a type. */
export function checkInline(walk: Walk, { typeCondition }: InlineFragment, parent: Definition | undefined): void {
  if (typeCondition !== "" || walk.schema.types.has("")) checkCondition(walk, typeCondition);
  checkPossible(walk, parent, typeCondition);
}

/** A fragment must be able to apply to what it is spread in. */
export function checkPossible(walk: Walk, parent: Definition | undefined, typeCondition: string): void {
  const type = walk.schema.types.get(typeCondition);
  if (parent === undefined || !isComposite(parent) || type === undefined || !isComposite(type)) return;
  const possible = new Set(namesOf(walk, parent));
  const own = walk.schema.possibleTypes.get(typeCondition) ?? [];
  walk.context.spend(5 * (possible.size + own.length));
  if (!own.some((definition) => possible.has(definition?.name ?? "")))
    throw invalid(`a fragment on \`${cut(typeCondition)}\` can never apply`);
}

function namesOf({ schema }: Walk, parent: Definition): readonly string[] {
  if (parent.kind === "OBJECT") return [parent.name];
  return (schema.possibleTypes.get(parent.name) ?? []).map((definition) => definition?.name ?? "");
}

/** An operation, when all of it was walked. */
export function checkOperation(walk: Walk, operation: OperationDefinition): void {
  const { variableDefinitions } = operation;
  if (walk.variables.size < variableDefinitions.length) throw invalid("a variable is defined twice");
  for (const definition of variableDefinitions) {
    if (!definition.used) throw invalid(`the variable \`$${cut(definition.variable)}\` is not used`);
    const type = walk.schema.types.get(typeNameOf(definition.type));
    if (type !== undefined && !isInput(type)) throw invalid(`the type of the variable \`$${cut(definition.variable)}\` is for output`);
  }
  if (operation.operation === "subscription") checkSubscription(walk, operation.selectionSet);
}

/** A subscription has one field, which is not about the schema. */
function checkSubscription(walk: Walk, selectionSet: readonly Selection[]): void {
  const names = new Set<string>();
  const entered = new Set<string>();
  const open = [selectionSet];
  for (let selections = open.pop(); selections !== undefined; selections = open.pop()) {
    walk.context.spend(10 * selections.length);
    for (const selection of selections) {
      if (isField(selection)) names.add(selection.name);
      else open.push(insideOf(walk, selection, entered));
    }
  }
  if (names.size > 1) throw invalid("a subscription has more than one field");
  for (const name of names) if (name.startsWith("__")) throw invalid(`a subscription cannot be to \`${cut(name)}\``);
}

/** What a fragment selects; nothing where it was entered before. */
function insideOf(walk: Walk, selection: FragmentSpread | InlineFragment, entered: Set<string>): readonly Selection[] {
  if (isInline(selection)) return selection.selectionSet;
  if (entered.has(selection.name)) return [];
  entered.add(selection.name);
  return walk.fragments.get(selection.name)?.selectionSet ?? [];
}
