import type { BuiltinContext } from "../builtin.ts";
import type { Certificate } from "./certificate.ts";
import { isForHost } from "./hostname.ts";
import { alternativeNamesOf, areNamesAllowed } from "./name-check.ts";
import { arePoliciesValid } from "./policies.ts";
import { isSignedBy } from "./signature.ts";

/** What a chain is held against. */
export interface VerifyOptions {
  /** Nanoseconds since the epoch. */
  readonly now: bigint;
  /** Not looked at when empty. */
  readonly host: string;
  /** Go's numbers of extended key usages, of which one must be allowed; server authentication when empty. */
  readonly purposes: readonly number[];
}

type Chain = readonly Certificate[];

/** Certificates by their subject, each once. */
type Pool = ReadonlyMap<string, readonly Certificate[]>;

/** Signatures that are looked at for one chain, as in Go; it bounds the search and the length of chains. */
const checksMax = 100;
const anyPurpose = 0;
const serverAuthentication = 1;
const mayIssue = 1 << 5;

interface Search {
  readonly roots: Pool;
  readonly intermediates: Pool;
  readonly now: bigint;
  readonly context: BuiltinContext;
  readonly found: Chain[];
  checks: number;
}

/**
 * The first chain from the leaf to the root that Go's `Certificate.Verify` accepts; undefined when there is none. A chain is refused for
 * anything in it that is not understood and critical. Throws a BuiltinError for what cannot be checked here.
 */
export function verifiedChain(
  root: Certificate,
  intermediates: Chain,
  leaf: Certificate,
  options: VerifyOptions,
  context: BuiltinContext,
): Chain | undefined {
  context.spend(leaf.raw.length);
  if (!isValid(leaf, [], options.now)) return undefined;
  if (options.host !== "" && !isForHost(leaf, options.host)) return undefined;
  const search: Search = { roots: poolOf([root]), intermediates: poolOf(intermediates), now: options.now, context, found: [], checks: 0 };
  if (root.raw.equals(leaf.raw)) search.found.push([leaf]);
  else extend(search, [leaf]);
  return search.found.find(
    (chain) => arePoliciesValid(chain, context) && isForPurpose(chain, options.purposes) && areNamesAllowed(chain, context),
  );
}

function poolOf(certificates: Chain): Pool {
  const distinct = new Map(certificates.map((certificate) => [certificate.raw.toString("latin1"), certificate]));
  const pool = new Map<string, Certificate[]>();
  for (const certificate of distinct.values()) {
    const subject = certificate.rawSubject.toString("latin1");
    const list = pool.get(subject);
    if (list === undefined) pool.set(subject, [certificate]);
    else list.push(certificate);
  }
  return pool;
}

/** Looks for issuers of a chain's last certificate, depth first; false when the limit was reached. */
function extend(search: Search, chain: Chain): boolean {
  return tryEach(search, chain, search.roots, true) && tryEach(search, chain, search.intermediates, false);
}

function tryEach(search: Search, chain: Chain, pool: Pool, isRoot: boolean): boolean {
  for (const parent of issuersOf(pool, chain, search.context)) {
    search.checks++;
    if (search.checks > checksMax) return false;
    if (!isIssuer(search, chain, parent, isRoot)) continue;
    if (isRoot) search.found.push([...chain, parent]);
    else if (!extend(search, [...chain, parent])) return false;
  }
  return true;
}

const noBytes = Buffer.alloc(0);

/** Certificates with the right subject: first those with the right key identifier, last those with another. */
function issuersOf(pool: Pool, chain: Chain, context: BuiltinContext): readonly Certificate[] {
  const child = chain.at(-1);
  const candidates = (child === undefined ? undefined : pool.get(child.rawIssuer.toString("latin1"))) ?? [];
  context.spend(candidates.length * 10);
  const wanted = child?.known.authorityKeyId ?? noBytes;
  const rank = ({ known }: Certificate) => {
    const own = known.subjectKeyId ?? noBytes;
    if (own.equals(wanted)) return 0;
    return own.length === 0 || wanted.length === 0 ? 1 : 2;
  };
  return [0, 1, 2].flatMap((wantedRank) => candidates.filter((candidate) => rank(candidate) === wantedRank));
}

function isIssuer({ now, context }: Search, chain: Chain, parent: Certificate, isRoot: boolean): boolean {
  const child = chain.at(-1);
  if (child === undefined || parent.publicKey === undefined) return false;
  context.spend(chain.length * (10 + parent.raw.length / 16));
  if (isInChain(parent, chain)) return false;
  const { basic, keyUsage = 0 } = parent.known;
  if (basic === undefined ? parent.version === 3n || !isRoot : !basic.isCa) return false;
  if (keyUsage !== 0 && (keyUsage & mayIssue) === 0) return false;
  return isSignedBy(child.scheme, child.rawBody, child.signature, parent.publicKey, context) && isValid(parent, chain, now);
}

/** Whether a chain has the same holder already: its name, its key and its alternative names. */
function isInChain(candidate: Certificate, chain: Chain): boolean {
  const names = alternativeNamesOf(candidate);
  for (const { rawSubject, rawKeyInfo, ...certificate } of chain) {
    if (!rawSubject.equals(candidate.rawSubject) || !rawKeyInfo.equals(candidate.rawKeyInfo)) continue;
    const own = alternativeNamesOf(certificate);
    // Go looks no further when only one of both has alternative names.
    if (names === undefined || own === undefined) return names === own;
    if (names.equals(own)) return true;
  }
  return false;
}

/** Whether a certificate may follow on a chain, which is empty before the leaf. */
function isValid({ known, notBefore, notAfter }: Certificate, chain: Chain, now: bigint): boolean {
  if (known.unhandled.length > 0 || now < notBefore.ns || now > notAfter.ns) return false;
  return known.basic === undefined || known.basic.pathMax < 0n || BigInt(chain.length - 1) <= known.basic.pathMax;
}

/** Whether one of the purposes is allowed by every certificate that names any. */
function isForPurpose(chain: Chain, purposes: readonly number[]): boolean {
  const wanted = new Set(purposes.length === 0 ? [serverAuthentication] : purposes);
  if (wanted.has(anyPurpose)) return true;
  const limits = chain.flatMap(({ known: { keyPurposes = [], unknownPurposes = [] } }) =>
    keyPurposes.length + unknownPurposes.length === 0 || keyPurposes.includes(anyPurpose) ? [] : [new Set(keyPurposes)],
  );
  return [...wanted].some((purpose) => limits.every((limit) => limit.has(purpose)));
}
