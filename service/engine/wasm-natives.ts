import { exportedFunctions, Reader, type Section } from "./wasm-module.ts";

/**
 * When a builtin that the module has is left to the host instead. `integers`: an operand is a number that is no 64-bit integer.
 * `sets`: an operand is a set.
 */
export type Guard = "integers" | "sets";

/** A builtin that OPA compiles into the module. */
export interface Native {
  /** Name of the function in the module. */
  readonly symbol: string;
  readonly builtin: string;
  /** Absent: when the host has the builtin, it gives every answer. */
  readonly guard: Guard | undefined;
}

const guards: ReadonlyMap<string, Guard> = new Map([
  ["plus", "integers"],
  ["minus", "integers"],
  ["mul", "integers"],
  ["rem", "integers"],
  ["array.slice", "integers"],
  ["numbers.range", "integers"],
  ["concat", "sets"],
]);

/** Builtins of the module by function; comparisons, which cannot fail, are left alone. The place in this list is the native's number. */
export const natives: readonly Native[] = Object.entries({
  opa_arith_plus: "plus",
  opa_arith_minus: "minus",
  opa_arith_multiply: "mul",
  opa_arith_divide: "div",
  opa_arith_abs: "abs",
  opa_arith_round: "round",
  opa_arith_ceil: "ceil",
  opa_arith_floor: "floor",
  opa_arith_rem: "rem",
  opa_array_concat: "array.concat",
  opa_array_flatten: "array.flatten",
  opa_array_reverse: "array.reverse",
  opa_array_slice: "array.slice",
  opa_set_diff: "set_diff",
  opa_set_intersection: "and",
  opa_set_union: "or",
  opa_sets_intersection: "intersection",
  opa_sets_union: "union",
  opa_bits_or: "bits.or",
  opa_bits_and: "bits.and",
  opa_bits_negate: "bits.negate",
  opa_bits_xor: "bits.xor",
  opa_bits_shiftleft: "bits.lsh",
  opa_bits_shiftright: "bits.rsh",
  opa_agg_count: "count",
  opa_agg_sum: "sum",
  opa_agg_product: "product",
  opa_agg_max: "max",
  opa_agg_min: "min",
  opa_agg_sort: "sort",
  opa_agg_all: "all",
  opa_agg_any: "any",
  opa_base64_is_valid: "base64.is_valid",
  opa_base64_decode: "base64.decode",
  opa_base64_encode: "base64.encode",
  opa_base64_url_encode: "base64url.encode",
  opa_base64_url_decode: "base64url.decode",
  opa_cidr_contains: "net.cidr_contains",
  opa_cidr_intersects: "net.cidr_intersects",
  opa_glob_match: "glob.match",
  opa_json_marshal: "json.marshal",
  opa_json_unmarshal: "json.unmarshal",
  opa_json_is_valid: "json.is_valid",
  builtin_object_filter: "object.filter",
  builtin_object_get: "object.get",
  builtin_object_keys: "object.keys",
  builtin_object_remove: "object.remove",
  builtin_object_union: "object.union",
  builtin_object_union_n: "object.union_n",
  opa_strings_concat: "concat",
  opa_strings_format_int: "format_int",
  opa_strings_indexof: "indexof",
  opa_strings_substring: "substring",
  opa_strings_lower: "lower",
  opa_strings_upper: "upper",
  opa_strings_contains: "contains",
  opa_strings_startswith: "startswith",
  opa_strings_endswith: "endswith",
  opa_strings_reverse: "strings.reverse",
  opa_strings_split: "split",
  opa_strings_replace: "replace",
  opa_strings_replace_n: "strings.replace_n",
  opa_strings_trim: "trim",
  opa_strings_trim_left: "trim_left",
  opa_strings_trim_prefix: "trim_prefix",
  opa_strings_trim_right: "trim_right",
  opa_strings_trim_suffix: "trim_suffix",
  opa_strings_trim_space: "trim_space",
  opa_template_string: "internal.template_string",
  opa_numbers_range: "numbers.range",
  opa_to_number: "to_number",
  builtin_graph_reachable: "graph.reachable",
  opa_regex_is_valid: "regex.is_valid",
  opa_regex_match: "regex.match",
  opa_regex_find_all_string_submatch: "regex.find_all_string_submatch_n",
  builtin_json_remove: "json.remove",
  builtin_json_filter: "json.filter",
}).map(([symbol, builtin]) => ({ symbol, builtin, guard: guards.get(builtin) }));

/** Numbers of natives start here; a module numbers the builtins that it imports from 0. */
export const nativeBase = 1 << 20;

/**
 * The natives that a module has, by the index of their function: from its `name` section, which OPA's compiler writes (WebAssembly
 * specification, appendix "Custom Sections"). `undefined` when it has none, or one that does not name the functions of this module:
 * which of them are builtins cannot be known then.
 */
export function nativesOf(bytes: Uint8Array, sections: readonly Section[]): ReadonlyMap<number, number> | undefined {
  const names = functionNames(bytes, sections);
  const witness = exportedFunctions(bytes, sections).get(witnessName);
  if (witness === undefined || names.get(witness) !== witnessName) return undefined;
  const found = new Map<number, number>();
  for (const [index, name] of names) {
    const number = numbers.get(name);
    if (number !== undefined) found.set(index, number);
  }
  return found;
}

/** A function that every module exports: its name must be the same in both places. */
const witnessName = "opa_eval";

const numbers: ReadonlyMap<string, number> = new Map(natives.map(({ symbol }, number) => [symbol, number]));

function functionNames(bytes: Uint8Array, sections: readonly Section[]): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const section of sections.filter(({ id }) => id === 0)) {
    const reader = new Reader(bytes, section.start);
    if (reader.name() !== "name") continue;
    while (reader.at < section.end) readSubsection(reader, names);
  }
  return names;
}

/** Subsection 1 has the names of functions; others are skipped. */
function readSubsection(reader: Reader, names: Map<number, string>): void {
  const id = reader.byte();
  const size = reader.u32();
  const end = reader.at + size;
  for (let count = id === 1 ? reader.u32() : 0; count > 0; count--) {
    const index = reader.u32();
    names.set(index, reader.name());
  }
  reader.at = end;
}
