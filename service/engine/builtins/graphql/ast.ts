import { BuiltinError } from "../builtin.ts";

/*
 * GraphQL documents in the form that OPA shows: each property is a field of gqlparser's structs, with a small first letter (`namedType` is
 * `NamedType`). What Go leaves nil is undefined here, or an empty list. The last properties of some nodes are filled in by validation.
 */

/** A comment, with its `#`. */
export interface Comment {
  readonly value: string;
}

/** Comments that stand together. */
export interface CommentGroup {
  readonly list: readonly Comment[];
}

/** A type reference: a name, or a list of `elem` when the name is empty. */
export interface Type {
  readonly namedType: string;
  readonly elem: Type | undefined;
  readonly nonNull: boolean;
}

/** What a literal is; the numbers are gqlparser's. */
export const kinds = {
  variable: 0,
  int: 1,
  float: 2,
  string: 3,
  block: 4,
  boolean: 5,
  null: 6,
  enum: 7,
  list: 8,
  object: 9,
} as const;

/** A value as it is written in a document. */
export interface Literal {
  readonly raw: string;
  readonly children: readonly Child[];
  readonly kind: number;
  readonly comment: CommentGroup | undefined;
  definition: Definition | undefined;
  variableDefinition: VariableDefinition | undefined;
  expectedType: Type | undefined;
  expectedTypeHasDefault: boolean;
}

/** An item of a list, whose name is empty, or a field of an input object. */
export interface Child {
  readonly name: string;
  readonly value: Literal | undefined;
  readonly comment: CommentGroup | undefined;
}

/** What is given for an argument of a field or directive. */
export interface Argument {
  readonly name: string;
  readonly value: Literal | undefined;
  readonly comment: CommentGroup | undefined;
}

/** A directive where it is used; OPA shows its location, and that is empty. */
export interface Directive {
  readonly name: string;
  readonly arguments: readonly Argument[];
  readonly location: string;
}

/** A field that is asked for; its alias is its name when it has no other. */
export interface Field {
  readonly alias: string;
  readonly name: string;
  readonly arguments: readonly Argument[];
  readonly directives: readonly Directive[];
  readonly selectionSet: readonly Selection[];
  readonly comment: CommentGroup | undefined;
  definition: FieldDefinition | undefined;
  objectDefinition: Definition | undefined;
}

/** `...Name`. */
export interface FragmentSpread {
  readonly name: string;
  readonly directives: readonly Directive[];
  readonly comment: CommentGroup | undefined;
}

/** `... on Type { }`; without a type its condition is empty. */
export interface InlineFragment {
  readonly typeCondition: string;
  readonly directives: readonly Directive[];
  readonly selectionSet: readonly Selection[];
  readonly comment: CommentGroup | undefined;
}

/** One item of a selection set. */
export type Selection = Field | FragmentSpread | InlineFragment;

/** A variable of an operation. */
export interface VariableDefinition {
  readonly variable: string;
  readonly type: Type | undefined;
  readonly defaultValue: Literal | undefined;
  readonly directives: readonly Directive[];
  readonly comment: CommentGroup | undefined;
  used: boolean;
}

/** A query, mutation or subscription. */
export interface OperationDefinition {
  readonly operation: string;
  readonly name: string;
  readonly variableDefinitions: readonly VariableDefinition[];
  readonly directives: readonly Directive[];
  readonly selectionSet: readonly Selection[];
  readonly comment: CommentGroup | undefined;
}

/** A fragment that can be spread by its name. */
export interface FragmentDefinition {
  readonly name: string;
  readonly variableDefinition: readonly VariableDefinition[];
  readonly typeCondition: string;
  readonly directives: readonly Directive[];
  readonly selectionSet: readonly Selection[];
  readonly comment: CommentGroup | undefined;
}

/** What a client sends. */
export interface QueryDocument {
  readonly operations: readonly OperationDefinition[];
  readonly fragments: readonly FragmentDefinition[];
  readonly comment: CommentGroup | undefined;
}

/** The comments around a definition and its description. */
export interface DefinitionComments {
  readonly beforeDescriptionComment: CommentGroup | undefined;
  readonly afterDescriptionComment: CommentGroup | undefined;
}

/** An argument of a field or directive. */
export interface ArgumentDefinition extends DefinitionComments {
  readonly description: string;
  readonly name: string;
  readonly defaultValue: Literal | undefined;
  readonly type: Type | undefined;
  readonly directives: readonly Directive[];
}

/** A field of an object, an interface (with arguments) or an input object (with a default value). */
export interface FieldDefinition extends ArgumentDefinition {
  readonly arguments: readonly ArgumentDefinition[];
}

