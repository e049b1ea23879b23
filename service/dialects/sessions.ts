import { z } from "zod";
import { digestOf } from "../decide/canonical.ts";
import type { Json, JsonObject } from "../decide/json.ts";
import type { VerifiedToken } from "../decide/ports.ts";
import type { GrantRequest } from "../decide/session/grant.ts";
import type { OutcomeReport, OutcomeResult } from "../decide/session/outcome.ts";
import type { SessionSummary } from "../decide/session/sessions.ts";
import type { Block } from "../decide/session/stop.ts";
import type { ToolCall } from "../decide/tool-call.ts";
import { RemitError } from "../errors.ts";
import { DecideRequest, invalid, toToolCall } from "./native.ts";

/** What decisions and sessions name alike is checked alike. */
const { subject, agent, token } = DecideRequest.shape;
export const identifier = agent.unwrap().shape.id;
/** A text of one line, for people and records. */
export const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/, "control characters are not allowed");
/** UUIDs of decisions and access requests are names of documents, so only their exact form is let through. */
export const uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "must be an id that this service gave, in lower case");
const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be `sha256:` and 64 hex digits");

/** Body of `POST /outcomes`: what became of an allowed call. */
export const OutcomeRequest = z
  .strictObject({
    decision_id: uuid.meta({ description: "of the allow" }),
    status: z.enum(["completed", "failed", "not_run"]).meta({ description: "`failed`: it ran and failed; `not_run`: it never ran" }),
    result: z.unknown().optional().meta({ description: "what the tool returned, any JSON; an error text too" }),
    result_digest: sha256.optional().meta({ description: "SHA-256 of the result in canonical form (RFC 8785)" }),
    labels: z.array(line(64)).max(32).optional().meta({ description: "labels found on the result, beside those of the catalog" }),
    records: z.number().int().min(0).max(1e9).optional().meta({ description: "rows returned; left out: counted from the result" }),
  })
  .meta({ id: "OutcomeRequest" });

/** Answer of `POST /outcomes`. */
export const OutcomeResponse = z
  .strictObject({
    decision_id: z.string(),
    status: z.string(),
    labels: z.array(z.string()).meta({ description: "labels of the session from now on" }),
    values_recorded: z.number().int().meta({ description: "values of the result that are remembered; 0 for a repeated report" }),
  })
  .meta({ id: "OutcomeResponse" });

/** `server/name`, or `server/*` for every tool whose name begins so. */
const grantedTool = z
  .string()
  .max(257)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:/-]*\*?$/, "must be `server/name`, or a beginning of it and `*`");
const counterName = z.string().regex(/^[A-Za-z0-9_.:-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 _ . : -");

const grantMembers = z.strictObject({
  purpose: line(256).optional(),
  task: z
    .string()
    .min(1)
    .max(16_384)
    .optional()
    .meta({ description: "the user's own words; what they name has provenance `task`. Kept as keyed hashes" }),
  tools: z.array(grantedTool).max(256).optional(),
  classes: z
    .array(z.enum(["read", "query", "update", "admin"]))
    .max(4)
    .optional(),
  destinations: z.array(line(2048)).max(256).optional().meta({ description: "the only ones that may get data, money or access" }),
  budgets: z
    .record(counterName, z.number().min(0).max(1e12))
    .refine((budgets) => Object.keys(budgets).length <= 64, "has more than 64 members")
    .optional(),
  expires_in_s: z.number().int().min(1).max(2_592_000).optional(),
});

/** A session is one document of the store, and a grant a part of it. */
const grantUnitsMax = 32_768;
const isSmall = (grant: unknown) => JSON.stringify(grant).length <= grantUnitsMax;
const tooLarge = `must not be longer than ${grantUnitsMax} characters as JSON`;

/** What a session may do; a member that is left out does not limit, or stays as it was. */
export const Grant = grantMembers.refine(isSmall, tooLarge).meta({ id: "Grant" });

/** Body of `PUT /sessions/{id}`. */
export const SessionRequest = z
  .strictObject({
    subject,
    agent,
    token,
    grant: Grant.optional(),
    grant_jwt: z.string().min(1).max(16_384).optional().meta({ description: "a signed grant in place of `grant`" }),
    approval: uuid.optional().meta({ description: "id of the approved access request that lets this grant widen" }),
  })
  .refine((body) => (body.grant === undefined) !== (body.grant_jwt === undefined), {
    message: "needs exactly one of `grant` and `grant_jwt`",
  })
  .meta({ id: "SessionRequest" });

export type SessionRequest = z.infer<typeof SessionRequest>;

/** What is known of a session. Of another principal's session of the same id, nothing. */
export const SessionView = z
  .strictObject({
    id: z.string(),
    subject: z.string().nullable().meta({ description: "whom it is bound to" }),
    agent: z.string().nullable(),
    known: z.boolean().meta({ description: "there is memory of it: a grant or an allowed call" }),
    age_s: z.number().nullable(),
    calls: z.number().int().meta({ description: "allowed calls" }),
    labels: z.array(z.string()),
    records: z.number().meta({ description: "rows returned by tools that return confidential or personal data" }),
    budgets: z.record(z.string(), z.number()).meta({ description: "what is used of each" }),
    grant: z
      .strictObject({
        purpose: z.string().nullable(),
        tools: z.array(z.string()).nullable(),
        classes: z.array(z.string()).nullable(),
        destinations_limited: z.boolean(),
        budgets: z.record(z.string(), z.number()),
        expires_in_s: z.number().nullable(),
        task_known: z.boolean(),
        signed: z.boolean(),
      })
      .nullable(),
    ended: z.strictObject({ by: z.enum(["session", "agent", "subject"]), reason: z.string() }).nullable(),
    values_remembered: z.number().int(),
    values_full: z.boolean().meta({ description: "more was seen than is remembered: what is not found counts as untrusted" }),
  })
  .meta({ id: "Session" });

/** Answer of `DELETE /sessions/{id}`. */
export const SessionEnded = z.strictObject({ ended: SessionView.shape.ended }).meta({ id: "SessionEnded" });

/** Body of `PUT /terminations/{kind}/{id}`. */
export const TerminationRequest = z.strictObject({ reason: line(1000).optional() }).meta({ id: "TerminationRequest" });

/** Whether an agent or a subject is terminated; of a termination that was lifted, when it was and why. */
export const Termination = z
  .strictObject({
    kind: z.enum(["agent", "subject"]),
    id: z.string(),
    terminated: z.boolean(),
    since: z.iso.datetime().nullable(),
    reason: z.string().nullable(),
  })
  .meta({ id: "Termination" });

/** Who a request says that it is about. */
export type Claims = Pick<z.infer<typeof SessionRequest>, "subject" | "agent" | "token">;

/** The claims in the normal form of decisions, so that both come to the same session. */
export function toClaims(claims: Claims): ToolCall {
  const { subject, agent, token } = claims;
  return toToolCall({ tool: { name: "session" }, ...{ subject, agent, token } });
}

/** Parses a body. Throws RemitError `request_invalid` naming every failing path. */
export function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error);
}

