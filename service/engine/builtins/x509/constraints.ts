import { constructedTag, type Der, derOf, enter, isDone, malformed, tags, takeAny, takeEach, takeOptional } from "../../go/asn1/der.ts";
import { parseIp } from "../../go/net/ip.ts";
import { isDomain, nameTags, parseMailbox } from "./general-names.ts";
import { ia5Text } from "./name.ts";

/** An address as it was written, and the mask of its range; 4 or 16 bytes each. */
export interface Range {
  readonly ip: Buffer;
  readonly mask: Buffer;
}

/** One side of the name constraints (RFC 5280, 4.2.1.10). */
export interface Subtrees {
  readonly dns: readonly string[];
  readonly ips: readonly Range[];
  readonly emails: readonly string[];
  readonly uris: readonly string[];
}

/** The name constraints of a certificate. */
export interface Constraints {
  readonly critical: boolean;
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
  /** Whether every constraint is of a kind that Go knows. */
  readonly complete: boolean;
}

/** NameConstraints; throws a BuiltinError. */
export function parseConstraints(der: Der, critical: boolean): Constraints {
  const inner = enter(der, tags.sequence, "name constraints");
  const permitted = takeOptional(inner, constructedTag(0), "name constraints") ?? Buffer.alloc(0);
  const excluded = takeOptional(inner, constructedTag(1), "name constraints") ?? Buffer.alloc(0);
  if (!isDone(der) || !isDone(inner) || permitted.length + excluded.length === 0) throw malformed("name constraints");
  const sides = [permitted, excluded].map((content) =>
    takeEach(derOf(content), (list) => takeAny(enter(list, tags.sequence, "name constraint"))),
  );
  const complete = sides.flat().every(({ tag }) => (Object.values(nameTags) as readonly number[]).includes(tag));
  const [first, second] = sides.map((elements) => {
    const of = (tag: number) => elements.flatMap((element) => (element.tag === tag ? [element.content] : []));
    return {
      dns: of(nameTags.dns).map(domainOf),
      ips: of(nameTags.ip).map(rangeOf),
      emails: of(nameTags.email).map(emailOf),
      uris: of(nameTags.uri).map(uriDomainOf),
    };
  });
  if (first === undefined || second === undefined) throw malformed("name constraints");
  return { critical, permitted: first, excluded: second, complete };
}

function domainOf(content: Buffer): string {
  const domain = ia5Text(content, "name constraint");
  if (!isDomain(domain, true)) throw malformed("domain of a name constraint");
  return domain;
}

/** A whole address, or a domain. */
function emailOf(content: Buffer): string {
  const text = ia5Text(content, "name constraint");
  if (!text.includes("@")) return domainOf(content);
  if (parseMailbox(text) === undefined) throw malformed("email address of a name constraint");
  return text;
}

function uriDomainOf(content: Buffer): string {
  const domain = domainOf(content);
  if (parseIp(domain) !== undefined) throw malformed("a URI's name constraint is an IP address");
  return domain;
}

function rangeOf(content: Buffer): Range {
  const half = content.length / 2;
  if (half !== 4 && half !== 16) throw malformed("IP range of a name constraint");
  const [ip, mask] = [content.subarray(0, half), content.subarray(half)];
  // Ones, then zeros.
  const bits = BigInt(`0b1${[...mask].map((byte) => byte.toString(2).padStart(8, "0")).join("")}`)
    .toString(2)
    .slice(1);
  if (!/^1*0*$/.test(bits)) throw malformed("mask of a name constraint");
  return { ip, mask };
}
