import { z } from "zod";

const text = (max: number) => z.string().max(max);

/** Why: one rule that fired. Every deny has at least one (DESIGN section 1). */
export const Reason = z.strictObject({
  code: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
  message: text(2000),
  remedy: text(2000),
  rule: text(256),
  controls: z.array(text(64)).max(32),
});
export type Reason = z.infer<typeof Reason>;

/** Something the PEP must do for the allow to hold (AuthZEN obligations shape). */
export const Obligation = z.strictObject({ id: text(128), type: text(128), properties: z.record(z.string(), z.unknown()) });
export type Obligation = z.infer<typeof Obligation>;

const counterName = /^[A-Za-z0-9_.:-]{1,64}$/;

/** `data.remit.decision`, exactly; anything else is a deny (DESIGN section 4). */
export const PolicyDecision = z.strictObject({
  allow: z.boolean(),
  reasons: z.array(Reason).max(64),
  obligations: z.array(Obligation).max(32),
  effects: z.strictObject({
    labels_add: z.array(text(64)).max(32),
    counters: z.record(z.string().regex(counterName), z.strictObject({ add: z.number().min(0).max(1e12), max: z.number().nullable() })),
  }),
  required_scopes: z.array(text(256)).max(32),
  acr_values: z.array(text(256)).max(32),
  access_request: z.strictObject({ codes: z.array(z.string()).min(1).max(32), expires_in_s: z.number().min(1).max(604_800) }).optional(),
  ttl_s: z.number().min(0).max(3600),
  nonce: z.string(),
});
export type PolicyDecision = z.infer<typeof PolicyDecision>;

/** What an allow does to the session: sticky labels, and steps of counters that must stay within `max`. */
export type Effects = PolicyDecision["effects"];

/** What was decided: an allow, or a deny that cannot exist without a reason. */
export type Decision = AllowDecision | DenyDecision;

interface DecisionBase {
  readonly obligations: readonly Obligation[];
  readonly requiredScopes: readonly string[];
  readonly acrValues: readonly string[];
  readonly ttlS: number;
}
export interface AllowDecision extends DecisionBase {
  readonly allow: true;
  readonly effects: Effects;
  readonly reasons: readonly Reason[];
}
export interface DenyDecision extends DecisionBase {
  readonly allow: false;
  readonly reasons: readonly [Reason, ...Reason[]];
  /** What the policy says when an approval would be enough (`ask`). */
  readonly accessRequest: PolicyDecision["access_request"] | null;
  /** What it takes to ask for that approval. */
  readonly offer: ApprovalOffer | null;
}

/** How to ask for an approval of exactly this call (AuthZEN ARAP, requestable denial). */
export interface ApprovalOffer {
  readonly expires_at: string;
  /** Digest of tool and arguments. */
  readonly binding: string;
  readonly binding_token: string;
  readonly codes: readonly string[];
}

/** Result of reading what the policy returned; `problem` says what is wrong with it. */
export type ReadDecision = { readonly ok: true; readonly decision: Decision } | { readonly ok: false; readonly problem: string };

/** Reads the policy's result strictly. A missing nonce echo means the evaluation may not have seen this input. */
export function readDecision(raw: unknown, nonce: string): ReadDecision {
  const parsed = PolicyDecision.safeParse(raw);
  if (!parsed.success) return { ok: false, problem: z.prettifyError(parsed.error) };
  if (parsed.data.nonce !== nonce) return { ok: false, problem: "the decision does not echo `input.nonce`" };
  return fromPolicy(parsed.data);
}

function fromPolicy(policy: PolicyDecision): ReadDecision {
  const base = {
    obligations: policy.obligations,
    requiredScopes: policy.required_scopes,
    acrValues: policy.acr_values,
    ttlS: policy.ttl_s,
  };
  if (policy.allow) return { ok: true, decision: { allow: true, reasons: policy.reasons, effects: policy.effects, ...base } };
  const [first, ...rest] = policy.reasons;
  if (first === undefined) return { ok: false, problem: "a deny without a reason" };
  return {
    ok: true,
    decision: { allow: false, reasons: [first, ...rest], accessRequest: policy.access_request ?? null, offer: null, ...base },
  };
}
