import { Buffer } from "node:buffer";
import { BuiltinError } from "../../builtins/builtin.ts";
import { textOf } from "../../value/bytes.ts";
import { format } from "../time/layout.ts";
import { parse } from "../time/parse.ts";

/** An integer of 64 bits with its sign or without. */
export interface GoInteger {
  readonly integer: bigint;
}

/** An instant, as RFC 3339 writes it. */
export interface GoTime {
  readonly time: string;
}

/** What a scalar is in Go: a JavaScript number is a double. */
export type GoScalar = null | boolean | string | number | GoInteger | GoTime;

/** A scalar's value, and the tag that its text asks for. */
export interface Resolved {
  readonly tag: string;
  readonly value: GoScalar;
}

const longPrefix = "tag:yaml.org,2002:";

/** `!!str` for `tag:yaml.org,2002:str`. */
export function shortTag(tag: string): string {
  return tag.startsWith(longPrefix) ? `!!${tag.slice(longPrefix.length)}` : tag;
}

const words: ReadonlyMap<string, Resolved> = new Map<string, Resolved>([
  ...["true", "True", "TRUE"].map((word) => [word, { tag: "!!bool", value: true }] as const),
  ...["false", "False", "FALSE"].map((word) => [word, { tag: "!!bool", value: false }] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, { tag: "!!null", value: null }] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, { tag: "!!float", value: Number.NaN }] as const),
  ...[".inf", ".Inf", ".INF"].flatMap((word) => [
    [word, { tag: "!!float", value: Number.POSITIVE_INFINITY }] as const,
    [`+${word}`, { tag: "!!float", value: Number.POSITIVE_INFINITY }] as const,
    [`-${word}`, { tag: "!!float", value: Number.NEGATIVE_INFINITY }] as const,
  ]),
]);

const resolvable: ReadonlySet<string> = new Set(["", "!!str", "!!bool", "!!int", "!!float", "!!null", "!!timestamp"]);

/** What a scalar means under a tag (`""` is none), as Go's yaml v3 says: YAML 1.2 with octals of 1.1. Fails when the tag does not fit. */
export function resolve(tag: string, text: string): Resolved {
  if (tag === "!!binary") return { tag, value: binary(text) };
  if (!resolvable.has(tag)) return { tag, value: text };
  if (tag === "!!str") return { tag, value: text };
  const found = implicit(text, tag === "" || tag === "!!timestamp");
  if (tag === "" || tag === found.tag) return found;
  if (tag === "!!float" && isSigned(found.value)) return { tag, value: Number(found.value.integer) };
  throw new BuiltinError(`cannot decode ${found.tag} as a ${tag.slice(0, 64)}`);
}

function isSigned(value: GoScalar): value is GoInteger {
  return typeof value === "object" && value !== null && "integer" in value && value.integer < 2n ** 63n;
}

/** Standard base64 with padding; line breaks in it do not count. */
function binary(text: string): string {
  const data = text.replace(/[\r\n]/g, "");
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) throw new BuiltinError("!!binary value contains invalid base64 data");
  return textOf(Buffer.from(data, "base64"));
}

function implicit(text: string, times: boolean): Resolved {
  const word = words.get(text);
  if (word !== undefined) return word;
  if (text.startsWith(".")) return pointFirst(text) ?? string(text);
  if (!/^[-+0-9]/.test(text)) return string(text);
  const time = times ? timestamp(text) : undefined;
  if (time !== undefined) return { tag: "!!timestamp", value: { time } };
  const plain = text.replaceAll("_", "");
  return integer(plain) ?? decimal(plain, /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/) ?? string(text);
}

function string(text: string): Resolved {
  return { tag: "!!str", value: text };
}

/** Underscores may stand between digits only. */
function pointFirst(text: string): Resolved | undefined {
  return /[^0-9]_|_(?![0-9])/.test(text) ? undefined : decimal(text.replaceAll("_", ""), /^\.[0-9]+(?:[eE][-+]?[0-9]+)?$/);
}

function decimal(text: string, pattern: RegExp): Resolved | undefined {
  if (!pattern.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? { tag: "!!float", value } : undefined;
}

const integers = /^([-+]?)(?:(0[xX])([0-9a-fA-F]+)|(0[bB])([01]+)|(0[oO]?)([0-7]+)|(0|[1-9][0-9]*))$/;

/** An integer of 64 bits in any base of Go's. */
function integer(text: string): Resolved | undefined {
  // Go's yaml lets a sign stand behind these prefixes too.
  const signed = /^0[bo][-+]/.test(text) ? `${text.charAt(2)}${text.slice(0, 2)}${text.slice(3)}` : text;
  const [matched, sign, hex, hexDigits, two, twoDigits, eight, eightDigits, ten] = integers.exec(signed) ?? [];
  if (matched === undefined) return undefined;
  const prefix = hex ?? two ?? (eight === undefined ? "" : "0o");
  const digits = (hexDigits ?? twoDigits ?? eightDigits ?? ten ?? "").replace(/^0+(?=.)/, "");
  // More digits than 64 bits can have must not cost.
  if (digits.length > 64) return undefined;
  const size = BigInt(prefix + digits);
  // Only without a sign there are 64 bits for the digits.
  if (size > (sign === "" ? 2n ** 64n - 1n : sign === "-" ? 2n ** 63n : 2n ** 63n - 1n)) return undefined;
  return { tag: "!!int", value: { integer: sign === "-" ? -size : size } };
}

const layouts = ["2006-1-2T15:4:5.999999999Z07:00", "2006-1-2t15:4:5.999999999Z07:00", "2006-1-2 15:4:5.999999999", "2006-1-2"];

function timestamp(text: string): string | undefined {
  if (!/^[0-9]{4}-/.test(text)) return undefined;
  for (const layout of layouts) {
    const time = instant(layout, text);
    if (time !== undefined) return time;
  }
  return undefined;
}

function instant(layout: string, text: string): string | undefined {
  try {
    const [, sign = "+", hours = "0", minutes = "0"] = /([+-])(\d\d):(\d\d)$/.exec(text) ?? [];
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
    const local = format({ ns: parse(layout, text) + BigInt(offset) * 60_000_000_000n, zone: "UTC" }, "2006-01-02T15:04:05.999999999");
    return local + zoneText(offset);
  } catch {
    return undefined;
  }
}

function zoneText(offset: number): string {
  if (offset === 0) return "Z";
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  return `${offset < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
}