/** Parses one value that is no body. Throws RemitError `request_invalid` naming `path`. */
export function parseAt<T>(path: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidAt(path, parsed.error.issues[0]?.message ?? "is not valid");
}

/** A 400 that names one place. */
export function invalidAt(path: string, message: string): RemitError {
  return new RemitError("request_invalid", `${message} at \`${path}\``, { errors: [{ path, message }] });
}

/** A 400 that names one header. */
export function invalidHeader(name: string, message: string): RemitError {
  return new RemitError("request_invalid", `${message} in header \`${name}\``, { errors: [{ path: `header ${name}`, message }] });
}

/** Body to outcome, and the digest of its result if one is known. Throws RemitError `request_invalid`. */
export function toOutcome(body: Json): { readonly report: OutcomeReport; readonly digest: string | null } {
  const parsed = parse(OutcomeRequest, body);
  // `result: null` is a result; only a member that is not there is none.
  const result = parsed.result as Json | undefined;
  const digest = result === undefined ? (parsed.result_digest ?? null) : digestOf(result);
  if (parsed.result_digest !== undefined && parsed.result_digest !== digest)
    throw invalidAt("/result_digest", "is not the digest of `result`");
  const { decision_id: decisionId, status, labels = [], records = null } = parsed;
  return { report: { decisionId, status, result, labels, records }, digest };
}

/** Outcome to the answer's body. */
export function outcomeToWire({ decisionId, status, labels, valuesRecorded }: OutcomeResult): JsonObject {
  return { decision_id: decisionId, status, labels: [...labels], values_recorded: valuesRecorded };
}

/** Session to the answer's body. */
export function sessionToWire(summary: SessionSummary, principal: { subject: string | null; agent: string | null }): JsonObject {
  const { id, ...rest } = summary;
  const { subject, agent } = principal;
  return { id, subject, agent, ...rest } as unknown as JsonObject;
}

/** Termination to the answer's body. */
export function terminationToWire(target: { readonly kind: "agent" | "subject"; readonly id: string }, block: Block | null): JsonObject {
  const { kind, id } = target;
  if (block === null) return { kind, id, terminated: false, since: null, reason: null };
  return { kind, id, terminated: block.blocked, since: new Date(block.atMs).toISOString(), reason: block.reason };
}

const SignedGrant = grantMembers.extend({ type: z.literal("remit_grant"), session: identifier.optional() }).refine(isSmall, tooLarge);

/**
 * The grant that a verified JWT carries in its `authorization_details` (RFC 9396): exactly one object, of type `remit_grant`, for
 * this principal and session. Throws RemitError `grant_rejected`.
 */
export function toSignedGrant(token: VerifiedToken, session: { subject: string | null; agent: string | null; id: string }): GrantRequest {
  const [details, ...more] = token.authorizationDetails;
  if (details === undefined || more.length > 0) throw rejected("`authorization_details` must hold exactly one object");
  const parsed = SignedGrant.safeParse(details);
  if (!parsed.success) throw rejected(`its grant is not valid: ${invalid(parsed.error).message}`);
  const { type: _type, session: id, ...grant } = parsed.data;
  if (token.subject.id !== session.subject) throw rejected("it is for another subject");
  if (token.agent !== null && token.agent !== session.agent) throw rejected("it is for another agent");
  if (id !== undefined && id !== session.id) throw rejected("it is for another session");
  return grant;
}

/** Why a signed grant is not taken. */
export function rejected(why: string): RemitError {
  return new RemitError("grant_rejected", `the signed grant is rejected: ${why}`);
}
