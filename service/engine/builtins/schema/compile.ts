import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { type Document, type Members, SchemaError } from "./document.ts";
import { draftOf, hybrid } from "./drafts.ts";
import { isPattern } from "./formats.ts";
import { arrayMember, invalidType, limitSteps, readTypes, type Step, stringMember, valueSteps } from "./limits.ts";
import { addDocument, type SchemaPool, schemaAt } from "./pool.ts";
import { newSchema, type Schema } from "./types.ts";
import { inherit, type Reference, referenceOf } from "./url.ts";

interface Compiler {
  readonly context: BuiltinContext;
  readonly pool: SchemaPool;
  /** The schemas that references mean, by their texts. */
  readonly targets: Map<string, Schema>;
  depth: number;
}

const unitsPerSchema = 200;
const unitsPerCharacter = 1;
/** Schemas in schemas, references followed; deeper ones do not fit the stack. */
const depthMax = 300;

/** Makes a schema of a document as OPA's validator does; fails with its message. */
export function compileSchema(document: Document, context: BuiltinContext): Schema {
  const pool: SchemaPool = { documents: new Map(), context };
  const reference = referenceOf("#");
  addDocument(pool, document, reference);
  const schema = newSchema(draftOf(document) ?? hybrid, reference);
  fill({ context, pool, targets: new Map(), depth: 0 }, schema, document, undefined);
  return schema;
}

/** Reads a document into a schema; `parent` is the id of the schema around it. */
function fill(compiler: Compiler, schema: Schema, document: Document, parent: Reference | undefined): void {
  compiler.context.spend(unitsPerSchema);
  if (typeof document === "boolean" && schema.draft >= 6) {
    schema.always = document;
    return;
  }
  if (!(document instanceof Map)) throw new SchemaError("Expected: Valid Schema, given: Invalid JSON");
  if (++compiler.depth > depthMax) throw new BuiltinError(`schemas are nested deeper than ${depthMax}`);
  readId(compiler, schema, document, parent);
  readDefinitions(compiler, schema, document);
  stringMember(document, "title");
  stringMember(document, "description");
  if (!readReference(compiler, schema, document)) readKeywords(compiler, schema, document);
  compiler.depth--;
}

function readId({ context }: Compiler, schema: Schema, members: Members, parent: Reference | undefined): void {
  const isOld = schema.draft === 4 || (schema.draft === hybrid && members.has("id"));
  const id = stringMember(members, isOld ? "id" : "$id");
  if (id === undefined) return;
  context.spend((id.length + (parent?.text.length ?? 0)) * unitsPerCharacter);
  const reference = referenceOf(id);
  schema.id = parent === undefined ? reference : inherit(parent, reference);
}

/** Definitions are only looked at; what refers to them reads them again. */
function readDefinitions(compiler: Compiler, schema: Schema, members: Members): void {
  const definitions = members.get("definitions");
  if (definitions === undefined) return;
  if (!(definitions instanceof Map)) throw invalidType("Array Of Schemas", "definitions");
  for (const definition of definitions.values()) {
    if (!isSchema(definition)) throw invalidType("Array Of Schemas", "definitions");
    child(compiler, schema, definition);
  }
}

function isSchema(document: Document): boolean {
  return typeof document === "boolean" || document instanceof Map;
}

function child(compiler: Compiler, parent: Schema, document: Document): Schema {
  const schema = newSchema(parent.draft, parent.id);
  fill(compiler, schema, document, parent.id);
  return schema;
}

/** Follows `$ref`. True when it led to a schema for the first time: what stands beside it is not even looked at then. */
function readReference(compiler: Compiler, schema: Schema, members: Members): boolean {
  const text = stringMember(members, "$ref");
  if (text === undefined) return false;
  compiler.context.spend(text.length * unitsPerCharacter);
  const reference = referenceOf(text);
  const known = compiler.targets.get(reference.text);
  if (known !== undefined) {
    schema.target = known;
    return false;
  }
  schema.target = newSchema(schema.draft, reference);
  compiler.targets.set(reference.text, schema.target);
  const { document, draft } = schemaAt(compiler.pool, reference);
  if (!isSchema(document)) throw new SchemaError("Valid Schema must be of type object");
  schema.target.draft = draft ?? schema.draft;
  fill(compiler, schema.target, document, schema.id);
  return true;
}

type SchemaStep = (compiler: Compiler, schema: Schema, members: Members) => void;

