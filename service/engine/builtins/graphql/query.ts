import {
  type Argument,
  type Child,
  type CommentGroup,
  type Directive,
  deeper,
  type Field,
  type FragmentDefinition,
  kinds,
  type Literal,
  type OperationDefinition,
  type QueryDocument,
  type Selection,
  type Type,
  type VariableDefinition,
} from "./ast.ts";
import { type Cursor, cursorOf, expect, expectKeyword, many, next, parseName, refused, skip, some } from "./cursor.ts";

/** The operations and fragments of a query; throws {@link InvalidDocument}. Comments are kept and lost as gqlparser does. */
export function parseQuery(text: string): QueryDocument {
  const cursor = cursorOf(text);
  const operations: OperationDefinition[] = [];
  const fragments: FragmentDefinition[] = [];
  while (cursor.token.kind !== "EOF") {
    if (cursor.token.kind === "Name" && cursor.token.value === "fragment") fragments.push(parseFragment(cursor));
    else operations.push(parseOperation(cursor));
  }
  return { operations, fragments, comment: undefined };
}

function parseOperation(cursor: Cursor): OperationDefinition {
  if (cursor.token.kind === "{") {
    const selectionSet = parseSelectionSet(cursor);
    return { operation: "query", name: "", variableDefinitions: [], directives: [], selectionSet, comment: undefined };
  }
  const comment = cursor.comments;
  if (cursor.token.kind !== "Name") throw refused(cursor);
  const operation = parseOperationType(cursor);
  return {
    operation,
    name: cursor.token.kind === "Name" ? next(cursor).value : "",
    variableDefinitions: parseVariableDefinitions(cursor),
    directives: parseDirectives(cursor, false),
    selectionSet: parseSelectionSet(cursor),
    comment,
  };
}

const operationTypes: ReadonlySet<string> = new Set(["query", "mutation", "subscription"]);

/** The kind of an operation; in a schema gqlparser takes a string for it, too. */
export function parseOperationType(cursor: Cursor): string {
  if (!operationTypes.has(cursor.token.value)) throw refused(cursor);
  return next(cursor).value;
}

function parseVariableDefinitions(cursor: Cursor): readonly VariableDefinition[] {
  return some(cursor, "(", ")", parseVariableDefinition).items;
}

function parseVariableDefinition(cursor: Cursor): VariableDefinition {
  const comment = cursor.comments;
  const variable = parseVariable(cursor);
  expect(cursor, ":");
  return {
    variable,
    type: parseType(cursor),
    defaultValue: skip(cursor, "=") ? parseValue(cursor, true) : undefined,
    directives: parseDirectives(cursor, false),
    comment,
    used: false,
  };
}

function parseVariable(cursor: Cursor): string {
  expect(cursor, "$");
  return parseName(cursor);
}

function parseSelectionSet(cursor: Cursor): readonly Selection[] {
  if (cursor.token.kind !== "{") throw refused(cursor);
  return some(cursor, "{", "}", parseSelection).items;
}

function parseSelection(cursor: Cursor): Selection {
  return cursor.token.kind === "..." ? parseSpread(cursor) : parseField(cursor);
}

function parseField(cursor: Cursor): Field {
  const comment = cursor.comments;
  const alias = parseName(cursor);
  return {
    alias,
    name: skip(cursor, ":") ? parseName(cursor) : alias,
    arguments: parseArguments(cursor, false),
    directives: parseDirectives(cursor, false),
    selectionSet: cursor.token.kind === "{" ? parseSelectionSet(cursor) : [],
    comment,
    definition: undefined,
    objectDefinition: undefined,
  };
}

