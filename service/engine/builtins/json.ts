import { marshalJson } from "../go/json/marshal.ts";
import { sizeOf } from "../value/size.ts";
import type { Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { indent } from "./json/indent.ts";
import { patch } from "./json/patch.ts";
import { isSubset } from "./json/subset.ts";
import { arrayOf, booleanOf, objectOperand, stringOf } from "./operands.ts";

/** Options of `json.marshal_with_options`: naming an indent or a prefix makes JSON pretty, unless `pretty` says something else. */
interface Layout {
  readonly prefix: string;
  readonly indent: string;
  readonly pretty: boolean;
}

const readers: ReadonlyMap<Value, (value: Value) => Partial<Layout>> = new Map<Value, (value: Value) => Partial<Layout>>([
  ["prefix", (value) => ({ prefix: stringOf(value) })],
  ["indent", (value) => ({ indent: stringOf(value) })],
  ["pretty", (value) => ({ pretty: booleanOf(value) })],
]);

function layoutOf(options: Value | undefined): Layout {
  const named = objectOperand(options).entries.map(([key, value]) => {
    const reader = readers.get(key);
    if (reader === undefined) throw new BuiltinError("an option is not known");
    return reader(value);
  });
  return Object.assign({ prefix: "", indent: "\t", pretty: named.some((option) => !("pretty" in option)) }, ...named) as Layout;
}

function marshal(value: Value, options: Value | undefined, context: BuiltinContext): string {
  const { prefix, indent: step, pretty } = layoutOf(options);
  context.spend(sizeOf(value, (units) => context.spend(units)).size);
  const json = marshalJson(value);
  return pretty ? prefix + indent(json, prefix, step, context) : json;
}

/** `json.patch`, `json.marshal_with_options` and `object.subset`. */
export const json: Family = {
  "json.patch": ([document = null, operations], context) => patch(document, arrayOf(operations), context),
  "json.marshal_with_options": ([value = null, options], context) => marshal(value, options, context),
  "object.subset": ([whole = null, part = null], context) => isSubset(whole, part, { spend: (units) => context.spend(units) }),
};
