import {
  bitAt,
  bitStringOf,
  booleanOf,
  constructedTag,
  contextTag,
  type Der,
  derOf,
  enter,
  intOf,
  isNext,
  malformed,
  oidOf,
  tags,
  take,
  takeEach,
  takeOptional,
} from "../../go/asn1/der.ts";
import { BuiltinError } from "../builtin.ts";
import { type Constraints, parseConstraints } from "./constraints.ts";
import { type AlternativeNames, parseAlternativeNames } from "./general-names.ts";

/** An extension as it was written (RFC 5280, 4.1). */
export interface Extension {
  readonly id: readonly number[];
  readonly critical: boolean;
  readonly value: Buffer;
}

/** What the extensions that Go knows say; a list that is missing is null in Go. Object identifiers of policies are DER content. */
export interface Known {
  keyUsage?: number;
  basic?: { readonly isCa: boolean; readonly pathMax: bigint };
  names?: AlternativeNames;
  constraints?: Constraints;
  crlPoints?: readonly Buffer[];
  authorityKeyId?: Buffer;
  subjectKeyId?: Buffer;
  explicitPolicy?: bigint;
  inhibitMapping?: bigint;
  inhibitAny?: bigint;
  keyPurposes?: readonly number[];
  unknownPurposes?: readonly (readonly number[])[];
  policies?: readonly Buffer[];
  policyMappings?: readonly (readonly [Buffer, Buffer])[];
  ocspServers?: readonly Buffer[];
  issuerUrls?: readonly Buffer[];
  /** Critical extensions that were not understood. */
  readonly unhandled: (readonly number[])[];
}

/** Reads what Go reads; throws a {@link BuiltinError} for an extension that it knows and that is malformed. */
export function knownOf(extensions: readonly Extension[]): Known {
  const known: Known = { unhandled: [] };
  for (const extension of extensions) {
    const id = extension.id.join(".");
    const read = readers.get(id);
    read?.(known, derOf(extension.value), extension.critical);
    const understood = read !== undefined && (completeness.get(id)?.(known) ?? true);
    if (extension.critical && !understood) known.unhandled.push(extension.id);
  }
  return known;
}

/** Puts into `known` what an extension says. */
type Read = (known: Known, der: Der, critical: boolean) => void;

/** RFC 5280, 4.2.1 and 4.2.2. */
const readers: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["2.5.29.14", readSubjectKeyId],
  ["2.5.29.15", readKeyUsage],
  ["2.5.29.17", readAlternativeNames],
  ["2.5.29.19", readBasicConstraints],
  ["2.5.29.30", readConstraints],
  ["2.5.29.31", readCrlPoints],
  ["2.5.29.32", readPolicies],
  ["2.5.29.33", readPolicyMappings],
  ["2.5.29.35", readAuthorityKeyId],
  ["2.5.29.36", readPolicyConstraints],
  ["2.5.29.37", readKeyPurposes],
  ["2.5.29.54", readInhibitAny],
  ["1.3.6.1.5.5.7.1.1", readInformationAccess],
]);

/** Extensions of which a part may not be understood. */
const completeness: ReadonlyMap<string, (known: Known) => boolean> = new Map([
  ["2.5.29.17", ({ names }: Known) => Object.values(names ?? {}).some((list: readonly unknown[]) => list.length > 0)],
  ["2.5.29.30", ({ constraints }: Known) => constraints?.complete === true],
]);

function notCritical(critical: boolean, what: string): void {
  if (critical) throw new BuiltinError(`${what} must not be critical`);
}

function readSubjectKeyId(known: Known, der: Der, critical: boolean): void {
  notCritical(critical, "a subject key identifier");
  known.subjectKeyId = take(der, tags.octetString, "subject key identifier");
}

function readAuthorityKeyId(known: Known, der: Der, critical: boolean): void {
  notCritical(critical, "an authority key identifier");
  const id = takeOptional(enter(der, tags.sequence, "authority key identifier"), contextTag(0), "authority key identifier");
  if (id !== undefined) known.authorityKeyId = id;
}

function readKeyUsage(known: Known, der: Der): void {
  const usage = bitStringOf(take(der, tags.bitString, "key usage"));
  known.keyUsage = [0, 1, 2, 3, 4, 5, 6, 7, 8].reduce((sum, index) => (bitAt(usage, index) ? sum | (1 << index) : sum), 0);
}

function readAlternativeNames(known: Known, der: Der): void {
  known.names = parseAlternativeNames(der);
}

