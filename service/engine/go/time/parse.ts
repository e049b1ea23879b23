import { BuiltinError } from "../../builtins/builtin.ts";
import { daysIn, utcSeconds } from "./civil.ts";
import { type Chunk, chunksOf, months, weekdays } from "./layout.ts";

/** What was read so far; -1 is a field that the layout does not have. */
interface Fields {
  year: number;
  month: number;
  day: number;
  yearDay: number;
  hour: number;
  minute: number;
  second: number;
  ns: number;
  offsetS: number;
  half: "am" | "pm" | undefined;
}

/** The rest of the text that is still to be read. */
interface Rest {
  text: string;
}

/** Go's `time.Parse`: nanoseconds since the epoch, of any size. A zone's abbreviation counts as UTC, as on a host that is set to UTC. */
export function parse(layout: string, value: string): bigint {
  const rest: Rest = { text: value };
  const fields: Fields = { year: 0, month: -1, day: -1, yearDay: -1, hour: 0, minute: 0, second: 0, ns: 0, offsetS: 0, half: undefined };
  try {
    const list = chunksOf(layout);
    for (const [index, chunk] of list.entries()) readChunk(rest, fields, chunk, list[index + 1]?.field ?? "");
    if (rest.text !== "") throw new BuiltinError("extra text");
    return toNs(fields);
  } catch (error) {
    const why = error instanceof BuiltinError ? error.message : "malformed";
    throw new BuiltinError(`cannot parse \`${value.slice(0, 64)}\` as \`${layout.slice(0, 64)}\`: ${why}`);
  }
}

function readChunk(rest: Rest, fields: Fields, { literal, field }: Chunk, next: string): void {
  skipLiteral(rest, literal);
  if (field === "") return;
  if (/^[.,]/.test(field)) readFraction(rest, fields, field);
  else if (/^[Z-]07/.test(field)) fields.offsetS = readOffset(rest, field);
  else readers.get(field)?.(rest, fields, next);
}

/** A space in the layout stands for any number of them, and at the end for none. */
function skipLiteral(rest: Rest, literal: string): void {
  let left = literal;
  while (left !== "") {
    if (left.startsWith(" ")) {
      if (rest.text !== "" && !rest.text.startsWith(" ")) throw new BuiltinError("malformed");
      left = left.replace(/^ +/, "");
      rest.text = rest.text.replace(/^ +/, "");
    } else {
      if (rest.text[0] !== left[0]) throw new BuiltinError("malformed");
      left = left.slice(1);
      rest.text = rest.text.slice(1);
    }
  }
}

function take(rest: Rest, pattern: RegExp): string {
  const found = pattern.exec(rest.text)?.[0];
  if (found === undefined) throw new BuiltinError("malformed");
  rest.text = rest.text.slice(found.length);
  return found;
}

const two = /^\d\d/;
const oneOrTwo = /^\d\d?/;

function number(rest: Rest, pattern: RegExp, min: number, max: number, what: string): number {
  const value = Number(take(rest, pattern));
  if (value < min || value > max) throw new BuiltinError(`${what} out of range`);
  return value;
}

function oneOf(rest: Rest, names: readonly string[]): number {
  const index = names.findIndex((name) => rest.text.slice(0, name.length).toLowerCase() === name.toLowerCase());
  if (index < 0) throw new BuiltinError("malformed");
  rest.text = rest.text.slice(names[index]?.length);
  return index;
}

type Read = (rest: Rest, fields: Fields, next: string) => void;
const short = (names: readonly string[]) => names.map((name) => name.slice(0, 3));

const into =
  (key: "year" | "month" | "day" | "yearDay" | "hour" | "minute", read: (rest: Rest) => number): Read =>
  (rest, fields) => {
    fields[key] = read(rest);
  };
const readMonth = (pattern: RegExp) => into("month", (rest) => number(rest, pattern, 1, 12, "month"));
const readDay = (pattern: RegExp) => into("day", (rest) => Number(take(rest, pattern)));
const readHour = (pattern: RegExp, max: number) => into("hour", (rest) => number(rest, pattern, 0, max, "hour"));
const readMinute = (pattern: RegExp) => into("minute", (rest) => number(rest, pattern, 0, 59, "minute"));
const readHalf =
  (am: string, pm: string): Read =>
  (rest, fields) => {
    fields.half = take(rest, new RegExp(`^(?:${am}|${pm})`)) === pm ? "pm" : "am";
  };
