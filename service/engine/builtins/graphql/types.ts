import type { BuiltinContext } from "../builtin.ts";
import {
  type Definition,
  type DirectiveDefinition,
  type FragmentDefinition,
  InvalidDocument,
  type Literal,
  type OperationDefinition,
  present,
  type Type,
  type VariableDefinition,
} from "./ast.ts";

/** A schema that queries can be held against. */
export interface Schema {
  /** The types of `query`, `mutation` and `subscription`. */
  readonly roots: ReadonlyMap<string, Definition>;
  readonly types: ReadonlyMap<string, Definition>;
  readonly directives: ReadonlyMap<string, DirectiveDefinition>;
  /** The types that a value can be of, by the name of its type: members of a union, implementations of an interface, an object itself. */
  readonly possibleTypes: ReadonlyMap<string, readonly (Definition | undefined)[]>;
}

/** A query on its way through validation. */
export interface Walk {
  readonly schema: Schema;
  readonly context: BuiltinContext;
  readonly fragments: ReadonlyMap<string, FragmentDefinition>;
  /** The operation that is walked; none while fragments are walked by themselves. */
  operation: OperationDefinition | undefined;
  variables: ReadonlyMap<string, VariableDefinition>;
  /** The fragments that the walk of this operation or fragment has been in. */
  entered: Set<string>;
  /** The default values of variables in which Go could not read some literal. */
  readonly unreadable: Set<Literal>;
}

/** The error that a rule throws. */
export function invalid(message: string): InvalidDocument {
  return new InvalidDocument(message);
}

/** A name for an error message. */
export function cut(name: string): string {
  return name.slice(0, 64);
}

const compositeKinds: ReadonlySet<string> = new Set(["OBJECT", "INTERFACE", "UNION"]);
const inputKinds: ReadonlySet<string> = new Set(["SCALAR", "ENUM", "INPUT_OBJECT"]);

/** Whether a type has fields or members. */
export function isComposite({ kind }: Definition): boolean {
  return compositeKinds.has(kind);
}

/** Whether a type can be that of an argument. */
export function isInput({ kind }: Definition): boolean {
  return inputKinds.has(kind);
}

/** Whether a type has nothing to select from. */
export function isLeaf({ kind }: Definition): boolean {
  return kind === "ENUM" || kind === "SCALAR";
}

/** The type of a field, argument or variable. */
export function typeOf(node: { readonly type: Type | undefined }): Type {
  return present(node.type, "Type");
}

/** Whether a variable of a type may stand where another type is expected; gqlparser's rule, for arguments of interfaces, too. */
export function isCompatible(type: Type, expected: Type): boolean {
  if (type.namedType !== expected.namedType) return false;
  if (type.elem !== undefined && (expected.elem === undefined || !isCompatible(type.elem, expected.elem))) return false;
  return type.nonNull || !expected.nonNull;
}
