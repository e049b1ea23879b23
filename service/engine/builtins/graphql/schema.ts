import type {
  ArgumentDefinition,
  CommentGroup,
  Definition,
  DirectiveDefinition,
  EnumValueDefinition,
  FieldDefinition,
  OperationTypeDefinition,
  SchemaDefinition,
  SchemaDocument,
} from "./ast.ts";
import { type Cursor, cursorOf, expect, expectKeyword, next, parseName, refused, separated, skip, some } from "./cursor.ts";
import { parseDirectives, parseOperationType, parseType, parseValue } from "./query.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer I)[] ? I[] : T[K] };

/** What stands before a definition or an extension. */
interface Head {
  readonly description: string;
  readonly before: CommentGroup | undefined;
  readonly after: CommentGroup | undefined;
}

/** The definitions of a schema, as written; throws {@link InvalidDocument}. `builtIn` is for the types that GraphQL itself defines. */
export function parseSchema(text: string, builtIn = false): SchemaDocument {
  const cursor = cursorOf(text);
  const document: Mutable<SchemaDocument> = {
    schema: [],
    schemaExtension: [],
    directives: [],
    definitions: [],
    extensions: [],
    comment: undefined,
  };
  while (cursor.token.kind !== "EOF") parseDefinition(cursor, document, builtIn);
  document.comment = cursor.comments;
  return document;
}

function parseDefinition(cursor: Cursor, document: Mutable<SchemaDocument>, builtIn: boolean): void {
  const head = parseHead(cursor);
  if (cursor.token.kind !== "Name") throw refused(cursor);
  const word = cursor.token.value;
  if (word === "extend") parseExtension(cursor, document, head);
  else if (word === "schema") document.schema.push(parseSchemaDefinition(cursor, head));
  else if (word === "directive") document.directives.push(parseDirectiveDefinition(cursor, head));
  else document.definitions.push(parseTypeDefinition(cursor, head, definitionBodies, builtIn));
}

function parseExtension(cursor: Cursor, document: Mutable<SchemaDocument>, { description, after }: Head): void {
  if (description !== "") throw refused(cursor);
  next(cursor);
  const head = { description: "", before: undefined, after };
  if (cursor.token.value !== "schema") {
    const extension = parseTypeDefinition(cursor, head, extensionBodies, false);
    const { interfaces, directives, fields, types, enumValues } = extension;
    if ([interfaces, directives, fields, types, enumValues].every((list) => list.length === 0)) throw refused(cursor);
    document.extensions.push(extension);
    return;
  }
  const extension = parseSchemaDefinition(cursor, head);
  if (extension.directives.length === 0 && extension.operationTypes.length === 0) throw refused(cursor);
  document.schemaExtension.push(extension);
}

/** The description of a definition, if it has one, and the comments around. */
function parseHead(cursor: Cursor): Head {
  const before = cursor.comments;
  if (cursor.token.kind !== "BlockString" && cursor.token.kind !== "String") return { description: "", before: undefined, after: before };
  const description = next(cursor).value;
  return { description, before, after: cursor.comments };
}

/** As {@link parseHead}, for what stands inside of a definition: there, the comments before an empty description are lost. */
function parseInnerHead(cursor: Cursor): Head {
  const head = parseHead(cursor);
  return head.description === "" ? { ...head, before: undefined } : head;
}

const commentsOf = ({ before, after }: Head) => ({ beforeDescriptionComment: before, afterDescriptionComment: after });

function parseSchemaDefinition(cursor: Cursor, head: Head): SchemaDefinition {
  expectKeyword(cursor, "schema");
  const directives = parseDirectives(cursor, true);
  const { items, comments } = some(cursor, "{", "}", parseRoot);
  const { description } = head;
  return { description, directives, operationTypes: items, ...commentsOf(head), endOfDefinitionComment: comments };
}

function parseRoot(cursor: Cursor): OperationTypeDefinition {
  const comment = cursor.comments;
  const operation = parseOperationType(cursor);
  expect(cursor, ":");
  return { operation, type: parseName(cursor), comment };
}

type Body = Partial<Pick<Definition, "interfaces" | "directives" | "fields" | "types" | "enumValues" | "endOfDefinitionComment">>;
type Bodies = ReadonlyMap<string, readonly [string, (cursor: Cursor) => Body]>;

const none = { directives: [], interfaces: [], fields: [], types: [], enumValues: [], endOfDefinitionComment: undefined } as const;

function parseTypeDefinition(cursor: Cursor, head: Head, bodies: Bodies, builtIn: boolean): Definition {
  const [kind, parseBody] = bodies.get(cursor.token.value) ?? [];
  if (kind === undefined || parseBody === undefined || cursor.token.kind !== "Name") throw refused(cursor);
  next(cursor);
  const name = parseName(cursor);
  return { kind, description: head.description, name, ...none, ...parseBody(cursor), builtIn, ...commentsOf(head) };
}

