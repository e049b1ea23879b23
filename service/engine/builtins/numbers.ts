import { randomBytes } from "node:crypto";
import { numberOf, type Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { compareVersions, parseVersion } from "./numbers/semver.ts";
import { parseBytes, parseUnits } from "./numbers/units.ts";
import { integerOf, intOf, stringOf } from "./operands.ts";

/** Numbers in one range at most; OPA goes on until it is stopped. */
const rangeMax = 1_000_000n;
/** Units for one number of a range, for one random number, and for one character of a version. */
const cost = { number: 20, random: 300, character: 3 } as const;

function rangeStep(from: bigint, to: bigint, step: bigint, context: BuiltinContext): readonly Value[] {
  if (step <= 0n) throw new BuiltinError("step must be a positive integer");
  const count = (from < to ? to - from : from - to) / step + 1n;
  if (count > rangeMax) throw new BuiltinError(`the range has more than ${rangeMax} numbers`);
  const digits = Math.max(String(from).length, String(to).length);
  context.spend(Number(count) * (cost.number + digits));
  const signed = from <= to ? step : -step;
  return Array.from({ length: Number(count) }, (_, index) => numberOf(from + signed * BigInt(index)));
}

function random(key: string, limit: bigint, context: BuiltinContext): Value {
  const below = limit < 0n ? -limit : limit;
  if (below === 0n) return numberOf(0);
  if (below > 2n ** 63n - 1n) throw new BuiltinError("limit must have 63 bits");
  const name = `rand.intn ${below} ${key}`;
  const known = context.cache.get(name);
  if (known !== undefined) return known;
  context.spend(cost.random);
  // Twice the bits that are needed: what the division leaves is even enough.
  const value = numberOf(BigInt(`0x${randomBytes(16).toString("hex")}`) % below);
  context.cache.set(name, value);
  return value;
}

/** The text of a version, whose characters are paid. */
function versionText(value: Value | undefined, context: BuiltinContext): string {
  const text = stringOf(value);
  context.spend(text.length * cost.character);
  return text;
}

/** `numbers.range_step`, `rand.intn`, and what reads numbers in text: `units.*` and `semver.*`. */
export const numbers: Family = {
  "numbers.range_step": ([from, to, step], context) => rangeStep(integerOf(from), integerOf(to), integerOf(step), context),
  "rand.intn": ([key, limit], context) => random(stringOf(key), intOf(limit), context),
  "units.parse": ([text], context) => parseUnits(stringOf(text), context),
  "units.parse_bytes": ([text], context) => parseBytes(stringOf(text), context),
  "semver.compare": ([first, second], context) => numberOf(compareVersions(versionText(first, context), versionText(second, context))),
  "semver.is_valid": ([text], context) => typeof text === "string" && parseVersion(versionText(text, context)) !== undefined,
};
