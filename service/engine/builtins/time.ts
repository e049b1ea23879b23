import { type Civil, civilOf, daysIn, type Instant, instantOf, utc, weekdayOf, zoneOf } from "../go/time/civil.ts";
import { parseDuration } from "../go/time/duration.ts";
import { format, layoutOf, weekdays } from "../go/time/layout.ts";
import { parse } from "../go/time/parse.ts";
import { exactInteger } from "../value/number.ts";
import { numberOf, RegoNumber, type Value } from "../value/value.ts";
import { BuiltinError, type Family } from "./builtin.ts";
import { int64, intOf, stringOf } from "./operands.ts";

const nanoseconds = (ns: bigint) => int64(ns, "time outside of valid range");

interface Timestamp extends Instant {
  readonly layout: string;
}

/** `ns`, `[ns]`, `[ns, zone]` or `[ns, zone, layout]`. */
function timestampOf(operand: Value | undefined): Timestamp {
  if (operand instanceof RegoNumber) return { ns: integer(operand.text), zone: utc, layout: "" };
  const [ns, zone = "", layout = ""] = Array.isArray(operand) ? (operand as readonly Value[]) : [];
  if (!(ns instanceof RegoNumber)) throw new BuiltinError("operand must be nanoseconds or [nanoseconds, zone]");
  return { ns: integer(ns.text), zone: zoneOf(stringOf(zone)), layout: stringOf(layout) };
}

function integer(text: string): bigint {
  const ns = exactInteger(text);
  if (ns === undefined || ns !== BigInt.asIntN(64, ns)) throw new BuiltinError("timestamp too big");
  return ns;
}

function addDate(at: Instant, years: bigint, months: bigint, days: bigint): RegoNumber {
  const civil = civilOf(at);
  const moved = { year: civil.year + Number(years), month: civil.month + Number(months), day: civil.day + Number(days) };
  return nanoseconds(instantOf({ ...civil, ...moved }, at.zone).ns);
}

/** Years, months, days, hours, minutes and seconds between two instants, both looked at in the zone of the first. */
function diff(first: Instant, second: Instant): readonly number[] {
  const other = { ns: second.ns, zone: first.zone };
  const [from, to] = (first.ns > second.ns ? [other, first] : [first, other]).map(civilOf);
  if (from === undefined || to === undefined) return [];
  const carry = borrow(to.second - from.second, 60);
  const minute = borrow(to.minute - from.minute - carry.taken, 60);
  const hour = borrow(to.hour - from.hour - minute.taken, 24);
  const day = borrow(to.day - from.day - hour.taken, daysIn(from.year, from.month));
  const month = borrow(to.month - from.month - day.taken, 12);
  return [to.year - from.year - month.taken, month.left, day.left, hour.left, minute.left, carry.left];
}

function borrow(value: number, base: number): { readonly left: number; readonly taken: number } {
  return value < 0 ? { left: value + base, taken: 1 } : { left: value, taken: 0 };
}

const civil = (operand: Value | undefined): Civil => civilOf(timestampOf(operand));

/** `time.*` as in OPA: exact nanoseconds, Go's layouts, one `now` for the whole evaluation. */
export const time: Family = {
  "time.now_ns": (_args, { nowNs }) => numberOf(nowNs),
  "time.parse_ns": ([layout, value]) => nanoseconds(parse(layoutOf(stringOf(layout)), stringOf(value))),
  "time.parse_rfc3339_ns": ([value]) => nanoseconds(parse(layoutOf("RFC3339"), stringOf(value))),
  "time.parse_duration_ns": ([value]) => int64(parseDuration(stringOf(value)), "invalid duration"),
  "time.format"([value]) {
    const at = timestampOf(value);
    return format(at, layoutOf(at.layout === "" ? "RFC3339Nano" : at.layout));
  },
  "time.date"([value]) {
    const { year, month, day } = civil(value);
    return [year, month, day].map(numberOf);
  },
  "time.clock"([value]) {
    const { hour, minute, second } = civil(value);
    return [hour, minute, second].map(numberOf);
  },
  "time.weekday": ([value]) => weekdays[weekdayOf(civil(value))],
  "time.add_date": ([value, years, months, days]) => addDate(timestampOf(value), intOf(years), intOf(months), intOf(days)),
  "time.diff": ([first, second]) => diff(timestampOf(first), timestampOf(second)).map(numberOf),
};