function scalarBody(cursor: Cursor): Body {
  return { directives: parseDirectives(cursor, true) };
}

function objectBody(cursor: Cursor): Body {
  return { interfaces: parseInterfaces(cursor), ...fieldsBody(cursor) };
}

function fieldsBody(cursor: Cursor): Body {
  const directives = parseDirectives(cursor, true);
  const { items, comments } = some(cursor, "{", "}", parseField);
  return { directives, fields: items, endOfDefinitionComment: comments };
}

function unionBody(cursor: Cursor): Body {
  const directives = parseDirectives(cursor, true);
  return { directives, types: skip(cursor, "=") ? separated(cursor, "|", parseName) : [] };
}

function enumBody(cursor: Cursor): Body {
  const directives = parseDirectives(cursor, true);
  const { items, comments } = some(cursor, "{", "}", parseEnumValue);
  return { directives, enumValues: items, endOfDefinitionComment: comments };
}

/** An input object; only in extensions may the values of its directives have variables. */
function inputBody(cursor: Cursor, constant: boolean): Body {
  const directives = parseDirectives(cursor, constant);
  const { items, comments } = some(cursor, "{", "}", parseInputField);
  return { directives, fields: items, endOfDefinitionComment: comments };
}

const definitionBodies: Bodies = new Map([
  ["scalar", ["SCALAR", scalarBody]],
  ["type", ["OBJECT", objectBody]],
  ["interface", ["INTERFACE", objectBody]],
  ["union", ["UNION", unionBody]],
  ["enum", ["ENUM", enumBody]],
  ["input", ["INPUT_OBJECT", (cursor: Cursor) => inputBody(cursor, true)]],
]);

/** gqlparser reads no `implements` in the extension of an interface. */
const extensionBodies: Bodies = new Map([
  ...definitionBodies,
  ["interface", ["INTERFACE", fieldsBody]],
  ["input", ["INPUT_OBJECT", (cursor: Cursor) => inputBody(cursor, false)]],
]);

/** gqlparser takes a string for the word `implements`, too. */
function parseInterfaces(cursor: Cursor): readonly string[] {
  if (cursor.token.value !== "implements") return [];
  next(cursor);
  return separated(cursor, "&", parseName);
}

function parseField(cursor: Cursor): FieldDefinition {
  const head = parseInnerHead(cursor);
  const name = parseName(cursor);
  const parameters = some(cursor, "(", ")", parseArgumentDefinition).items;
  expect(cursor, ":");
  const type = parseType(cursor);
  const directives = parseDirectives(cursor, true);
  const { description } = head;
  return { description, name, arguments: parameters, defaultValue: undefined, type, directives, ...commentsOf(head) };
}

function parseArgumentDefinition(cursor: Cursor): ArgumentDefinition {
  const head = parseInnerHead(cursor);
  const name = parseName(cursor);
  expect(cursor, ":");
  const type = parseType(cursor);
  const defaultValue = skip(cursor, "=") ? parseValue(cursor, true) : undefined;
  const directives = parseDirectives(cursor, true);
  return { description: head.description, name, defaultValue, type, directives, ...commentsOf(head) };
}

function parseInputField(cursor: Cursor): FieldDefinition {
  return { ...parseArgumentDefinition(cursor), arguments: [] };
}

function parseEnumValue(cursor: Cursor): EnumValueDefinition {
  const head = parseInnerHead(cursor);
  const name = parseName(cursor);
  return { description: head.description, name, directives: parseDirectives(cursor, true), ...commentsOf(head) };
}

const locations: ReadonlySet<string> = new Set([
  "QUERY",
  "MUTATION",
  "SUBSCRIPTION",
  "FIELD",
  "FRAGMENT_DEFINITION",
  "FRAGMENT_SPREAD",
  "INLINE_FRAGMENT",
  "VARIABLE_DEFINITION",
  "SCHEMA",
  "SCALAR",
  "OBJECT",
  "FIELD_DEFINITION",
  "ARGUMENT_DEFINITION",
  "INTERFACE",
  "UNION",
  "ENUM",
  "ENUM_VALUE",
  "INPUT_OBJECT",
  "INPUT_FIELD_DEFINITION",
]);

function parseDirectiveDefinition(cursor: Cursor, head: Head): DirectiveDefinition {
  expectKeyword(cursor, "directive");
  expect(cursor, "@");
  const name = parseName(cursor);
  const parameters = some(cursor, "(", ")", parseArgumentDefinition).items;
  const isRepeatable = cursor.token.kind === "Name" && cursor.token.value === "repeatable";
  if (isRepeatable) next(cursor);
  expectKeyword(cursor, "on");
  const places = separated(cursor, "|", parseLocation);
  return { description: head.description, name, arguments: parameters, locations: places, isRepeatable, ...commentsOf(head) };
}

function parseLocation(cursor: Cursor): string {
  if (!locations.has(cursor.token.value)) throw refused(cursor);
  return parseName(cursor);
}
