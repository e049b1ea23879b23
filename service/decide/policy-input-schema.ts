import { z } from "zod";

const strings = z.array(z.string());
const json = z.record(z.string(), z.unknown());
const actionClass = z.enum(["read", "query", "update", "admin"]);
const origin = z.enum(["task", "trusted", "untrusted", "unknown"]);

/** One destination, amount or query argument. */
const ValueInput = z.strictObject({
  role: z.enum(["destination", "amount", "query"]),
  origin,
  vouched: z
    .boolean()
    .describe("untrusted, but from a source that the task or trusted content named, and it spells another destination that they named"),
  granted: z.boolean().nullable().describe("whether it is one of the grant's destinations; null: the grant names none"),
  used_before: z.boolean().describe("an earlier completed call of this agent for this subject went there, in any session"),
  amount: z.number().nullable(),
});
export type ValueInput = z.infer<typeof ValueInput>;

const GrantInput = z.strictObject({
  purpose: z.string().nullable(),
  tools: strings.nullable().describe("null: not limited"),
  classes: strings.nullable(),
  destinations_limited: z.boolean(),
  budgets: z.record(z.string(), z.number()),
  expires_in_s: z.number().nullable(),
  task_known: z.boolean(),
  signed: z.boolean(),
});

/** What is remembered of the session (DESIGN section 6). */
const SessionInput = z.strictObject({
  id: z.string().nullable(),
  known: z.boolean().describe("something is remembered: an allowed call or a grant"),
  available: z.boolean().describe("false: the store did not answer, and nothing here says anything"),
  lost: z.boolean().describe("true: the store lost what it held, so a session without a grant may be an old one"),
  age_s: z.number().nullable(),
  calls: z.number(),
  counts: z.strictObject({ class: z.record(z.string(), z.number()), tool: z.record(z.string(), z.number()) }),
  records: z.number().describe("rows returned so far by tools that return confidential or pii"),
  labels: strings,
  budgets: z.record(
    z.string(),
    z.strictObject({ used: z.number(), scope: z.enum(["session", "agent", "tenant"]), window_s: z.number().nullable() }),
  ),
  grant: GrantInput.nullable(),
  approvals: z.array(z.strictObject({ id: z.string(), codes: strings, approver: z.string() })).describe("unused, for exactly this call"),
  recent: z.array(
    z.strictObject({
      tool: z.string(),
      class: actionClass,
      age_s: z.number(),
      outcome: z.enum(["reserved", "completed", "failed", "not_run", "expired"]),
    }),
  ),
  ended: z.strictObject({ by: z.enum(["session", "agent", "subject"]), reason: z.string() }).nullable(),
  pinned_digest: z.string().nullable().describe("definition digest of this tool at its first allowed call in the session"),
});
export type SessionInput = z.infer<typeof SessionInput>;

/**
 * `input` of every policy (DESIGN section 4). Every member is always present; `null` means "not known".
 * Its JSON Schema is generated from here into `rego/schemas/input.json` for `opa check --schema`.
 */
export const PolicyInput = z.strictObject({
  version: z.literal(1),
  nonce: z.string().describe("fresh per evaluation; the decision must echo it"),
  call: z.strictObject({
    method: z.string(),
    server: z.string().nullable(),
    tool: z.string(),
    arguments: json,
    arguments_known: z.boolean(),
    annotations: json,
    annotations_trusted: z.boolean(),
    definition_digest: z.string().nullable(),
  }),
  tool: z.strictObject({
    known: z.boolean().describe("the catalog has an entry for it"),
    class: actionClass,
    class_source: z.enum(["catalog", "annotations", "default"]),
    returns: strings,
    destinations: strings.describe("JSON pointers into the arguments"),
    amounts: strings,
    queries: strings,
    external: z.boolean(),
    limits: z.record(z.string(), z.number()).describe("amounts above it are large, by JSON pointer"),
    page_sizes: strings,
    definition_digest: z.string().nullable(),
    asked_for: z.boolean().nullable().describe("a word of the tool is in the task; null: no task is known"),
    requires: z.array(z.strictObject({ tool: z.string(), argument: z.string().nullable(), met: z.boolean() })),
  }),
  subject: z.strictObject({
    type: z.string().nullable(),
    id: z.string().nullable(),
    roles: strings,
    groups: strings,
    verified: z.boolean().describe("stated by a verified token"),
    properties: json,
  }),
  agent: z.strictObject({
    id: z.string().nullable(),
    verified: z.boolean(),
    chain: strings.describe("RFC 8693 act chain, the current actor first"),
    properties: json,
  }),
  token: z.strictObject({
    present: z.boolean(),
    verified: z.boolean(),
    failure: z.string().nullable().describe("reason code of a token that failed verification"),
    issuer: z.string().nullable(),
    audience: strings,
    scopes: strings,
    acr: z.string().nullable(),
    amr: strings,
    auth_time: z.number().nullable().describe("seconds since the epoch"),
    auth_age_s: z.number().nullable().describe("seconds since auth_time"),
    age_s: z.number().nullable().describe("seconds since iat"),
    expires_in_s: z.number().nullable(),
    sender_constrained: z.boolean(),
    authorization_details: z.array(z.unknown()),
    claims: json,
  }),
  session: SessionInput,
  provenance: z.record(z.string(), origin).describe("one per destination, amount and query argument of the call"),
  values: z.record(z.string(), ValueInput).describe("the same arguments, in detail"),
  embedded: z.array(
    z
      .strictObject({ pointer: z.string(), kind: z.enum(["url", "account"]), origin })
      .describe("links and account numbers inside other text arguments"),
  ),
  request: z.strictObject({
    id: z.string(),
    time_ns: z.number().describe("nanoseconds since the epoch, at microsecond precision"),
    origin: z.strictObject({ ip: z.string().nullable(), user_agent: z.string().nullable() }),
    path: z.string().nullable(),
    pep: z.strictObject({ id: z.string(), tenant: z.string(), asserts_subject: z.boolean() }),
  }),
  context: json,
});
/** See the schema of the same name. */
export type PolicyInput = z.infer<typeof PolicyInput>;
