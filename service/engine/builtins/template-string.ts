import { bytesOf, textOf } from "../value/bytes.ts";
import { RegoObject, RegoSet, type Value } from "../value/value.ts";
import { valueText } from "../value/write.ts";
import { BuiltinError, type Family } from "./builtin.ts";
import { arrayOf } from "./operands.ts";

/** A part: text as it is, or what a `{…}` gives: a set that is empty when it is undefined. OPA ends the query for anything else. */
function partText(part: Value): string {
  if (!(part instanceof RegoSet)) return scalarText(part);
  const [value, ...others] = part.items;
  if (value === undefined) return "<undefined>";
  if (others.length > 0) throw new BuiltinError("a template string must not have more than one value");
  return typeof value === "string" ? value : valueText(value);
}

function scalarText(part: Value): string {
  if (typeof part === "string") return part;
  if (part instanceof RegoObject || Array.isArray(part)) throw new BuiltinError("a part of a template string must be text or a set");
  return valueText(part);
}

function joined(parts: readonly string[]): string {
  const text = parts.join("");
  return text.isWellFormed() ? text : textOf(bytesOf(text));
}

/** `internal.template_string`, which the compiler makes of `$"…"`. */
export const templateString: Family = {
  "internal.template_string": ([parts]) => joined(arrayOf(parts).map(partText)),
};
