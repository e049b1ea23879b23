import { RegoObject, type Value } from "../value/value.ts";
import type { BuiltinContext, Family } from "./builtin.ts";
import { InvalidDocument, type QueryDocument, type SchemaDocument } from "./graphql/ast.ts";
import { buildSchema } from "./graphql/build.ts";
import { queryOf, schemaOf } from "./graphql/decode.ts";
import { astValue } from "./graphql/encode.ts";
import { parseQuery } from "./graphql/query.ts";
import { parseSchema } from "./graphql/schema.ts";
import { invalid } from "./graphql/types.ts";
import { validateQuery } from "./graphql/walk.ts";
import { stringOf } from "./operands.ts";

/** What it costs to read a character of a document. */
const unitsPerCharacter = 10;
/** What it costs to make a schema out of the types that GraphQL itself defines. */
const schemaUnits = 10_000;

function queryFrom(operand: Value | undefined, context: BuiltinContext): QueryDocument {
  return operand instanceof RegoObject ? queryOf(operand, context) : parseQuery(textFrom(operand, context));
}

function schemaFrom(operand: Value | undefined, context: BuiltinContext): SchemaDocument {
  return operand instanceof RegoObject ? schemaOf(operand, context) : parseSchema(textFrom(operand, context));
}

function textFrom(operand: Value | undefined, context: BuiltinContext): string {
  if (typeof operand !== "string") throw invalid("operand must be of type string or object");
  context.spend(unitsPerCharacter * operand.length);
  return operand;
}

/** The ASTs of a query and a schema that fit; throws {@link InvalidDocument}. They are shown as they are before validation adds to them. */
function verified([query, schema]: readonly Value[], context: BuiltinContext): readonly [Value, Value] {
  const [queryDocument, schemaDocument] = [queryFrom(query, context), schemaFrom(schema, context)];
  const shown = [astValue(queryDocument, context), astValue(schemaDocument, context)] as const;
  validate(queryDocument, schemaDocument, context);
  return shown;
}

function validate(query: QueryDocument, schema: SchemaDocument, context: BuiltinContext): void {
  context.spend(schemaUnits);
  validateQuery(buildSchema(schema, context), query, context);
}

/** What a function gives, or something else for documents that OPA refuses; every other failure remains one. */
function unlessInvalid(give: () => Value, otherwise: Value): Value {
  try {
    return give();
  } catch (error) {
    if (error instanceof InvalidDocument) return otherwise;
    throw error;
  }
}

const nothing = new RegoObject([]);

/**
 * `graphql.*` with the parser and the rules of gqlparser 2, which OPA uses: they are not quite those of the specification. Nothing is
 * executed and no introspection is answered.
 */
export const graphql: Family = {
  "graphql.parse": verified,
  "graphql.parse_and_verify": (operands, context) => unlessInvalid(() => [true, ...verified(operands, context)], [false, nothing, nothing]),
  "graphql.parse_query": ([query], context) => astValue(parseQuery(textFrom(stringOf(query), context)), context),
  "graphql.parse_schema": ([schema], context) => astValue(parseSchema(textFrom(stringOf(schema), context)), context),
  "graphql.is_valid": ([query, schema], context) =>
    unlessInvalid(() => {
      validate(queryFrom(query, context), schemaFrom(schema, context), context);
      return true;
    }, false),
  "graphql.schema_is_valid": ([schema], context) =>
    unlessInvalid(() => {
      context.spend(schemaUnits);
      buildSchema(schemaFrom(schema, context), context);
      return true;
    }, false),
};
