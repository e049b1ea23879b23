import { RegoSet, setOf } from "../value/value.ts";
import type { Family } from "./builtin.ts";
import { booleanOf, itemsOf, objectOperand, stringOf, wrongType } from "./operands.ts";

/** The deprecated `cast_*`: the value itself when it has that type, and arrays for sets and sets for arrays. */
export const casts: Family = {
  cast_array: ([value]) => itemsOf(value),
  cast_set: ([value]) => (value instanceof RegoSet ? value : setOf(itemsOf(value))),
  cast_string: ([value]) => stringOf(value),
  cast_boolean: ([value]) => booleanOf(value),
  cast_null([value]) {
    if (value !== null) throw wrongType("null", value);
    return value;
  },
  cast_object: ([value]) => objectOperand(value),
};
