import { RegoNumber, RegoObject, RegoSet, type Value } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { depthMax, InvalidDocument, type QueryDocument, type SchemaDocument } from "./ast.ts";

const around = "BeforeDescriptionComment:CommentGroup AfterDescriptionComment:CommentGroup";
const end = "EndOfDefinitionComment:CommentGroup";
const argument = `Description:string Name:string DefaultValue:Literal Type:Type Directives:[Directive] ${around}`;
const pair = "Name:string Value:Literal Comment:CommentGroup";
const selecting = "Directives:[Directive] Position:Position SelectionSet:selections";

/** gqlparser's structs: what each field is. `SelectionSet` is read last, so that a node is refused before its children are looked at. */
const texts: Readonly<Record<string, string>> = {
  QueryDocument: "Operations:[OperationDefinition] Fragments:[FragmentDefinition] Comment:CommentGroup",
  OperationDefinition: `Operation:string Name:string VariableDefinitions:[VariableDefinition] ${selecting}`,
  FragmentDefinition: `Name:string VariableDefinition:[VariableDefinition] TypeCondition:string Definition:Definition ${selecting}`,
  Field: `Alias:string Name:string Arguments:[Argument] Definition:FieldDefinition ObjectDefinition:Definition ${selecting}`,
  InlineFragment: `TypeCondition:string ObjectDefinition:Definition ${selecting}`,
  FragmentSpread: "Name:string Directives:[Directive] ObjectDefinition:Definition Definition:FragmentDefinition Comment:CommentGroup",
  VariableDefinition:
    "Variable:string Type:Type DefaultValue:Literal Directives:[Directive] Comment:CommentGroup Definition:Definition Used:boolean",
  Directive: "Name:string Arguments:[Argument] ParentDefinition:Definition Definition:DirectiveDefinition Location:string",
  Argument: pair,
  Child: pair,
  Literal:
    "Raw:string Children:[Child] Kind:integer Comment:CommentGroup Definition:Definition " +
    "VariableDefinition:VariableDefinition ExpectedType:Type ExpectedTypeHasDefault:boolean",
  Type: "NamedType:string Elem:Type NonNull:boolean",
  SchemaDocument:
    "Schema:[SchemaDefinition] SchemaExtension:[SchemaDefinition] Directives:[DirectiveDefinition] " +
    "Definitions:[Definition] Extensions:[Definition] Comment:CommentGroup",
  SchemaDefinition: `Description:string Directives:[Directive] OperationTypes:[OperationTypeDefinition] ${around} ${end}`,
  OperationTypeDefinition: "Operation:string Type:string Comment:CommentGroup",
  Definition:
    "Kind:string Description:string Name:string Directives:[Directive] Interfaces:[string] Fields:[FieldDefinition] Types:[string] " +
    `EnumValues:[EnumValueDefinition] BuiltIn:boolean ${around} ${end}`,
  FieldDefinition: `Arguments:[ArgumentDefinition] ${argument}`,
  ArgumentDefinition: argument,
  EnumValueDefinition: `Description:string Name:string Directives:[Directive] ${around}`,
  DirectiveDefinition: `Description:string Name:string Arguments:[ArgumentDefinition] Locations:[string] IsRepeatable:boolean ${around}`,
  CommentGroup: "List:[Comment]",
  Comment: "Value:string Position:Position",
  Position: "Start:integer End:integer Line:integer Column:integer Src:Source",
  Source: "Name:string Input:string BuiltIn:boolean",
};

/** The structs that read their own JSON, by the exact names of fields; for the others Go takes any case. */
const exact: ReadonlySet<string> = new Set(["OperationDefinition", "FragmentDefinition", "Field", "InlineFragment"]);

interface FieldShape {
  readonly name: string;
  readonly property: string;
  readonly type: string;
  readonly list: boolean;
}

const structs: ReadonlyMap<string, readonly FieldShape[]> = new Map(
  Object.entries(texts).map(([struct, text]) => [struct, text.split(" ").map((field) => shapeOf(struct, field))] as const),
);

function shapeOf(struct: string, text: string): FieldShape {
  const [name = "", type = ""] = text.split(":");
  const property = name.charAt(0).toLowerCase() + name.slice(1);
  const list = type.startsWith("[");
  return { name: exact.has(struct) ? name : folded(name), property, type: list ? type.slice(1, -1) : type, list };
}

/** As Go compares the names of fields: of the other letters, only these two are the same as a Latin one. */
function folded(name: string): string {
  return name.replaceAll("\u017f", "s").replaceAll("\u212a", "k").toLowerCase();
}

interface Reader {
  readonly context: BuiltinContext;
  depth: number;
}