/** A value of an enum. */
export interface EnumValueDefinition extends DefinitionComments {
  readonly description: string;
  readonly name: string;
  readonly directives: readonly Directive[];
}

/** A type of any kind, or an extension of one. */
export interface Definition extends DefinitionComments {
  readonly kind: string;
  readonly description: string;
  readonly name: string;
  readonly directives: readonly Directive[];
  readonly interfaces: readonly string[];
  readonly fields: readonly FieldDefinition[];
  readonly types: readonly string[];
  readonly enumValues: readonly EnumValueDefinition[];
  readonly builtIn: boolean;
  readonly endOfDefinitionComment: CommentGroup | undefined;
}

/** A directive, and where it may be used. */
export interface DirectiveDefinition extends DefinitionComments {
  readonly description: string;
  readonly name: string;
  readonly arguments: readonly ArgumentDefinition[];
  readonly locations: readonly string[];
  readonly isRepeatable: boolean;
}

/** The type of the queries, mutations or subscriptions of a schema. */
export interface OperationTypeDefinition {
  readonly operation: string;
  readonly type: string;
  readonly comment: CommentGroup | undefined;
}

/** `schema { }`, or an extension of it. */
export interface SchemaDefinition extends DefinitionComments {
  readonly description: string;
  readonly directives: readonly Directive[];
  readonly operationTypes: readonly OperationTypeDefinition[];
  readonly endOfDefinitionComment: CommentGroup | undefined;
}

/** What defines a schema. */
export interface SchemaDocument {
  readonly schema: readonly SchemaDefinition[];
  readonly schemaExtension: readonly SchemaDefinition[];
  readonly directives: readonly DirectiveDefinition[];
  readonly definitions: readonly Definition[];
  readonly extensions: readonly Definition[];
  readonly comment: CommentGroup | undefined;
}

/** How deep selections, values, types and spread fragments may be nested, whatever the stack could bear; OPA has no such bound. */
export const depthMax = 200;

/** A document that OPA refuses, too: one that does not parse or is not valid. */
export class InvalidDocument extends BuiltinError {}

/** What a node must have. Only an AST given as an object can lack it: OPA crashes when it comes upon that, and here the AST is invalid. */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new InvalidDocument(`an AST has no \`${what}\` where one is needed`);
  return value;
}

/** One level deeper; throws when a document is nested too deep. */
export function deeper(depth: number): number {
  if (depth >= depthMax) throw new BuiltinError(`a GraphQL document is nested deeper than ${depthMax} levels`);
  return depth + 1;
}

/** Whether a selection is a field. */
export function isField(selection: Selection): selection is Field {
  return "alias" in selection;
}

/** Whether a selection is an inline fragment. */
export function isInline(selection: Selection): selection is InlineFragment {
  return "typeCondition" in selection;
}

/** A name that leads back to itself, undefined when there is none; without recursion. */
export function cycleIn(names: Iterable<string>, next: (name: string) => readonly string[]): string | undefined {
  const done = new Set<string>();
  const open = new Map<string, Iterator<string>>();
  for (const root of names) {
    const path: string[] = [];
    const enter = (name: string) => {
      if (done.has(name)) return;
      done.add(name);
      open.set(name, next(name).values());
      path.push(name);
    };
    enter(root);
    for (let name = path.at(-1); name !== undefined; name = path.at(-1)) {
      const step = open.get(name)?.next();
      if (step?.done === false && open.has(step.value)) return step.value;
      if (step?.done === false) enter(step.value);
      else open.delete(path.pop() ?? "");
    }
  }
  return undefined;
}

/** The name at the heart of a type reference. */
export function typeNameOf(type: Type | undefined): string {
  let inner = present(type, "Type");
  while (inner.namedType === "") inner = present(inner.elem, "Elem");
  return inner.namedType;
}

const indexes = new WeakMap<readonly object[], ReadonlyMap<string, unknown>>();

/** The first node of a list with a name; the list must not change any more. */
export function named<T extends { readonly name: string }>(list: readonly T[], name: string): T | undefined {
  if (list.length < 8) return list.find((item) => item.name === name);
  const index = indexes.get(list) ?? indexOf(list);
  return index.get(name) as T | undefined;
}

function indexOf(list: readonly { readonly name: string }[]): ReadonlyMap<string, unknown> {
  const index = new Map<string, unknown>();
  for (const item of list) if (!index.has(item.name)) index.set(item.name, item);
  indexes.set(list, index);
  return index;
}
