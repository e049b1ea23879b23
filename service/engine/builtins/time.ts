import { type Argument, type Builtin, BuiltinError, RawJson } from "./builtin.ts";

const nsPerMs = 1_000_000n;
const nsPerS = 1_000_000_000n;

/** OPA's range: what 64 bits of nanoseconds hold. */
function inRange(ns: bigint): RawJson {
  if (ns < -(2n ** 63n) || ns >= 2n ** 63n) throw new BuiltinError("time outside of valid range");
  return new RawJson(String(ns));
}

function text(argument: Argument | undefined): string {
  if (typeof argument?.value !== "string") throw new BuiltinError("operand must be a string");
  return argument.value;
}

const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** RFC 3339 as Go reads it: every field in its range, any number of decimals, nanoseconds kept. */
function parseRfc3339(value: string): bigint {
  const match = rfc3339.exec(value);
  if (match === null) throw new BuiltinError(`cannot parse \`${value.slice(0, 64)}\` as RFC 3339`);
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = match;
  const seconds = secondsOf([year, month, day, hour, minute, second].map(Number), value);
  const nanos = BigInt(fraction.padEnd(9, "0").slice(0, 9));
  return BigInt(seconds - offsetOf(zone)) * nsPerS + nanos;
}

function secondsOf([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: readonly number[], value: string): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // A field out of range rolls over into the next one, and then the date reads differently.
  const same =
    date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour && date.getUTCMinutes() === minute;
  if (!same || date.getUTCSeconds() !== second) throw new BuiltinError(`a field of \`${value.slice(0, 64)}\` is out of range`);
  return date.getTime() / 1000;
}

function offsetOf(zone: string): number {
  if (zone === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(4, 6));
  if (hours > 24 || minutes > 60) throw new BuiltinError("time zone offset out of range");
  return (zone.startsWith("-") ? -1 : 1) * (hours * 3600 + minutes * 60);
}

const unitNs: ReadonlyMap<string, bigint> = new Map([
  ["ns", 1n],
  ["us", 1000n],
  ["µs", 1000n],
  ["μs", 1000n],
  ["ms", nsPerMs],
  ["s", nsPerS],
  ["m", 60n * nsPerS],
  ["h", 3600n * nsPerS],
]);

/** Go's `time.ParseDuration`. */
function parseDuration(value: string): bigint {
  const match = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(value);
  if (match === null && !/^[+-]?0$/.test(value)) throw new BuiltinError(`cannot parse \`${value.slice(0, 64)}\` as a duration`);
  let sum = 0n;
  for (const [, whole = "", fraction = "", unit = ""] of value.matchAll(/(\d*)\.?(\d*)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = unitNs.get(unit) ?? 0n;
    sum += BigInt(whole || "0") * scale + (BigInt(fraction || "0") * scale) / 10n ** BigInt(fraction.length);
  }
  return value.startsWith("-") ? -sum : sum;
}

interface Instant {
  readonly ns: bigint;
  readonly zone: string;
}

/** `ns` or `[ns, zone]`; the number is read from its text so that no digit is lost. */
function instant(argument: Argument | undefined): Instant {
  const match = /^(?:(-?\d+)|\[\s*(-?\d+)\s*,\s*("(?:[^"\\]|\\.)*")\s*(?:,[^\]]*)?\])$/.exec(argument?.text.trim() ?? "");
  if (match === null) throw new BuiltinError("operand must be nanoseconds or [nanoseconds, zone]");
  const ns = BigInt(match[1] ?? match[2] ?? "0");
  inRange(ns);
  return { ns, zone: match[3] === undefined ? "UTC" : zoneName(JSON.parse(match[3]) as string) };
}

function zoneName(name: string): string {
  if (name === "" || name === "UTC") return "UTC";
  if (name === "Local") return Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** One format per IANA zone, a bounded number of them. */
function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = makeFormat(zone);
  if (formats.size < 600) formats.set(zone, made);
  return made;
}

function makeFormat(timeZone: string): Intl.DateTimeFormat {
  const numeric = "numeric" as const;
  try {
    return new Intl.DateTimeFormat("en-US", {
      timeZone,
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
      weekday: "long",
      hourCycle: "h23",
    });
  } catch {
    throw new BuiltinError(`unknown time zone \`${timeZone.slice(0, 64)}\``);
  }
}

function partsOf({ ns, zone }: Instant): ReadonlyMap<string, string> {
  const ms = Number(ns / nsPerMs) - (ns < 0n && ns % nsPerMs !== 0n ? 1 : 0);
  return new Map(
    formatOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  );
}

const numbers = (parts: ReadonlyMap<string, string>, names: readonly string[]) => names.map((name) => Number(parts.get(name)));

/** `time.*`: exact nanoseconds, one `now` for the whole evaluation. */
export const time: Readonly<Record<string, Builtin>> = {
  "time.now_ns": (_args, { nowMs }) => new RawJson(String(BigInt(Math.trunc(nowMs)) * nsPerMs)),
  "time.parse_rfc3339_ns": ([value]) => inRange(parseRfc3339(text(value))),
  "time.parse_duration_ns": ([value]) => inRange(parseDuration(text(value))),
  "time.date": ([value]) => numbers(partsOf(instant(value)), ["year", "month", "day"]),
  "time.clock": ([value]) => numbers(partsOf(instant(value)), ["hour", "minute", "second"]),
  "time.weekday": ([value]) => partsOf(instant(value)).get("weekday"),
};
