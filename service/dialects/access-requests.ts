import { z } from "zod";
import type { Json, JsonObject } from "../decide/json.ts";
import type { TokenResult, VerifiedToken } from "../decide/ports.ts";
import type { AccessRequest, Approver } from "../decide/session/access-request.ts";
import { type Denial, widerGrant } from "../decide/session/binding-token.ts";
import type { Pep } from "../decide/tool-call.ts";
import { RemitError } from "../errors.ts";
import { accessRequestsPath, DecideRequest } from "./native.ts";
import { Grant, identifier, invalidAt, line, parse } from "./sessions.ts";

const object = z.record(z.string(), z.unknown());
const properties = object.optional();

/** What was refused: a tool call, or a grant that widens an earlier one. */
const Resource = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("tool"), id: line(257), properties: z.strictObject({ arguments: object }) }),
  z.strictObject({ type: z.literal("grant"), id: identifier, properties: z.strictObject({ grant: Grant }) }),
]);

/** Body of `POST /access-requests`: the submission of the AuthZEN Access Request and Approval Profile. */
export const AccessRequestSubmission = z
  .strictObject({
    subject: z
      .strictObject({ type: identifier.optional(), id: identifier, properties })
      .optional()
      .meta({ description: "of the refused call; left out when it had none" }),
    resource: Resource.meta({ description: "the tool and its arguments, or the session and its wider grant" }),
    action: z.strictObject({ name: identifier, properties }).meta({ description: "not compared: the binding token says what was refused" }),
    context: object.optional().meta({ description: "`business_justification` is shown to the approver; the rest is not kept" }),
    denial: z.strictObject({
      evaluation_id: identifier.optional(),
      evaluated_at: z.iso.datetime().optional(),
      expires_at: z.iso.datetime().optional(),
      reason: identifier.optional(),
      binding_token: z.string().min(1).max(16_384).meta({ description: "`access_request.binding_token` of the deny" }),
    }),
  })
  .meta({ id: "AccessRequestSubmission" });
export type AccessRequestSubmission = z.infer<typeof AccessRequestSubmission>;

/** Body of `POST /access-requests/{id}/decision`. */
export const VerdictRequest = z
  .strictObject({
    decision: z.enum(["approve", "refuse"]),
    approver: z
      .strictObject({ id: identifier })
      .optional()
      .meta({ description: "believed only from an enforcement point that asserts subjects" }),
    token: DecideRequest.shape.token.meta({ description: "the approver's own token, held by nobody else" }),
    comment: line(1000).optional(),
  })
  .refine((body) => (body.approver === undefined) !== (body.token === undefined), {
    message: "needs exactly one of `approver` and `token`",
  })
  .meta({ id: "VerdictRequest" });
export type VerdictRequest = z.infer<typeof VerdictRequest>;

const Task = z.strictObject({
  id: z.string(),
  status: z.enum(["pending", "approved", "denied", "expired", "used"]).meta({
    description: "`used`: the approval let its call pass, and lets no other. Act on nothing but a new decision",
  }),
  status_endpoint: z.string(),
  expires_at: z.iso.datetime(),
});

/** What approvers see. */
const Asked = z.strictObject({
  decision_id: z.string(),
  what: z.string().meta({ description: "`server/name` of the tool, or `grant`" }),
  arguments: z.unknown().optional().meta({ description: "of the call, or the grant; not in lists, and not once it is decided" }),
  subject: z.string().nullable(),
  agent: z.string().nullable(),
  pep: z.string(),
  codes: z.array(z.string()).meta({ description: "reasons that an approval lifts" }),
  business_justification: z.string().nullable(),
  created_at: z.iso.datetime(),
  approver: z.string().nullable(),
  comment: z.string().nullable(),
});

/** Task handle and status of an access request. */
export const AccessRequestView = z
  .strictObject({
    task: Task,
    result: z
      .strictObject({ mode: z.literal("reevaluate"), approval: z.strictObject({ id: z.string(), approved_until: z.iso.datetime() }) })
      .optional()
      .meta({ description: "once approved: ask for a decision again" }),
    request: Asked.optional().meta({ description: "for enforcement points with permission `approve` only" }),
  })
  .meta({ id: "AccessRequest" });

/** Answer of `GET /access-requests`. */
export const AccessRequestList = z
  .strictObject({
    access_requests: z.array(AccessRequestView).meta({ description: "at most 100, oldest first" }),
    more: z.boolean().meta({ description: "others wait, too; they are seen when some of these are decided or expire" }),
  })
  .meta({ id: "AccessRequestList" });

/** Body to submission. Throws RemitError `request_invalid`. */
export function toSubmission(body: Json): AccessRequestSubmission {
  return parse(AccessRequestSubmission, body);
}

