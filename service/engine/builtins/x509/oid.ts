import { numberOf, type Value } from "../../value/value.ts";
import type { BuiltinContext } from "../builtin.ts";

/** The numbers of an object identifier as the bits of its DER content say them, of any size; one that is not complete is left out. */
function arcsOf(oid: Buffer): readonly bigint[] {
  const arcs: bigint[] = [];
  let bits = "";
  for (const byte of oid) {
    bits += (byte & 0x7f).toString(2).padStart(7, "0");
    if (byte >= 0x80) continue;
    const arc = BigInt(`0b${bits}`);
    if (arcs.length > 0) arcs.push(arc);
    else if (arc < 80n) arcs.push(arc / 40n, arc % 40n);
    else arcs.push(2n, arc - 80n);
    bits = "";
  }
  return arcs;
}

/** Go's `OID.String`; a long number takes more than linear time and is paid for. */
export function policyText(oid: Buffer, context: BuiltinContext): string {
  context.spend(oid.length * Math.min(10 + oid.length, 100));
  return arcsOf(oid).join(".");
}

/** As a list of one list of numbers, as Go's older type has it; undefined when a number is too large for that. */
export function policyNumbers(oid: Buffer): readonly [Value] | undefined {
  const arcs = arcsOf(oid);
  const tooLarge = arcs.some((arc, index) => arc >= 2n ** 31n - (index === 1 && arcs[0] === 2n ? 80n : 0n));
  return tooLarge ? undefined : [arcs.map(numberOf)];
}
