import { z } from "zod";
import type { SessionView, TokenResult, ToolEntry } from "./ports.ts";
import type { Pep, ToolCall } from "./tool-call.ts";

const strings = z.array(z.string());
const json = z.record(z.string(), z.unknown());
const actionClass = z.enum(["read", "query", "update", "admin"]);
const provenance = z.enum(["task", "trusted", "untrusted", "unknown"]);

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
  session: z.strictObject({
    id: z.string().nullable(),
    known: z.boolean(),
    age_s: z.number().nullable(),
    calls: z.number(),
    counts: json,
    labels: strings,
    budgets: json,
    grant: json.nullable(),
    approvals: z.array(z.unknown()),
    recent: z.array(z.unknown()),
  }),
  provenance: z.record(z.string(), provenance),
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

/** Everything one decision is made from; the parts are produced by the steps before it. */
export interface InputParts {
  readonly call: ToolCall;
  readonly pep: Pep;
  readonly tool: ToolEntry;
  readonly token: TokenResult;
  readonly session: SessionView;
  readonly requestId: string;
  readonly nonce: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Builds `input`. Pure and total: verified identity wins over claimed identity, absent is `null`, never guessed. */
export function buildPolicyInput(parts: InputParts): PolicyInput {
  return {
    version: 1,
    nonce: parts.nonce,
    call: callView(parts.call, parts.pep),
    tool: {
      ...parts.tool,
      returns: [...parts.tool.returns],
      destinations: [...parts.tool.destinations],
      amounts: [...parts.tool.amounts],
      queries: [...parts.tool.queries],
    },
    subject: subjectView(parts.call, parts.pep, parts.token),
    agent: agentView(parts.call, parts.pep, parts.token),
    token: tokenView(parts.token, parts.nowMs),
    session: sessionView(parts.session),
    provenance: provenanceView(parts.tool),
    request: requestView(parts),
    context: parts.call.context,
  };
}

function callView(call: ToolCall, pep: Pep): PolicyInput["call"] {
  return {
    method: call.method,
    server: call.server,
    tool: call.tool,
    arguments: call.arguments,
    arguments_known: call.argumentsKnown,
    annotations: call.annotations,
    annotations_trusted: pep.annotationsTrusted,
    definition_digest: call.definitionDigest,
  };
}

const nobody = { type: null, id: null, roles: [], groups: [], verified: false, properties: {} };

/** A verified token wins; without one a claim counts only from a PEP that may assert it. */
function subjectView(call: ToolCall, pep: Pep, token: TokenResult): PolicyInput["subject"] {
  if (token.kind === "verified") {
    const { type, id, roles, groups } = token.subject;
    return { type, id, roles: [...roles], groups: [...groups], verified: true, properties: call.subject?.properties ?? {} };
  }
  if (call.subject === null || !pep.assertsSubject) return nobody;
  const { type, id, roles, groups, properties } = call.subject;
  return { type, id, roles: [...roles], groups: [...groups], verified: false, properties };
}

function agentView(call: ToolCall, pep: Pep, token: TokenResult): PolicyInput["agent"] {
  const properties = call.agent?.properties ?? {};
  if (token.kind === "verified" && token.agent !== null) return { id: token.agent, verified: true, chain: [...token.chain], properties };
  return { id: pep.assertsSubject ? (call.agent?.id ?? null) : null, verified: false, chain: [], properties };
}

/** Whom a session is bound to: the same identity that the policies see. */
export function sessionPrincipal(call: ToolCall, pep: Pep, token: TokenResult): { subject: string | null; agent: string | null } {
  return { subject: subjectView(call, pep, token).id, agent: agentView(call, pep, token).id };
}

const noToken = {
  verified: false,
  failure: null,
  issuer: null,
  audience: [],
  scopes: [],
  acr: null,
  amr: [],
  auth_time: null,
  auth_age_s: null,
  age_s: null,
  expires_in_s: null,
  sender_constrained: false,
  authorization_details: [],
  claims: {},
};

function tokenView(token: TokenResult, nowMs: number): PolicyInput["token"] {
  if (token.kind === "absent") return { present: false, ...noToken };
  if (token.kind === "rejected") return { present: true, ...noToken, failure: token.reason };
  const nowS = Math.floor(nowMs / 1000);
  return {
    present: true,
    verified: true,
    failure: null,
    issuer: token.issuer,
    audience: [...token.audience],
    scopes: [...token.scopes],
    acr: token.acr,
    amr: [...token.amr],
    auth_time: token.authTimeS,
    auth_age_s: token.authTimeS === null ? null : Math.max(0, nowS - token.authTimeS),
    age_s: Math.max(0, nowS - token.issuedAtS),
    expires_in_s: token.expiresAtS - nowS,
    sender_constrained: token.senderConstrained,
    authorization_details: [...token.authorizationDetails],
    claims: token.claims,
  };
}

function sessionView(session: SessionView): PolicyInput["session"] {
  return {
    id: session.id,
    known: session.known,
    age_s: session.ageS,
    calls: session.calls,
    counts: { class: {}, tool: {} },
    labels: [],
    budgets: {},
    grant: null,
    approvals: [],
    recent: [],
  };
}

/** Provenance is not tracked yet, so every argument that needs it is `unknown`, never `trusted`. */
function provenanceView(tool: ToolEntry): PolicyInput["provenance"] {
  const pointers = [...tool.destinations, ...tool.amounts, ...tool.queries];
  return Object.fromEntries(pointers.map((pointer) => [pointer, "unknown" as const]));
}

function requestView(parts: InputParts): PolicyInput["request"] {
  const { request } = parts.call;
  return {
    id: parts.requestId,
    time_ns: parts.nowMs * 1_000_000,
    origin: { ip: request.origin.ip, user_agent: request.origin.userAgent },
    path: request.path,
    pep: { id: parts.pep.id, tenant: parts.pep.tenant, asserts_subject: parts.pep.assertsSubject },
  };
}
