import { marshalJson } from "../go/json/marshal.ts";
import { decodeDocument, type GoValue, regoOf } from "../go/yaml/decode.ts";
import { emit } from "../go/yaml/emit.ts";
import { parseDocuments, TooDeep } from "../go/yaml/parse.ts";
import { streamText } from "../go/yaml/text.ts";
import { tokensOf } from "../go/yaml/tokens.ts";
import type { Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { stringOf } from "./operands.ts";

/** The first document of a stream; the others must be well formed. */
function decoded(text: string, context: BuiltinContext): GoValue {
  const [first] = parseDocuments(tokensOf(streamText(text), context));
  return first === undefined ? null : decodeDocument(first, context);
}

function isValid(text: string, context: BuiltinContext): boolean {
  try {
    regoOf(decoded(text, context));
    return true;
  } catch (error) {
    if (!(error instanceof BuiltinError) || error instanceof TooDeep) throw error;
    return false;
  }
}

/** OPA writes JSON, reads it as YAML, and writes that: what YAML cannot read in JSON fails or is changed. */
function marshal(value: Value, context: BuiltinContext): string {
  return emit(decoded(marshalJson(value), context), context);
}

/** `yaml.…` as OPA has them: YAML 1.2's core types in YAML 1.1's syntax, by way of JSON. */
export const yaml: Family = {
  "yaml.is_valid": ([text], context) => typeof text === "string" && isValid(text, context),
  "yaml.marshal": ([value = null], context) => marshal(value, context),
  "yaml.unmarshal": ([text], context) => regoOf(decoded(stringOf(text), context)),
};