/** A fraction may follow the seconds even when the layout has none. */
const readSecond =
  (pattern: RegExp): Read =>
  (rest, fields, next) => {
    fields.second = number(rest, pattern, 0, 59, "second");
    if (/^[.,]\d/.test(rest.text) && !/^[.,]/.test(next)) fields.ns = nanoseconds(take(rest, /^[.,]\d+/));
  };

const readers: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["January", into("month", (rest) => oneOf(rest, months) + 1)],
  ["Jan", into("month", (rest) => oneOf(rest, short(months)) + 1)],
  ["1", readMonth(oneOrTwo)],
  ["01", readMonth(two)],
  ["Monday", (rest) => void oneOf(rest, weekdays)],
  ["Mon", (rest) => void oneOf(rest, short(weekdays))],
  ["2", readDay(oneOrTwo)],
  ["_2", readDay(/^ ?\d\d?/)],
  ["02", readDay(two)],
  ["002", into("yearDay", (rest) => Number(take(rest, /^\d{3}/)))],
  ["__2", into("yearDay", (rest) => Number(take(rest, /^ {0,2}\d{1,3}/)))],
  ["15", readHour(oneOrTwo, 23)],
  ["3", readHour(oneOrTwo, 12)],
  ["03", readHour(two, 12)],
  ["4", readMinute(oneOrTwo)],
  ["04", readMinute(two)],
  ["5", readSecond(oneOrTwo)],
  ["05", readSecond(two)],
  ["2006", into("year", (rest) => Number(take(rest, /^\d{4}/)))],
  ["06", into("year", (rest) => century(Number(take(rest, two))))],
  ["PM", readHalf("AM", "PM")],
  ["pm", readHalf("am", "pm")],
  ["MST", readAbbreviation],
]);

function century(year: number): number {
  return year >= 69 ? year + 1900 : year + 2000;
}

/** Names of three to five capitals, as Go knows them, are read and mean UTC. */
function readAbbreviation(rest: Rest): void {
  take(rest, /^(?:UTC|GMT(?:[+-](?:2[0-3]|[01]?\d)(?!\d))?|ChST|MeST|WITA|[A-Z]{3}ST|[A-Z]{3}T|[A-Z]{3}(?![A-Z])|[+-](?:2[0-3]|[01]\d))/);
}

function readFraction(rest: Rest, fields: Fields, field: string): void {
  if (field[1] === "0") fields.ns = nanoseconds(take(rest, new RegExp(`^[.,]\\d{${field.length - 1}}`)));
  else if (/^[.,]\d/.test(rest.text)) fields.ns = nanoseconds(take(rest, /^[.,]\d+/));
}

function nanoseconds(text: string): number {
  return Number(text.slice(1, 10).padEnd(9, "0"));
}

/** Go lets offsets be 24 hours or 60 minutes, but no more. */
function readOffset(rest: Rest, field: string): number {
  if (field.startsWith("Z") && rest.text.startsWith("Z")) {
    rest.text = rest.text.slice(1);
    return 0;
  }
  const pattern = field.slice(1).replace(/\d/g, "\\d");
  const text = take(rest, new RegExp(`^[+-]${pattern}`));
  const [hours = 0, minutes = 0, seconds = 0] = (text.match(/\d\d/g) ?? []).map(Number);
  if (hours > 24 || minutes > 60 || seconds > 60) throw new BuiltinError("time zone offset out of range");
  return (text.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60 + seconds);
}

function toNs(fields: Fields): bigint {
  const { month, day } = monthAndDay(fields);
  if (day < 1 || day > daysIn(fields.year, month)) throw new BuiltinError("day out of range");
  const { year, minute, second, ns, offsetS } = fields;
  const s = utcSeconds({ year, month, day, hour: hourOf(fields), minute, second }) - offsetS;
  return BigInt(s) * 1_000_000_000n + BigInt(ns);
}

function hourOf({ hour, half }: Fields): number {
  if (half === "pm" && hour < 12) return hour + 12;
  return half === "am" && hour === 12 ? 0 : hour;
}

function monthAndDay(fields: Fields): { readonly month: number; readonly day: number } {
  const { yearDay } = fields;
  if (yearDay < 0) return { month: fields.month < 0 ? 1 : fields.month, day: fields.day < 0 ? 1 : fields.day };
  let [month, day] = [1, yearDay];
  for (; month < 12 && day > daysIn(fields.year, month); month++) day -= daysIn(fields.year, month);
  if (yearDay < 1 || day > daysIn(fields.year, month)) throw new BuiltinError("day-of-year out of range");
  if (fields.month >= 0 && fields.month !== month) throw new BuiltinError("day-of-year does not match month");
  if (fields.day >= 0 && fields.day !== day) throw new BuiltinError("day-of-year does not match day");
  return { month, day };
}
