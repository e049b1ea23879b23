import { daysIn, utcSeconds } from "../time/civil.ts";
import { malformed } from "./der.ts";

/** A time as it was written: nanoseconds since the epoch, and RFC 3339 text; no text where Go's JSON has none. */
export interface Asn1Time {
  readonly ns: bigint;
  readonly text: string | undefined;
}

const utcPattern = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(Z|[+-]\d{4})$/;
const generalizedPattern = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(Z|[+-]\d{4})$/;
const fractionPattern = /^(\d{14})(\.\d{0,8}[1-9])/;

/** A UTCTime, with or without seconds; years from 50 on are of the twentieth century (RFC 5280, 4.1.2.5.1). */
export function utcTimeOf(content: Buffer): Asn1Time {
  const [matched, year, month, day, hour, minute, second = "00", zone] = utcPattern.exec(content.toString("latin1")) ?? [];
  if (matched === undefined) throw malformed("UTCTime");
  return timeOf([(Number(year) < 50 ? "20" : "19") + year, month, day, hour, minute, second] as readonly string[], "", zone ?? "");
}

/** A GeneralizedTime; with a fraction of the second only where Go's `encoding/asn1` reads it. */
export function generalizedTimeOf(content: Buffer, fractions: boolean): Asn1Time {
  const text = content.toString("latin1");
  const fraction = fractions ? (fractionPattern.exec(text)?.[2] ?? "") : "";
  const [matched, year, month, day, hour, minute, second, zone] = generalizedPattern.exec(text.replace(fraction, "")) ?? [];
  if (matched === undefined) throw malformed("GeneralizedTime");
  return timeOf([year, month, day, hour, minute, second] as readonly string[], fraction, zone ?? "");
}

/** From year to second; the zone must be written as Go writes it. */
function timeOf(parts: readonly string[], fraction: string, zone: string): Asn1Time {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) throw malformed("date");
  if (hour > 23 || minute > 59 || second > 59) throw malformed("time of day");
  const seconds = utcSeconds({ year, month, day, hour, minute, second }) - offsetOf(zone);
  const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(1).padEnd(9, "0"));
  const [y, mo, d, h, mi, s] = parts;
  // Go has no JSON for a zone that is a whole day away.
  const text = zone.includes("2400") ? undefined : `${y}-${mo}-${d}T${h}:${mi}:${s}${fraction}${zone.replace(/^(...)(..)$/, "$1:$2")}`;
  return { ns, text };
}

/** Seconds ahead of UTC. */
function offsetOf(zone: string): number {
  if (zone === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))];
  if (minutes > 59 || hours * 60 + minutes > 24 * 60 || hours + minutes === 0) throw malformed("time zone");
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes) * 60;
}
