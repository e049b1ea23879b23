import { LRUCache } from "lru-cache";
import type { Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { compileSchema } from "./schema/compile.ts";
import { jsonOf, parse, SchemaError } from "./schema/document.ts";
import { errorsOf } from "./schema/result.ts";
import type { Schema } from "./schema/types.ts";
import { validate } from "./schema/validate.ts";

/** A schema that was compiled, and what that cost: the next one who asks pays the same. */
interface Compiled {
  readonly schema: Schema;
  readonly units: number;
}

/** Characters of all schemas that are kept, and of one of them. */
const keptMax = 1_000_000;
const textMax = 200_000;

const known = new LRUCache<string, Compiled>({ maxSize: keptMax, maxEntrySize: textMax, sizeCalculation: (_, text) => text.length + 1 });

function schemaOf(value: Value, context: BuiltinContext): Schema {
  const text = jsonOf(value, context);
  const found = known.get(text);
  if (found === undefined) return newSchemaOf(text, context);
  context.spend(found.units);
  return found.schema;
}

function newSchemaOf(text: string, context: BuiltinContext): Schema {
  let units = 0;
  const metered: BuiltinContext = {
    nowNs: context.nowNs,
    cache: context.cache,
    spend(more) {
      units += more;
      context.spend(more);
    },
  };
  const made = compileSchema(parse(text, metered), metered);
  known.set(text, { schema: made, units });
  return made;
}

/** Characters of the message of a failure. */
const messageMax = 200;

function match(document: Value, schemaValue: Value, context: BuiltinContext): Value {
  try {
    const parsed = parse(jsonOf(document, context), context);
    const result = validate(schemaOf(schemaValue, context), parsed, context);
    return [result.failures.length === 0, errorsOf(result, context)];
  } catch (error) {
    // OPA's words may quote all of a schema.
    if (error instanceof SchemaError) throw new BuiltinError(error.message.slice(0, messageMax), { cause: error });
    throw error;
  }
}

/** Only what OPA says about the schema is an answer. */
function verify(schemaValue: Value, context: BuiltinContext): Value {
  try {
    schemaOf(schemaValue, context);
    return [true, null];
  } catch (error) {
    if (error instanceof SchemaError) return [false, `jsonschema: ${error.message}`];
    throw error;
  }
}

/** JSON Schema, drafts 4, 6 and 7, as OPA's validator has them. References lead to the schema itself or to the drafts, never elsewhere. */
export const schema: Family = {
  "json.match_schema": ([document = null, schemaValue = null], context) => match(document, schemaValue, context),
  "json.verify_schema": ([schemaValue = null], context) => verify(schemaValue, context),
};
