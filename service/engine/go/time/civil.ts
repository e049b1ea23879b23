import { BuiltinError } from "../../builtins/builtin.ts";

/** A date and time of day as a clock on the wall shows it. `month` is 1 to 12; `offsetS` is how far it is ahead of UTC. */
export interface Civil {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ns: number;
  readonly offsetS: number;
}

/** A point in time, and the IANA zone in which it is looked at. */
export interface Instant {
  readonly ns: bigint;
  readonly zone: string;
}

const nsPerS = 1_000_000_000n;

/** Seconds since the epoch, rounded down, and the nanoseconds behind them. */
export function split(ns: bigint): { readonly s: number; readonly ns: number } {
  const rest = ((ns % nsPerS) + nsPerS) % nsPerS;
  return { s: Number((ns - rest) / nsPerS), ns: Number(rest) };
}

export function civilOf({ ns, zone }: Instant): Civil {
  const { s, ns: rest } = split(ns);
  const offsetS = offsetAt(zone, s);
  return { ...fieldsOf(s + offsetS), ns: rest, offsetS };
}

function fieldsOf(utcS: number): Omit<Civil, "ns" | "offsetS"> {
  const date = new Date(utcS * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** Seconds since the epoch of fields in UTC; fields out of range carry over. */
export function utcSeconds({ year, month, day, hour, minute, second }: Omit<Civil, "ns" | "offsetS">): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime() / 1000;
}

/** The instant at which a clock in the zone shows these fields, as Go's `time.Date` chooses it where clocks were changed. */
export function instantOf(civil: Omit<Civil, "offsetS">, zone: string): Instant {
  const local = utcSeconds(civil);
  if (!Number.isFinite(local)) throw new BuiltinError("time outside of valid range");
  const guess = offsetAt(zone, local);
  const s = guess === 0 ? local : local - offsetAt(zone, local - guess);
  return { ns: BigInt(s) * nsPerS + BigInt(civil.ns), zone };
}

/** Days of a month of the Gregorian calendar. */
export function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(2000 + (((year % 400) + 400) % 400), month, 0)).getUTCDate();
}

/** 0 is Sunday. */
export function weekdayOf({ year, month, day }: Civil): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCDay();
}

/** 1 is 1 January. */
export function yearDayOf({ year, month, day }: Civil): number {
  let days = day;
  for (let before = 1; before < month; before++) days += daysIn(year, before);
  return days;
}

export const utc = "UTC";
/** Names as in the time zone database; not offsets, which newer runtimes take as zones. */
const zoneNames = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/;

/** Checks a zone's name. */
export function zoneOf(name: string): string {
  if (name === "" || name === utc) return utc;
  if (name === "Local") return Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zoneNames.test(name)) throw unknownZone(name);
  formatOf(name);
  return name;
}

function unknownZone(name: string): BuiltinError {
  return new BuiltinError(`unknown time zone \`${name.slice(0, 64)}\``);
}

function offsetAt(zone: string, unixS: number): number {
  if (zone === utc) return 0;
  if (!Number.isFinite(new Date(unixS * 1000).getTime())) throw new BuiltinError("time outside of valid range");
  const parts = new Map(
    formatOf(zone)
      .formatToParts(unixS * 1000)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
  const [year, month, day, hour, minute, second] = [part("year"), part("month"), part("day"), part("hour"), part("minute"), part("second")];
  return utcSeconds({ year, month, day, hour, minute, second }) - unixS;
}

/** `EST` and the like; zones for which the runtime knows an offset only have no name that would be the right one. */
export function abbreviationOf({ ns, zone }: Instant): string {
  if (zone === utc) return utc;
  const short = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "short" }).formatToParts(split(ns).s * 1000);
  const name = short.find(({ type }) => type === "timeZoneName")?.value ?? "";
  if (!/^[A-Z]{3,5}$/.test(name))
    throw new BuiltinError(`the abbreviation of the time zone \`${zone}\` is not known; use an offset in the layout`);
  return name;
}

const formats = new Map<string, Intl.DateTimeFormat>();
/** There are about 600 zones. */
const formatsMax = 1000;

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = makeFormat(zone);
  if (formats.size < formatsMax) formats.set(zone, made);
  return made;
}

function makeFormat(timeZone: string): Intl.DateTimeFormat {
  const numeric = "numeric" as const;
  const fields = { year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric };
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone, hourCycle: "h23", ...fields });
  } catch {
    throw unknownZone(timeZone);
  }
}