const readProperties: SchemaStep = (compiler, schema, members) => {
  const properties = members.get("properties");
  if (properties === undefined) return;
  if (!(properties instanceof Map)) throw new SchemaError("Properties must be of type object");
  for (const [name, property] of properties) schema.properties.set(name, child(compiler, schema, property));
};

function readAdditional(name: "additionalProperties" | "additionalItems"): SchemaStep {
  return (compiler, schema, members) => {
    const member = members.get(name);
    if (member === undefined) return;
    if (!isSchema(member)) throw invalidType("boolean/Valid Schema", name);
    schema[name] = typeof member === "boolean" ? member : child(compiler, schema, member);
  };
}

const readPatterns: SchemaStep = (compiler, schema, members) => {
  const patterns = members.get("patternProperties");
  if (patterns === undefined) return;
  if (!(patterns instanceof Map)) throw invalidType("Valid Schema", "patternProperties");
  for (const [pattern, property] of patterns) {
    if (!isPattern(pattern, compiler.context)) throw new SchemaError(`Invalid regex pattern '${pattern}'`);
    schema.patterns.set(pattern, child(compiler, schema, property));
  }
};

const readPropertyNames: SchemaStep = (compiler, schema, members) => {
  const names = members.get("propertyNames");
  if (names === undefined || schema.draft < 6) return;
  if (!isSchema(names)) throw invalidType("Valid Schema", "patternProperties");
  schema.propertyNames = child(compiler, schema, names);
};

const readDependencies: SchemaStep = (compiler, schema, members) => {
  const dependencies = members.get("dependencies");
  if (dependencies === undefined) return;
  if (!(dependencies instanceof Map)) throw new SchemaError("dependencies must be of type object");
  for (const [name, dependency] of dependencies) schema.dependencies.set(name, dependencyOf(compiler, schema, dependency));
};

function dependencyOf(compiler: Compiler, schema: Schema, dependency: Document): readonly string[] | Schema {
  if (isSchema(dependency)) return child(compiler, schema, dependency);
  if (!Array.isArray(dependency) || !dependency.every((name) => typeof name === "string"))
    throw new SchemaError("Dependency must be of type Schema Or Array Of Strings");
  return dependency;
}

const readItems: SchemaStep = (compiler, schema, members) => {
  const items = members.get("items");
  if (items === undefined) return;
  if (isSchema(items)) schema.items = child(compiler, schema, items);
  else if (Array.isArray(items)) schema.items = items.map((item) => itemSchema(compiler, schema, item));
  else throw invalidType("Valid Schema/Array Of Schemas", "items");
};

function itemSchema(compiler: Compiler, schema: Schema, item: Document): Schema {
  if (!isSchema(item)) throw invalidType("Valid Schema/Array Of Schemas", "items");
  return child(compiler, schema, item);
}

const readContains: SchemaStep = (compiler, schema, members) => {
  const contains = members.get("contains");
  if (contains !== undefined && schema.draft >= 6) schema.contains = child(compiler, schema, contains);
};

function readList(name: "oneOf" | "anyOf" | "allOf"): SchemaStep {
  return (compiler, schema, members) => {
    schema[name] = (arrayMember(members, name) ?? []).map((item) => child(compiler, schema, item));
  };
}

function readSingle(name: "not" | "if" | "then" | "else", draft: number): SchemaStep {
  return (compiler, schema, members) => {
    const member = members.get(name);
    if (member === undefined || schema.draft < draft) return;
    if (!isSchema(member)) throw new SchemaError(`${name} must be of an object`);
    schema[name] = child(compiler, schema, member);
  };
}

const plain =
  (step: Step): SchemaStep =>
  ({ context }, schema, members) =>
    step(schema, members, context);

/** In the order in which OPA looks at them: the first wrong keyword is what it complains about. */
const steps: readonly SchemaStep[] = [
  plain(readTypes),
  readProperties,
  readAdditional("additionalProperties"),
  readPatterns,
  readPropertyNames,
  readDependencies,
  readItems,
  readAdditional("additionalItems"),
  ...limitSteps.map(plain),
  readContains,
  ...valueSteps.map(plain),
  readList("oneOf"),
  readList("anyOf"),
  readList("allOf"),
  readSingle("not", 4),
  readSingle("if", 7),
  readSingle("then", 7),
  readSingle("else", 7),
];

function readKeywords(compiler: Compiler, schema: Schema, members: Members): void {
  for (const step of steps) step(compiler, schema, members);
}
