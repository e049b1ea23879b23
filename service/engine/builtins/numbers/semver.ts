import { BuiltinError } from "../builtin.ts";

/** Major, minor and patch, and the identifiers of a pre-release. */
interface Version {
  readonly numbers: readonly bigint[];
  readonly preRelease: readonly string[];
}

const core = /^(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})$/;
const identifiers = /^[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*$/;
const int64Max = 2n ** 63n - 1n;

/** A version of SemVer 2.0.0, which may begin with `v`, its numbers in 64 bits; undefined when it is not one. */
export function parseVersion(text: string): Version | undefined {
  const [release, metadata] = cut(text.replace(/^v/, ""), "+");
  const [base, preRelease] = cut(release, "-");
  const [matched, ...numbers] = (core.exec(base) ?? []).map((part, index) => (index === 0 ? 0n : BigInt(part)));
  if (matched === undefined || numbers.some((number) => number > int64Max)) return undefined;
  if (metadata !== undefined && !identifiers.test(metadata)) return undefined;
  if (preRelease === undefined) return { numbers, preRelease: [] };
  const parts = identifiers.test(preRelease) ? preRelease.split(".") : [];
  return parts.length === 0 || parts.some((part) => /^0\d+$/.test(part)) ? undefined : { numbers, preRelease: parts };
}

function cut(text: string, at: string): readonly [string, string | undefined] {
  const index = text.indexOf(at);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

function versionOf(text: string): Version {
  const version = parseVersion(text);
  if (version === undefined) throw new BuiltinError(`\`${text.slice(0, 64)}\` is not a version`);
  return version;
}

/** -1, 0 or 1 (SemVer 2.0.0, section 11); throws for what is no version. */
export function compareVersions(first: string, second: string): number {
  const [a, b] = [versionOf(first), versionOf(second)];
  for (const [index, number] of a.numbers.entries()) {
    const order = sign(number, b.numbers[index] ?? 0n);
    if (order !== 0) return order;
  }
  return comparePreReleases(a.preRelease, b.preRelease);
}

function sign<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : Number(a > b);
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Math.sign(b.length - a.length);
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const order = compareIdentifiers(a[index] ?? "", b[index] ?? "");
    if (order !== 0) return order;
  }
  // OPA compares on for ever then.
  if (a.length === b.length && a.some((part, index) => part !== b[index]))
    throw new BuiltinError("a number in a pre-release has more than 64 bits");
  return Math.sign(a.length - b.length);
}

function compareIdentifiers(a: string, b: string): number {
  const [x, y] = [numberIn(a), numberIn(b)];
  if (x !== undefined && y !== undefined) return sign(x, y);
  if (x !== undefined || y !== undefined) return x === undefined ? 1 : -1;
  return sign(a, b);
}

/** Like OPA, all numbers above 64 bits are the same. */
function numberIn(identifier: string): bigint | undefined {
  if (!/^\d+$/.test(identifier)) return undefined;
  const number = identifier.length > 19 ? int64Max : BigInt(identifier);
  return number > int64Max ? int64Max : number;
}