/**
 * What is submitted must be what was refused; the digest of the arguments is compared when the request is opened.
 * Throws RemitError `request_invalid` naming the member.
 */
export function checkSubmission({ subject, resource, denial: stated }: AccessRequestSubmission, denial: Denial): void {
  if ((subject?.id ?? null) !== denial.subject) throw invalidAt("/subject/id", "is not the subject of the refused call");
  const isGrant = denial.what === widerGrant;
  if ((resource.type === "grant") !== isGrant) throw invalidAt("/resource/type", `must be \`${isGrant ? "grant" : "tool"}\``);
  if (resource.type === "tool" && resource.id !== denial.what) throw invalidAt("/resource/id", "is not the tool of the refused call");
  if (stated.evaluation_id !== undefined && stated.evaluation_id !== denial.decisionId)
    throw invalidAt("/denial/evaluation_id", "is not the decision that the binding token is of");
  if (stated.expires_at !== undefined && Date.parse(stated.expires_at) !== denial.expiresMs)
    throw invalidAt("/denial/expires_at", "is not when the offer ends");
}

/** An access request is one document of the store, and the arguments a part of it. */
const argumentUnitsMax = 49_152;

/** The arguments, or the grant, that are submitted for approval. Throws RemitError `request_invalid` when they are too large for one. */
export function submittedArguments({ resource }: AccessRequestSubmission): JsonObject {
  if (resource.type === "grant") return resource.properties.grant as JsonObject;
  const args = resource.properties.arguments as JsonObject;
  if (JSON.stringify(args).length <= argumentUnitsMax) return args;
  throw invalidAt("/resource/properties/arguments", `must not be longer than ${argumentUnitsMax} characters as JSON`);
}

/** Why it is needed, as the agent says. */
export function justification({ context }: AccessRequestSubmission): string | null {
  const text = context?.business_justification;
  if (text === undefined) return null;
  if (typeof text === "string" && text.length <= 2000) return text;
  throw invalidAt("/context/business_justification", "must be a text of at most 2000 characters");
}

/** Who decides: whom the token names, or else whom the enforcement point names. Throws RemitError. */
export function toApprover({ approver }: VerdictRequest, pep: Pep, token: TokenResult, clients: readonly string[]): Approver {
  if (token.kind === "rejected") throw invalidAt("/token", `the approver's token was rejected: ${token.reason}`);
  if (token.kind === "verified") return { id: token.subject.id, verified: true, delegate: delegateOf(token, clients), pep: pep.id };
  if (approver !== undefined && pep.assertsSubject) return { id: approver.id, verified: false, delegate: null, pep: pep.id };
  throw new RemitError("approval_forbidden", `enforcement point \`${pep.id}\` may not say who approves; send the approver's own \`token\``);
}

/** Who holds the token in place of its subject. An access token always names a client (RFC 9068); that of an approvals page is no agent. */
function delegateOf({ agent, chain }: VerifiedToken, clients: readonly string[]): string | null {
  const holders = [...new Set([...chain, ...(agent === null ? [] : [agent])])];
  return holders.find((holder) => !clients.includes(holder)) ?? null;
}

interface ViewOptions {
  /** Whoever asks may decide access requests. */
  readonly approver: boolean;
  readonly withArguments: boolean;
  readonly nowMs: number;
}

/** Access request to the answer's body; what was asked, and who decided, for approvers only. */
export function accessRequestToWire(request: AccessRequest, { approver, withArguments, nowMs }: ViewOptions): JsonObject {
  const { id, expiresMs } = request;
  const until = new Date(expiresMs).toISOString();
  const task = { id, status: statusOf(request, nowMs), status_endpoint: `${accessRequestsPath}/${id}`, expires_at: until };
  return {
    task,
    ...(task.status === "approved" ? { result: { mode: "reevaluate", approval: { id, approved_until: until } } } : {}),
    ...(approver ? { request: asked(request, withArguments) } : {}),
  };
}

function statusOf({ status, expiresMs }: AccessRequest, nowMs: number): "pending" | "approved" | "denied" | "expired" | "used" {
  if (status === "refused") return "denied";
  if (status === "used") return "used";
  return expiresMs <= nowMs ? "expired" : status;
}

function asked(request: AccessRequest, withArguments: boolean): JsonObject {
  const { denial, arguments: args, justification: business_justification, createdMs, approver, comment } = request;
  const { decisionId: decision_id, what, subject, agent, pep, codes } = denial;
  return {
    ...{ decision_id, what, ...(withArguments && args !== null ? { arguments: args } : {}), subject, agent, pep, codes: [...codes] },
    ...{ business_justification, created_at: new Date(createdMs).toISOString(), approver, comment },
  };
}
