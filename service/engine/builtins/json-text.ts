import { decodeValue, isJson, regoMaking } from "../go/json/decode.ts";
import { marshalJson } from "../go/json/marshal.ts";
import type { Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { stringOf } from "./operands.ts";

/** Units for a character that is read. */
const characterUnits = 10;

/** OPA asks for a second value and takes none for a good sign, and `null` too, whatever is behind it. */
const rest = /^[ \t\r\n]*(?:null.*)?$/s;

function unmarshal(text: string, context: BuiltinContext): Value {
  context.spend(text.length * characterUnits);
  const { value, end } = decodeValue(text, regoMaking);
  if (!rest.test(text.slice(end))) throw new BuiltinError("JSON has something behind its value");
  return value;
}

function isValid(text: Value | undefined, context: BuiltinContext): boolean {
  if (typeof text !== "string") return false;
  context.spend(text.length * characterUnits);
  return isJson(text);
}

/** `json.marshal`, `json.unmarshal` and `json.is_valid`. */
export const jsonText: Family = {
  "json.marshal": ([value = null]) => marshalJson(value),
  "json.unmarshal": ([text], context) => unmarshal(stringOf(text), context),
  "json.is_valid": ([text], context) => isValid(text, context),
};
