import type { PolicyInput } from "./policy-input-schema.ts";
import type { TokenResult, ToolEntry } from "./ports.ts";
import type { Memory } from "./session/memory.ts";
import type { Pep, ToolCall } from "./tool-call.ts";

/** Everything one decision is made from; the parts are produced by the steps before it. */
export interface InputParts {
  readonly call: ToolCall;
  readonly pep: Pep;
  readonly tool: ToolEntry;
  readonly token: TokenResult;
  /** What is remembered of the session, and of the values in the arguments. */
  readonly memory: Memory;
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
    tool: toolView(parts.tool, parts.memory),
    subject: subjectView(parts.call, parts.pep, parts.token),
    agent: agentView(parts.call, parts.pep, parts.token),
    token: tokenView(parts.token, parts.nowMs),
    session: parts.memory.session,
    provenance: Object.fromEntries(Object.entries(parts.memory.values).map(([pointer, { origin }]) => [pointer, origin])),
    values: parts.memory.values,
    embedded: parts.memory.embedded,
    request: requestView(parts),
    context: parts.call.context,
  };
}

function toolView(tool: ToolEntry, memory: Memory): PolicyInput["tool"] {
  return {
    known: tool.known,
    class: tool.class,
    class_source: tool.class_source,
    returns: [...tool.returns],
    destinations: [...tool.destinations],
    amounts: [...tool.amounts],
    queries: [...tool.queries],
    external: tool.external,
    limits: { ...tool.limits },
    page_sizes: [...tool.page_sizes],
    definition_digest: tool.definition_digest,
    asked_for: memory.askedFor,
    requires: memory.requires,
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