type Node = Record<string, unknown>;

/** An AST from its JSON form, as Go fills its structs; throws {@link InvalidDocument} where Go finds a value of a wrong type. */
export function queryOf(object: RegoObject, context: BuiltinContext): QueryDocument {
  return readStruct({ context, depth: 0 }, "QueryDocument", object, undefined) as unknown as QueryDocument;
}

/** As {@link queryOf}, for schemas. */
export function schemaOf(object: RegoObject, context: BuiltinContext): SchemaDocument {
  return readStruct({ context, depth: 0 }, "SchemaDocument", object, undefined) as unknown as SchemaDocument;
}

/** A struct from an object; what is there before stays where the object says nothing. */
function readStruct(reader: Reader, struct: string, value: Value, before: unknown): Node {
  if (!(value instanceof RegoObject)) throw mismatch(struct);
  // A value in a list takes two structs for one level of a document.
  if (reader.depth > 2 * depthMax) throw new BuiltinError("an AST is nested too deep");
  reader.context.spend(20 + 10 * value.size);
  reader.depth++;
  const shapes = structs.get(struct) ?? [];
  const given = givenOf(struct, value);
  const node: Node = { ...(before as Node | undefined) };
  for (const shape of shapes) {
    node[shape.property] ??= zeroOf(shape);
    for (const item of given.get(shape.name) ?? []) node[shape.property] = readField(reader, shape, item, node[shape.property]);
  }
  reader.depth--;
  return node;
}

function givenOf(struct: string, object: RegoObject): ReadonlyMap<string, readonly Value[]> {
  const given = new Map<string, Value[]>();
  for (const [key, item] of object.entries) {
    if (typeof key !== "string") continue;
    const name = exact.has(struct) ? key : folded(key);
    const items = given.get(name) ?? [];
    given.set(name, items);
    items.push(item);
  }
  return given;
}

const zeros: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["string", ""],
  ["boolean", false],
  ["integer", 0],
]);

function zeroOf({ type, list }: FieldShape): unknown {
  return list || type === "selections" ? [] : zeros.get(type);
}

function readField(reader: Reader, { type, list }: FieldShape, value: Value, before: unknown): unknown {
  if (type === "selections") return readSelections(reader, value);
  if (!list) return readOne(reader, type, value, before);
  if (value === null) return [];
  const known = before as readonly unknown[];
  return itemsOf(value).map((item, index) => readOne(reader, type, item, known[index] ?? zeros.get(type)) ?? hole);
}

/** A null in a list of structs. Go reads it, and OPA crashes when it comes upon it; here, whoever looks at it finds the AST invalid. */
const hole: object = new Proxy(
  {},
  {
    get() {
      throw new InvalidDocument("a list of an AST holds a null");
    },
  },
);

/** Null leaves a scalar as it is and a struct out. */
function readOne(reader: Reader, type: string, value: Value, before: unknown): unknown {
  if (!zeros.has(type)) return value === null ? undefined : readStruct(reader, type, value, before);
  if (value === null) return before;
  if (type === "integer") return readInteger(value);
  if (typeof value !== type) throw mismatch(type);
  return value;
}

function readInteger(value: Value): number {
  const integer = value instanceof RegoNumber && /^-?\d+$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (!Number.isSafeInteger(integer)) throw mismatch("integer");
  return integer;
}

/**
 * gqlparser knows a selection by what it can be read as, a field first, and drops what it cannot be read as at all. So a spread or an
 * inline fragment is read as a field, unless a field cannot have its values.
 */
function readSelections(reader: Reader, value: Value): readonly Node[] {
  if (value === null) return [];
  return itemsOf(value).flatMap((item) => {
    if (item === null) return [readStruct(reader, "Field", new RegoObject([]), undefined)];
    const node = selectionOf(reader, item);
    return node === undefined ? [] : [node];
  });
}

function selectionOf(reader: Reader, item: Value): Node | undefined {
  const { depth } = reader;
  for (const struct of ["Field", "FragmentSpread", "InlineFragment"]) {
    try {
      return readStruct(reader, struct, item, undefined);
    } catch (error) {
      if (!(error instanceof InvalidDocument)) throw error;
      reader.depth = depth;
      // An error costs more than a node.
      reader.context.spend(500);
    }
  }
  return undefined;
}

function itemsOf(value: Value): readonly Value[] {
  if (value instanceof RegoSet) return value.items;
  if (!Array.isArray(value)) throw mismatch("list");
  return value;
}

function mismatch(what: string): InvalidDocument {
  return new InvalidDocument(`an AST has something else where a \`${what}\` must be`);
}
