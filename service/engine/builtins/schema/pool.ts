import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { type Document, type Members, parse, SchemaError } from "./document.ts";
import { type Draft, draftOf, metaSchemas } from "./drafts.ts";
import { inherit, type Reference, referenceOf, textOfBytes, withoutFragment } from "./url.ts";

/** A schema that references may lead to, and the draft that its document names. */
export interface PoolDocument {
  readonly document: Document;
  readonly draft: Draft | undefined;
}

/** All schemas by their references; what is outside of the schema itself is never fetched. */
export interface SchemaPool {
  readonly documents: Map<string, PoolDocument>;
  readonly context: BuiltinContext;
}

const unitsPerNode = 20;

/** Takes a whole document in, with every schema in it that has an id, and makes its references absolute. */
export function addDocument(pool: SchemaPool, document: Document, reference: Reference): void {
  if (pool.documents.has(reference.text)) throw exists(reference.text);
  const draft = draftOf(document);
  addSchemas(pool, document, reference, draft);
  pool.documents.set(reference.text, { document, draft });
}

function exists(text: string): SchemaError {
  return new SchemaError(`Reference already exists: "${text}"`);
}

/** Members that are no schemas, and those whose members are. */
const literal: ReadonlySet<string> = new Set(["const", "enum"]);
const named: ReadonlySet<string> = new Set(["properties", "dependencies", "patternProperties"]);

function addSchemas(pool: SchemaPool, document: Document, base: Reference, draft: Draft | undefined): void {
  pool.context.spend(unitsPerNode);
  if (document instanceof Map) addSchema(pool, document, base, draft);
  else if (Array.isArray(document)) for (const item of document) addSchemas(pool, item, base, draft);
}

function addSchema(pool: SchemaPool, schema: Members, base: Reference, draft: Draft | undefined): void {
  const own = addId(pool, schema, base, draft);
  const target = referenceIn(schema, "$ref");
  // What is no reference is said later.
  const reference = target === undefined ? undefined : unlessWrong(() => inside(pool, own, target));
  if (reference !== undefined) schema.set("$ref", reference.text);
  for (const [name, member] of schema) {
    if (literal.has(name)) continue;
    if (!named.has(name)) addSchemas(pool, member, own, draft);
    else if (member instanceof Map) for (const child of member.values()) addSchemas(pool, child, own, draft);
  }
}

function addId(pool: SchemaPool, schema: Members, base: Reference, draft: Draft | undefined): Reference {
  const id = referenceIn(schema, schema.has("id") ? "id" : "$id");
  if (id === undefined) return base;
  const own = unlessWrong(() => inside(pool, base, id));
  // OPA's validator dies of it.
  if (own === undefined) throw new BuiltinError("the id of a schema is no URL inside of its schema");
  if (pool.documents.has(own.text)) throw exists(own.text);
  pool.documents.set(own.text, { document: schema, draft });
  return own;
}

const unitsPerCharacter = 1;

function inside({ context }: SchemaPool, base: Reference, reference: Reference): Reference {
  context.spend((base.text.length + reference.text.length) * unitsPerCharacter);
  return inherit(base, reference);
}

function referenceIn(schema: Members, name: string): Reference | undefined {
  const text = schema.get(name);
  return typeof text === "string" ? unlessWrong(() => referenceOf(text)) : undefined;
}

function unlessWrong<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof SchemaError) return undefined;
    throw error;
  }
}

/** The schema that a reference leads to: by its id, or by a pointer into the document that has one. */
export function schemaAt(pool: SchemaPool, reference: Reference): PoolDocument {
  const known = pool.documents.get(reference.text);
  if (known !== undefined) return known;
  const whole = withoutFragment(reference);
  const holder = pool.documents.get(whole.text);
  if (holder !== undefined) {
    const found = { document: pointTo(holder.document, reference), draft: holder.draft };
    pool.documents.set(reference.text, found);
    return found;
  }
  const document = parse(metaSchema(reference, whole), pool.context);
  addDocument(pool, document, whole);
  return { document: pointTo(document, reference), draft: draftOf(document) };
}

/** Only the drafts' own schemas are known; nothing is fetched from the network or the disk. */
function metaSchema({ url, text }: Reference, whole: Reference): string {
  const isFile = url.scheme === "file";
  const canonical = isFile ? url.path.startsWith("/") : url.scheme !== "" && url.host !== "";
  if (!canonical) throw new SchemaError(`Reference ${text} must be canonical`);
  const source = metaSchemas.get(whole.text);
  if (source === undefined) throw new SchemaError(`remote reference loading disabled: ${whole.text}`);
  return source;
}

/** Follows the JSON pointer (RFC 6901) of the fragment; a fragment that is none means the whole document. */
function pointTo(document: Document, { url }: Reference): Document {
  const pointer = textOfBytes(url.fragment);
  if (!pointer.startsWith("/")) return document;
  let node = document;
  for (const token of pointer.slice(1).split("/")) node = step(node, token);
  return node;
}

function step(node: Document, token: string): Document {
  if (node instanceof Map) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    const member = node.get(name);
    if (member === undefined) throw new SchemaError(`Object has no key '${name}'`);
    return member;
  }
  if (!Array.isArray(node)) throw new SchemaError(`Invalid token reference '${token}'`);
  if (!/^[+-]?\d{1,18}$/.test(token)) throw new SchemaError(`Invalid array index '${token}'`);
  const item: Document | undefined = node[Number(token)];
  if (item === undefined) throw new SchemaError(`Out of bound array[0,${node.length}] index '${Number(token)}'`);
  return item;
}