function readBasicConstraints(known: Known, der: Der): void {
  const inner = enter(der, tags.sequence, "basic constraints");
  const isCa = isNext(inner, tags.boolean) && booleanOf(take(inner, tags.boolean, "basic constraints"));
  const pathMax = isNext(inner, tags.integer) ? intOf(take(inner, tags.integer, "basic constraints")) : undefined;
  if (pathMax !== undefined && pathMax < 0n) throw malformed("negative length of a path");
  known.basic = { isCa, pathMax: pathMax ?? -1n };
}

function readConstraints(known: Known, der: Der, critical: boolean): void {
  known.constraints = parseConstraints(der, critical);
}

function readCrlPoints(known: Known, der: Der): void {
  const [name, full] = [constructedTag(0), contextTag(6)];
  known.crlPoints = takeEach(enter(der, tags.sequence, "CRL distribution points"), (points) => {
    const content = takeOptional(enter(points, tags.sequence, "CRL distribution point"), name, "CRL distribution point");
    if (content === undefined) return [];
    const names = enter(derOf(content), name, "CRL distribution point");
    const urls: Buffer[] = [];
    while (isNext(names, full)) urls.push(take(names, full, "CRL distribution point"));
    return urls;
  }).flat();
}

function readPolicies(known: Known, der: Der): void {
  const seen = new Set<string>();
  known.policies = takeEach(enter(der, tags.sequence, "certificate policies"), (list) => {
    const oid = take(enter(list, tags.sequence, "certificate policy"), tags.oid, "certificate policy");
    const key = oid.toString("latin1");
    if (seen.has(key) || !isShortest(oid)) throw malformed("certificate policy");
    seen.add(key);
    return oid;
  });
}

/** Whether every number of an object identifier is complete and in its shortest form, whatever its size. */
function isShortest(oid: Buffer): boolean {
  if ((oid.at(-1) ?? 0x80) >= 0x80) return false;
  return oid.every((byte, index) => byte !== 0x80 || (index > 0 && (oid[index - 1] ?? 0) >= 0x80));
}

function readPolicyMappings(known: Known, der: Der): void {
  known.policyMappings = takeEach(enter(der, tags.sequence, "policy mappings"), (list) => {
    const pair = enter(list, tags.sequence, "policy mapping");
    return [take(pair, tags.oid, "policy mapping"), take(pair, tags.oid, "policy mapping")] as const;
  });
}

function readPolicyConstraints(known: Known, der: Der): void {
  const inner = enter(der, tags.sequence, "policy constraints");
  const [explicit, mapping] = [0, 1].map((number) => {
    const content = takeOptional(inner, contextTag(number), "policy constraints");
    return content === undefined ? undefined : intOf(content);
  });
  if (explicit !== undefined) known.explicitPolicy = explicit;
  if (mapping !== undefined) known.inhibitMapping = mapping;
}

function readInhibitAny(known: Known, der: Der): void {
  known.inhibitAny = intOf(take(der, tags.integer, "inhibit any policy"));
}

/** In the order of Go's `ExtKeyUsage`. */
const purposes: readonly string[] = [
  "2.5.29.37.0",
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((number) => `1.3.6.1.5.5.7.3.${number}`),
  "1.3.6.1.4.1.311.10.3.3",
  "2.16.840.1.113730.4.1",
  "1.3.6.1.4.1.311.2.1.22",
  "1.3.6.1.4.1.311.61.1.1",
];

function readKeyPurposes(known: Known, der: Der): void {
  const oids = takeEach(enter(der, tags.sequence, "extended key usages"), (list) => oidOf(take(list, tags.oid, "extended key usage")));
  const numbers = oids.map((oid) => purposes.indexOf(oid.join(".")));
  known.keyPurposes = numbers.filter((number) => number >= 0);
  known.unknownPurposes = oids.filter((_, index) => numbers[index] === -1);
}

function readInformationAccess(known: Known, der: Der, critical: boolean): void {
  notCritical(critical, "authority information access");
  const urls = takeEach(enter(der, tags.sequence, "authority information access"), (list) => {
    const description = enter(list, tags.sequence, "access description");
    const method = oidOf(take(description, tags.oid, "access method")).join(".");
    return { method, url: takeOptional(description, contextTag(6), "access location") };
  });
  const of = (wanted: string) => urls.flatMap(({ method, url }) => (method === wanted && url !== undefined ? [url] : []));
  known.ocspServers = of("1.3.6.1.5.5.7.48.1");
  known.issuerUrls = of("1.3.6.1.5.5.7.48.2");
}
