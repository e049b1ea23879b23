import type { BuiltinContext } from "../builtin.ts";
import type { Certificate } from "./certificate.ts";

/** Policies that are valid so far, and the policies that a certificate below may name for each. */
type Policies = ReadonlyMap<string, readonly string[]>;

/** Object identifiers as the text of their DER. */
const anyPolicy = Buffer.from("551d2000", "hex").toString("latin1");
const keyOf = (oid: Buffer) => oid.toString("latin1");

/** How many certificates may still follow before a rule holds. */
interface Counters {
  explicit: number;
  mapping: number;
  any: number;
}

/**
 * Policy validation (RFC 5280, 6.1, as RFC 9618 changes it) of a chain that begins with the leaf, for a caller who takes any policy:
 * then it is enough to know the policies at the lowest level of RFC 9618's graph.
 */
export function arePoliciesValid(chain: readonly Certificate[], context: BuiltinContext): boolean {
  const length = chain.length - 1;
  const counters: Counters = { explicit: length + 1, mapping: length + 1, any: length + 1 };
  let valid: Policies | undefined = new Map([[anyPolicy, [anyPolicy]]]);
  for (let at = length - 1; at >= 0; at--) {
    const certificate = chain[at];
    if (certificate === undefined) return false;
    context.spend(certificate.raw.length);
    valid = below(valid, certificate, counters, at > 0);
    if (counters.explicit === 0 && valid === undefined) return false;
    if (at === 0) break;
    const mapped = mappedBy(valid, certificate, counters);
    if (mapped === "invalid") return false;
    valid = mapped;
    count(certificate, counters);
  }
  const required = length > 0 && (counters.explicit <= 1 || chain[0]?.known.explicitPolicy === 0n);
  return !required || (valid !== undefined && valid.size > 0);
}

function isSelfIssued({ rawIssuer, rawSubject }: Certificate): boolean {
  return rawIssuer.equals(rawSubject);
}

/** 6.1.3 (d) to (e): what is valid after a certificate; undefined once one has no policies. */
function below(valid: Policies | undefined, certificate: Certificate, counters: Counters, hasMore: boolean): Policies | undefined {
  const own = (certificate.known.policies ?? []).map(keyOf);
  if (own.length === 0 || valid === undefined) return undefined;
  const expected = new Set([...valid.values()].flat());
  const named = own.filter((policy) => policy !== anyPolicy && (expected.has(policy) || valid.has(anyPolicy)));
  const allowsAny = own.includes(anyPolicy) && (counters.any > 0 || (hasMore && isSelfIssued(certificate)));
  return new Map([...named, ...(allowsAny ? expected : [])].map((policy) => [policy, [policy]]));
}

/** 6.1.4 (a) and (b). */
function mappedBy(valid: Policies | undefined, { known }: Certificate, counters: Counters): Policies | undefined | "invalid" {
  const mappings = (known.policyMappings ?? []).map(([issuer, subject]) => [keyOf(issuer), keyOf(subject)] as const);
  if (valid === undefined || mappings.length === 0) return valid;
  if (counters.mapping === 0) {
    const gone = new Set(mappings.map(([issuer]) => issuer));
    return new Map([...valid].filter(([policy]) => !gone.has(policy)));
  }
  if (mappings.flat().includes(anyPolicy)) return "invalid";
  const subjects = new Map<string, string[]>();
  for (const [issuer] of mappings) subjects.set(issuer, []);
  for (const [issuer, subject] of mappings) subjects.get(issuer)?.push(subject);
  const reachable = [...subjects].filter(([issuer]) => valid.has(issuer) || valid.has(anyPolicy));
  return new Map([...valid, ...reachable]);
}

/** 6.1.4 (h) to (j). */
function count(certificate: Certificate, counters: Counters): void {
  const { explicitPolicy, inhibitMapping, inhibitAny } = certificate.known;
  const step = isSelfIssued(certificate) ? 0 : 1;
  counters.explicit = lowered(counters.explicit - step, explicitPolicy);
  counters.mapping = lowered(counters.mapping - step, inhibitMapping);
  counters.any = lowered(counters.any - step, inhibitAny);
}

/** A limit counts if it is not negative. */
function lowered(counter: number, limit: bigint | undefined): number {
  const left = Math.max(counter, 0);
  return limit !== undefined && limit >= 0n && limit < BigInt(left) ? Number(limit) : left;
}
