import { parseAddress, shortest } from "../../go/net/ip.ts";
import type { GoUrl } from "../../go/net/url.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import type { Certificate } from "./certificate.ts";
import type { Range, Subtrees } from "./constraints.ts";
import { isDomain, type Mailbox, parseMailbox } from "./general-names.ts";

/** The names of a certificate, taken apart for constraints. */
interface Names {
  readonly dns: readonly string[];
  readonly hosts: readonly string[];
  readonly emails: readonly Mailbox[];
  readonly ips: readonly Buffer[];
}

/** Whether a name falls under one side of the constraints on its kind; undefined when there are none. */
type Match<T> = ((name: T) => boolean) | undefined;

interface Side {
  readonly dns: Match<string>;
  readonly hosts: Match<string>;
  readonly emails: Match<Mailbox>;
  readonly ips: Match<Buffer>;
}

const alternativeNames = "2.5.29.17";
/** What it costs to sort names or to look them up. */
const unitsPerByte = 10;

/** The extension with a certificate's alternative names. */
export function alternativeNamesOf({ extensions }: Pick<Certificate, "extensions">): Buffer | undefined {
  return extensions.find(({ id }) => id.join(".") === alternativeNames)?.value;
}

/** Whether no certificate of a chain, which begins with the leaf, has a name that one above it does not allow. */
export function areNamesAllowed(chain: readonly Certificate[], context: BuiltinContext): boolean {
  const limits = chain.flatMap(({ known, raw }, index) => {
    if (known.constraints === undefined) return [];
    context.spend(raw.length * unitsPerByte);
    return [{ index, permitted: sideOf(known.constraints.permitted, true), excluded: sideOf(known.constraints.excluded, false) }];
  });
  return chain.every((certificate, index) => {
    const above = limits.filter((limit) => limit.index > index);
    if (above.length === 0 || alternativeNamesOf(certificate) === undefined) return true;
    context.spend(certificate.raw.length * above.length * unitsPerByte);
    const names = namesOf(certificate);
    return names !== undefined && above.every(({ permitted, excluded }) => isAllowed(names, permitted, excluded));
  });
}

/** Undefined when one of them cannot be held against constraints. */
function namesOf({ known }: Certificate): Names | undefined {
  const { dns = [], uris = [], emails = [], ips = [] } = known.names ?? {};
  const hosts = uris.map(hostOf);
  const mailboxes = emails.map(parseMailbox);
  if (![...dns, ...hosts].every((name) => name !== undefined && isDomain(name, false))) return undefined;
  if (mailboxes.includes(undefined)) return undefined;
  return {
    dns,
    hosts: hosts.filter((host) => host !== undefined),
    emails: mailboxes.filter((mailbox) => mailbox !== undefined),
    ips,
  };
}

/** The host without its port; undefined when there is none, and for an IP address. */
function hostOf({ host }: GoUrl): string | undefined {
  const name = host.includes(":") && !host.endsWith("]") ? withoutPort(host) : host;
  if (host === "" || name === undefined || name.startsWith("[") || parseAddress(name) !== undefined) return undefined;
  return name;
}

function withoutPort(host: string): string | undefined {
  return /^[^:[\]]*:[^:[\]]*$/.test(host) ? host.slice(0, host.indexOf(":")) : undefined;
}

function isAllowed(names: Names, permitted: Side, excluded: Side): boolean {
  return (
    allows(names.dns, permitted.dns, excluded.dns) &&
    allows(names.hosts, permitted.hosts, excluded.hosts) &&
    allows(names.emails, permitted.emails, excluded.emails) &&
    allows(names.ips, permitted.ips, excluded.ips)
  );
}

function allows<T>(names: readonly T[], permitted: Match<T>, excluded: Match<T>): boolean {
  return names.every((name) => (permitted?.(name) ?? true) && !(excluded?.(name) ?? false));
}

function sideOf({ dns, uris, emails, ips }: Subtrees, permitted: boolean): Side {
  return {
    dns: domainMatch(dns, permitted),
    hosts: domainMatch(uris, permitted),
    emails: mailboxMatch(emails, permitted),
    ips: rangeMatch(ips),
  };
}

