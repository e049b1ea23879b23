import { randomUUID } from "node:crypto";
import { bytesOf } from "../value/bytes.ts";
import { keyOf } from "../value/key.ts";
import { numberOf, objectOf, type Value } from "../value/value.ts";
import type { BuiltinContext, Family } from "./builtin.ts";
import { stringOf } from "./operands.ts";

/** Units for one identifier. */
const cost = 300;

const hyphenated = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i;
const lengths: ReadonlyMap<number, RegExp> = new Map([
  [36, /^(.*)$/s],
  [45, /^urn:uuid:(.*)$/is],
  // The braces may be anything.
  [38, /^.(.*).$/s],
  [32, /^([0-9a-f]{32})$/i],
]);

/** The 16 bytes of a UUID (RFC 4122), in one of the four forms that OPA reads; undefined when it is not one. */
function bytesIn(text: string): Buffer | undefined {
  if (text.length > 45) return undefined;
  const latin = bytesOf(text).toString("latin1");
  const inner = lengths.get(latin.length)?.exec(latin)?.[1] ?? "";
  const digits = inner.length === 32 ? inner : hyphenated.exec(inner)?.slice(1).join("");
  return digits === undefined ? undefined : Buffer.from(digits, "hex");
}

function variantOf(byte: number): string {
  if (byte < 0x80) return "Reserved";
  if (byte < 0xc0) return "RFC4122";
  return byte < 0xe0 ? "Microsoft" : "Future";
}

/** By the two lowest bits of a hardware address. */
const hardware = ["global:unicast", "global:multicast", "local:unicast", "local:multicast"] as const;
const domains = ["Person", "Group", "Org"] as const;
/** From 15 October 1582 to 1970, in units of 100 nanoseconds. */
const epoch = 122_192_928_000_000_000n;

/** What versions 1 and 2 say of the time and the machine; nanoseconds run over as they do in 64 bits. */
function timeBased(bytes: Buffer): readonly (readonly [string, Value])[] {
  const ticks = (BigInt(bytes.readUInt16BE(6) & 0xfff) << 48n) | (BigInt(bytes.readUInt16BE(4)) << 32n) | BigInt(bytes.readUInt32BE(0));
  return [
    ["time", numberOf(BigInt.asIntN(64, (ticks - epoch) * 100n))],
    ["nodeid", bytes.toString("hex", 10).replace(/..(?=.)/g, "$&-")],
    ["macvariables", hardware[bytes.readUInt8(10) & 3] ?? ""],
    ["clocksequence", numberOf(bytes.readUInt16BE(8) & 0x3fff)],
  ];
}

function security(bytes: Buffer): readonly (readonly [string, Value])[] {
  const domain = bytes.readUInt8(9);
  return [
    ["id", numberOf(bytes.readUInt32BE(0))],
    ["domain", domains[domain] ?? `Domain${domain}`],
  ];
}

function parse(text: string): Value | undefined {
  const bytes = bytesIn(text);
  if (bytes === undefined) return undefined;
  const version = bytes.readUInt8(6) >> 4;
  return objectOf([
    ["version", numberOf(version)],
    ["variant", variantOf(bytes.readUInt8(8))],
    ...(version === 1 || version === 2 ? timeBased(bytes) : []),
    ...(version === 2 ? security(bytes) : []),
  ]);
}

function random(key: Value, context: BuiltinContext): Value {
  const name = `uuid.rfc4122 ${keyOf(key, (units) => context.spend(units))}`;
  const known = context.cache.get(name);
  if (known !== undefined) return known;
  context.spend(cost);
  const value = randomUUID();
  context.cache.set(name, value);
  return value;
}

/** `uuid.parse`, undefined for what is no UUID, and `uuid.rfc4122`, one random UUID for each key. */
export const ids: Family = {
  "uuid.parse"([text], context) {
    context.spend(cost);
    return parse(stringOf(text));
  },
  "uuid.rfc4122": ([key = null], context) => random(key, context),
};
