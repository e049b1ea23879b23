import { abbreviationOf, type Civil, civilOf, type Instant, weekdayOf, yearDayOf } from "./civil.ts";

/** Layouts that OPA knows by the names of Go's constants. */
const named: ReadonlyMap<string, string> = new Map([
  ["ANSIC", "Mon Jan _2 15:04:05 2006"],
  ["UnixDate", "Mon Jan _2 15:04:05 MST 2006"],
  ["RubyDate", "Mon Jan 02 15:04:05 -0700 2006"],
  ["RFC822", "02 Jan 06 15:04 MST"],
  ["RFC822Z", "02 Jan 06 15:04 -0700"],
  ["RFC850", "Monday, 02-Jan-06 15:04:05 MST"],
  ["RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"],
  ["RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"],
  ["RFC3339", "2006-01-02T15:04:05Z07:00"],
  ["RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"],
]);

/** A layout by name, or the layout itself. */
export function layoutOf(text: string): string {
  return named.get(text) ?? text;
}

/** Go's reference time `Mon Jan 2 15:04:05 MST 2006` taken apart: what in a layout stands for a field. */
const chunks =
  /January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|2|__2|_2(?!006)|3|4|5|PM|pm|[Z-]07(?:0000|:00:00|00|:00)?|[.,](?:0+|9+)(?!\d)/g;

/** A piece of a layout: text as it is, or a field. */
export interface Chunk {
  readonly literal: string;
  /** Empty at the end. */
  readonly field: string;
}

export function chunksOf(layout: string): readonly Chunk[] {
  const result: Chunk[] = [];
  let from = 0;
  for (const match of layout.matchAll(chunks)) {
    result.push({ literal: layout.slice(from, match.index), field: match[0] });
    from = match.index + match[0].length;
  }
  return [...result, { literal: layout.slice(from), field: "" }];
}

export const months = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;
export const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;

const pad = (value: number, width: number, fill = "0") => String(value).padStart(width, fill);
const monthName = (civil: Civil) => months[civil.month - 1] ?? "";
const weekdayName = (civil: Civil) => weekdays[weekdayOf(civil)] ?? "";
const hour12 = ({ hour }: Civil) => hour % 12 || 12;

type Write = (civil: Civil, instant: Instant) => string;
const writers: ReadonlyMap<string, Write> = new Map<string, Write>([
  ["January", monthName],
  ["Jan", (civil) => monthName(civil).slice(0, 3)],
  ["1", ({ month }) => String(month)],
  ["01", ({ month }) => pad(month, 2)],
  ["Monday", weekdayName],
  ["Mon", (civil) => weekdayName(civil).slice(0, 3)],
  ["2", ({ day }) => String(day)],
  ["_2", ({ day }) => pad(day, 2, " ")],
  ["02", ({ day }) => pad(day, 2)],
  ["002", (civil) => pad(yearDayOf(civil), 3)],
  ["__2", (civil) => pad(yearDayOf(civil), 3, " ")],
  ["15", ({ hour }) => pad(hour, 2)],
  ["3", (civil) => String(hour12(civil))],
  ["03", (civil) => pad(hour12(civil), 2)],
  ["4", ({ minute }) => String(minute)],
  ["04", ({ minute }) => pad(minute, 2)],
  ["5", ({ second }) => String(second)],
  ["05", ({ second }) => pad(second, 2)],
  ["2006", ({ year }) => pad(year, 4)],
  ["06", ({ year }) => pad(year % 100, 2)],
  ["PM", ({ hour }) => (hour >= 12 ? "PM" : "AM")],
  ["pm", ({ hour }) => (hour >= 12 ? "pm" : "am")],
  ["MST", (_civil, instant) => abbreviationOf(instant)],
]);

/** Go's `Time.Format`. */
export function format(instant: Instant, layout: string): string {
  const civil = civilOf(instant);
  return chunksOf(layout)
    .map(({ literal, field }) => literal + write(field, civil, instant))
    .join("");
}

function write(field: string, civil: Civil, instant: Instant): string {
  if (field === "") return "";
  if (/^[.,]/.test(field)) return fraction(field, civil.ns);
  if (/^[Z-]07/.test(field)) return offset(field, civil.offsetS);
  return writers.get(field)?.(civil, instant) ?? "";
}

/** Zeros ask for that many digits, nines for as many of them as are needed. */
function fraction(field: string, ns: number): string {
  const digits = pad(ns, 9)
    .padEnd(field.length - 1, "0")
    .slice(0, field.length - 1);
  if (field[1] === "0") return `${field[0]}${digits}`;
  const needed = digits.replace(/0+$/, "");
  return needed === "" ? "" : `${field[0]}${needed}`;
}

function offset(field: string, offsetS: number): string {
  if (field.startsWith("Z") && offsetS === 0) return "Z";
  const size = Math.abs(offsetS);
  const parts = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60].map((part) => pad(part, 2));
  const count = field.replace(/[^0-9]/g, "").length / 2;
  return (offsetS < 0 ? "-" : "+") + parts.slice(0, count).join(field.includes(":") ? ":" : "");
}