/** Reversed labels, so that what belongs to a domain begins with it; the dot comes before any other character. */
function reversed(domain: string): string {
  return [...domain.toLowerCase()].reverse().join("").replaceAll(".", "\0");
}

function domainMatch(domains: readonly string[], permitted: boolean): Match<string> {
  if (domains.length === 0) return undefined;
  if (domains.includes("")) return () => true;
  const sorted = pruned(domains.map(reversed).sort(compareTexts), isInside);
  // A wildcard might stand for an excluded name next to it.
  const parents = new Set(sorted.map((domain) => domain.slice(0, domain.lastIndexOf("\0") + 1)).filter((parent) => parent !== ""));
  return (name) => {
    const text = reversed(name);
    if (find(sorted, text, compareTexts, isInside)) return true;
    return !permitted && name.startsWith("*") && parents.has(text.slice(0, text.lastIndexOf("\0") + 1));
  };
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Whether a reversed name is a domain or below it; a domain with a dot in front has only what is below. */
function isInside(domain: string, name: string): boolean {
  if (!name.startsWith(domain)) return false;
  return domain.endsWith("\0") || name.length === domain.length || name[domain.length] === "\0";
}

/** Drops from sorted items those that lie inside of the one kept before them. */
function pruned<T>(sorted: readonly T[], inside: (outer: T, inner: T) => boolean): readonly T[] {
  const kept: T[] = [];
  for (const item of sorted) {
    const last = kept.at(-1);
    if (last === undefined || !inside(last, item)) kept.push(item);
  }
  return kept;
}

/** Looks at the item that equals the name, or else at the last one before it, or at the first one. */
function find<T, N>(sorted: readonly T[], name: N, compare: (item: T, name: N) => number, inside: (item: T, name: N) => boolean): boolean {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(sorted[middle] as T, name) < 0) low = middle + 1;
    else high = middle;
  }
  const at = sorted[low];
  if (at !== undefined && compare(at, name) === 0) return true;
  const near = sorted[Math.max(low - 1, 0)];
  return near !== undefined && inside(near, name);
}

function mailboxMatch(constraints: readonly string[], permitted: boolean): Match<Mailbox> {
  if (constraints.length === 0) return undefined;
  const whole = new Set(constraints.filter((text) => text.includes("@")).map((text) => keyOf(parseMailbox(text))));
  const domains = domainMatch(
    constraints.filter((text) => !text.includes("@")),
    permitted,
  );
  return (mailbox) => whole.has(keyOf(mailbox)) || (domains?.(mailbox.domain.toLowerCase()) ?? false);
}

function keyOf(mailbox: Mailbox | undefined): string {
  if (mailbox === undefined) throw new BuiltinError("a name constraint is not an email address");
  return JSON.stringify([mailbox.local, mailbox.domain.toLowerCase()]);
}

function rangeMatch(ranges: readonly Range[]): Match<Buffer> {
  if (ranges.length === 0) return undefined;
  const [short, long] = [4, 16].map((size) =>
    pruned(
      ranges.filter(({ ip }) => ip.length === size).sort((a, b) => Buffer.compare(a.ip, b.ip) || Buffer.compare(a.mask, b.mask)),
      (outer, { ip, mask }) =>
        contains(outer, ip) && contains(outer, Buffer.from(ip.map((byte, index) => byte | (~(mask[index] ?? 0) & 0xff)))),
    ),
  );
  return (ip) => find((ip.length === 4 ? short : long) ?? [], ip, (range, name) => Buffer.compare(range.ip, name), contains);
}

/** Go's `IPNet.Contains`: an IPv4 address inside IPv6 counts as IPv4. */
function contains({ ip, mask }: Range, address: Buffer): boolean {
  const [network, wanted] = [shortest(ip), shortest(address)];
  const bits = mask.subarray(mask.length - network.length);
  return network.length === wanted.length && network.every((byte, index) => ((byte ^ (wanted[index] ?? 0)) & (bits[index] ?? 0)) === 0);
}