/** A spread or an inline fragment; gqlparser takes a string for the word `on`, too. */
function parseSpread(cursor: Cursor): Selection {
  const comment = cursor.comments;
  expect(cursor, "...");
  if (cursor.token.kind === "Name" && cursor.token.value !== "on") {
    const name = parseName(cursor);
    return { name, directives: parseDirectives(cursor, false), comment };
  }
  const conditional = cursor.token.value === "on";
  if (conditional) next(cursor);
  return {
    typeCondition: conditional ? parseName(cursor) : "",
    directives: parseDirectives(cursor, false),
    selectionSet: parseSelectionSet(cursor),
    comment,
  };
}

function parseFragment(cursor: Cursor): FragmentDefinition {
  const comment = cursor.comments;
  next(cursor);
  if (cursor.token.value === "on") throw refused(cursor);
  const name = parseName(cursor);
  const variableDefinition = parseVariableDefinitions(cursor);
  expectKeyword(cursor, "on");
  return {
    name,
    variableDefinition,
    typeCondition: parseName(cursor),
    directives: parseDirectives(cursor, false),
    selectionSet: parseSelectionSet(cursor),
    comment,
  };
}

function parseArguments(cursor: Cursor, constant: boolean): readonly Argument[] {
  return some(cursor, "(", ")", (inner) => parsePair(inner, constant)).items;
}

/** `name: value`, as an argument or as a field of an input object. */
function parsePair(cursor: Cursor, constant: boolean): Argument & Child {
  const comment = cursor.comments;
  const name = parseName(cursor);
  expect(cursor, ":");
  return { name, value: parseValue(cursor, constant), comment };
}

const scalars: ReadonlyMap<string, number> = new Map([
  ["Int", kinds.int],
  ["Float", kinds.float],
  ["String", kinds.string],
  ["BlockString", kinds.block],
]);
const words: ReadonlyMap<string, number> = new Map([
  ["true", kinds.boolean],
  ["false", kinds.boolean],
  ["null", kinds.null],
]);

/** A value; a constant one has no variables. */
export function parseValue(cursor: Cursor, constant: boolean): Literal {
  const { token, comments } = cursor;
  if (token.kind === "[") return literal(kinds.list, "", parseItems(cursor, constant), comments);
  if (token.kind === "{") return literal(kinds.object, "", parseFields(cursor, constant), comments);
  if (token.kind === "$" && !constant) return literal(kinds.variable, parseVariable(cursor));
  const kind = token.kind === "Name" ? (words.get(token.value) ?? kinds.enum) : scalars.get(token.kind);
  if (kind === undefined) throw refused(cursor);
  return literal(kind, next(cursor).value);
}

function literal(kind: number, raw: string, children: readonly Child[] = [], comment?: CommentGroup): Literal {
  const unknown = { definition: undefined, variableDefinition: undefined, expectedType: undefined, expectedTypeHasDefault: false };
  return { raw, children, kind, comment, ...unknown };
}

function parseItems(cursor: Cursor, constant: boolean): readonly Child[] {
  const block = many(cursor, "[", "]", (inner) => ({ name: "", value: parseValue(inner, constant), comment: undefined }));
  return block?.items ?? [];
}

function parseFields(cursor: Cursor, constant: boolean): readonly Child[] {
  return many(cursor, "{", "}", (inner) => parsePair(inner, constant))?.items ?? [];
}

/** Directives; the values of constant ones have no variables. */
export function parseDirectives(cursor: Cursor, constant: boolean): readonly Directive[] {
  const directives: Directive[] = [];
  while (skip(cursor, "@")) directives.push({ name: parseName(cursor), arguments: parseArguments(cursor, constant), location: "" });
  return directives;
}

/** A reference to a type, such as `[Int!]!`. */
export function parseType(cursor: Cursor): Type {
  if (!skip(cursor, "[")) return { namedType: parseName(cursor), elem: undefined, nonNull: skip(cursor, "!") };
  cursor.depth = deeper(cursor.depth);
  const elem = parseType(cursor);
  cursor.depth--;
  expect(cursor, "]");
  return { namedType: "", elem, nonNull: skip(cursor, "!") };
}
