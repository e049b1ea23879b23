import type { Request, Response } from "express";
import type { JsonObject } from "../decide/json.ts";
import { sessionPrincipal } from "../decide/policy-input.ts";
import type { PolicyEngine, SessionKey, TokenResult, TokenVerifier } from "../decide/ports.ts";
import { type BindingTokens, type Denial, widerGrant } from "../decide/session/binding-token.ts";
import type { EventCause, EventRecorder } from "../decide/session/events.ts";
import { type GrantRequest, grantBinding } from "../decide/session/grant.ts";
import { sessionDoc } from "../decide/session/keys.ts";
import { type OutcomeReport, reportOutcome } from "../decide/session/outcome.ts";
import type { SessionDeps } from "../decide/session/query.ts";
import { declareGrant, endSession, lookAtSession, type SessionSummary } from "../decide/session/sessions.ts";
import type { Pep, PepNeeds } from "../decide/tool-call.ts";
import { accessRequestsPath } from "../dialects/native.ts";
import { problemOf } from "../dialects/problem.ts";
import {
  type Claims,
  identifier,
  invalidAt,
  line,
  outcomeToWire,
  parse,
  parseAt,
  rejected,
  SessionRequest,
  sessionToWire,
  toClaims,
  toOutcome,
  toSignedGrant,
} from "../dialects/sessions.ts";
import { RemitError } from "../errors.ts";
import { type BodyLimits, readJson } from "./body.ts";
import type { DecideRouteDeps } from "./decide-routes.ts";
import type { RequestInfo } from "./request-info.ts";
import { type Handler, pathParameter, type Route, readQuery } from "./route.ts";
import { sendJson } from "./send.ts";

/** What the routes of sessions need beside what decisions need. */
export interface SessionRouteDeps extends Pick<DecideRouteDeps, "authenticate" | "clock" | "deadline" | "newId" | "bodyLimits"> {
  readonly engine: PolicyEngine;
  readonly sessions: SessionDeps;
  readonly bindingTokens: BindingTokens;
  /** Verifies tokens of agents and of approvers. */
  readonly tokens: TokenVerifier;
  /** Verifies signed grants. */
  readonly grantTokens: TokenVerifier;
  readonly signedGrantsOnly: boolean;
  /** Clients by which a person approves: their name on a token makes no agent of it. */
  readonly approvalClients: readonly string[];
  readonly outcomeLimits: BodyLimits;
  readonly events: EventRecorder;
}

const dialect = "native";
const mayReport: PepNeeds = { dialect, anyOf: ["decide"] };
const mayGrant: PepNeeds = { dialect, anyOf: ["grant"] };

/** Outcomes and sessions. */
export function sessionRoutes(deps: SessionRouteDeps): readonly Route[] {
  const path = "/sessions/{id}";
  return [
    { method: "post", path: "/outcomes", sheddable: true, handle: outcomeRoute(deps) },
    { method: "get", path, sheddable: true, handle: lookRoute(deps) },
    { method: "put", path, sheddable: true, handle: grantRoute(deps) },
    // Ending something must be possible under load above all.
    { method: "delete", path, sheddable: false, handle: endRoute(deps) },
  ];
}

/** Who asked, for the record. */
export function causeOf(pep: Pep, { id, requestedBy, traceId, spanId }: RequestInfo): EventCause {
  return { pep, requestId: id, requestedBy, traceId, spanId };
}

function outcomeRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, mayReport);
    const { report, digest } = toOutcome(await readJson(request, deps.outcomeLimits));
    const snapshot = deps.engine.current();
    if (snapshot === undefined) throw new RemitError("not_ready", "no bundle is active");
    const body = await recordOutcome(deps, { pep, data: snapshot.data, cause: causeOf(pep, info) }, { report, digest });
    sendJson(response, 200, body, info.id);
  };
}

interface Reporting {
  readonly pep: Pep;
  readonly data: JsonObject;
  readonly cause: EventCause;
}

/** Commits or releases the call and records that; the same report again changes nothing. Throws as {@link reportOutcome} does. */
export async function recordOutcome(
  deps: Pick<SessionRouteDeps, "events" | "sessions" | "clock">,
  { pep, data, cause }: Reporting,
  { report, digest }: { readonly report: OutcomeReport; readonly digest: string | null },
): Promise<JsonObject> {
  deps.events.check();
  const result = await reportOutcome(deps.sessions, pep, data, report, deps.clock.nowMs());
  const body = outcomeToWire(result);
  if (result.fresh)
    deps.events.record(cause, {
      ...{ event: "outcome_reported", subject: null, agent: null, session: null, status: result.status },
      facts: { ...body, tool: result.tool, result_digest: digest },
    });
  return body;
}

function lookRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, mayGrant);
    const key = await keyOf(deps, pep, sessionId(request), claimsOfQuery(request, readQuery(request, ["subject", "agent"])));
    sendJson(response, 200, sessionToWire(await lookAtSession(deps.sessions, key, deps.clock.nowMs()), key), info.id);
  };
}

function endRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, mayGrant);
    const query = readQuery(request, ["subject", "agent", "reason"]);
    const reason = query.reason === undefined ? `ended by \`${pep.id}\`` : parseAt("?reason", line(1000), query.reason);
    const key = await keyOf(deps, pep, sessionId(request), claimsOfQuery(request, query));
    // Stopping comes before recording: a full queue of records must not keep an agent going.
    const nowMs = deps.clock.nowMs();
    const { ended } = await endSession(deps.sessions, key, { reason, life: deps.newId(nowMs) }, nowMs);
    deps.events.record(causeOf(pep, info), { ...party(key), event: "session_ended", status: null, facts: { reason } });
    sendJson(response, 200, { ended }, info.id);
  };
}

function sessionId(request: Request): string {
  return parseAt("/sessions/{id}", identifier, pathParameter(request, "id"));
}

/** Who a request is about, and where in it the token stands. */
interface Claimed {
  readonly claims: Claims;
  readonly tokenAt: string;
}

/** Claims of a request without a body: in the query, or the agent's token in `x-remit-token`. */
function claimsOfQuery(request: Request, query: { readonly subject?: string; readonly agent?: string }): Claimed {
  const token = request.headers["x-remit-token"];
  if (token !== undefined && (typeof token !== "string" || token === "")) throw invalidAt("x-remit-token", "must hold a token");
  const id = (name: "subject" | "agent") => {
    const value = query[name];
    return value === undefined ? undefined : { id: parseAt(`?${name}`, identifier, value) };
  };
  return { claims: { subject: id("subject"), agent: id("agent"), token }, tokenAt: "x-remit-token" };
}

/** The session of whoever the claims speak for, exactly as in a decision; but a token that is rejected is a mistake, not a deny. */
async function keyOf(deps: SessionRouteDeps, pep: Pep, id: string, { claims, tokenAt }: Claimed): Promise<SessionKey> {
  const call = toClaims(claims);
  const token = await verifyToken(deps, deps.tokens, claims.token);
  if (token.kind === "rejected") throw invalidAt(tokenAt, `the token was rejected: ${token.reason}`);
  return { tenant: pep.tenant, ...sessionPrincipal(call, pep, token), id };
}

/** Verifies a token, if there is one. */
export async function verifyToken(
  deps: Pick<SessionRouteDeps, "clock" | "deadline">,
  verifier: TokenVerifier,
  token: string | undefined,
): Promise<TokenResult> {
  if (token === undefined) return { kind: "absent" };
  const nowMs = deps.clock.nowMs();
  return verifier.verify(token, nowMs, deps.deadline(nowMs));
}

function party({ subject, agent, id }: SessionKey) {
  return { subject, agent, session: id };
}

/** A grant, and the digest of the token that carried it. */
interface Declared {
  readonly grant: GrantRequest;
  readonly token: string | null;
}

interface GrantParts {
  readonly pep: Pep;
  readonly key: SessionKey;
  readonly declared: Declared;
  readonly info: RequestInfo;
  readonly nowMs: number;
}

function grantRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, mayGrant);
    const id = sessionId(request);
    const body = parse(SessionRequest, await readJson(request, deps.bodyLimits));
    const key = await keyOf(deps, pep, id, { claims: body, tokenAt: "/token" });
    const declared = await grantOf(deps, body, key);
    const parts: GrantParts = { pep, key, declared, info, nowMs: deps.clock.nowMs() };
    const approval = body.approval ?? null;
    deps.events.check();
    const summary = await declare(deps, parts, approval).catch((thrown: unknown) => {
      if (!(thrown instanceof RemitError) || thrown.code !== "grant_widens") throw thrown;
      offerApproval(deps, parts, thrown, response);
    });
    if (summary === undefined) return;
    const facts = {
      grant: sessionToWire(summary, key).grant ?? null,
      signed: declared.token !== null,
      token_digest: declared.token,
      approval,
    };
    deps.events.record(causeOf(pep, info), { ...party(key), event: "grant_declared", status: null, facts });
    sendJson(response, 200, sessionToWire(summary, key), info.id);
  };
}

function declare(deps: SessionRouteDeps, { key, declared, nowMs }: GrantParts, approval: string | null): Promise<SessionSummary> {
  const declaration = { request: declared.grant, signed: declared.token !== null, approval, life: deps.newId(nowMs) };
  return declareGrant(deps.sessions, key, declaration, nowMs);
}

/** The grant itself, or the one that a trusted issuer signed. Throws RemitError `grant_rejected`. */
async function grantOf(deps: SessionRouteDeps, body: SessionRequest, key: SessionKey): Promise<Declared> {
  if (body.grant !== undefined) {
    if (deps.signedGrantsOnly) throw new RemitError("grant_rejected", "only signed grants are accepted here; send `grant_jwt`");
    return { grant: body.grant, token: null };
  }
  const token = await verifyToken(deps, deps.grantTokens, body.grant_jwt);
  if (token.kind !== "verified") throw rejected(token.kind === "rejected" ? token.reason : "there is none");
  return { grant: toSignedGrant(token, key), token: token.digest };
}

/** Time in which an approval of a wider grant may be asked for, given and used. */
const offerMs = 3_600_000;

/** 409 with what it takes to ask for an approval of exactly this grant; its event stands for the decision that a denied call has. */
function offerApproval(
  deps: SessionRouteDeps,
  { pep, key, declared, info, nowMs }: GrantParts,
  error: RemitError,
  response: Response,
): void {
  const codes = [error.code];
  const facts = { codes, widens: error.errors.map(({ path }) => path) };
  const decisionId = deps.events.record(causeOf(pep, info), { ...party(key), event: "grant_refused", status: null, facts });
  const session = sessionDoc(deps.sessions.mark, key);
  const binding = grantBinding(session, declared.grant);
  const expiresMs = nowMs + offerMs;
  const { tenant, subject, agent } = key;
  const denial: Denial = { decisionId, tenant, pep: pep.id, subject, agent, session, what: widerGrant, binding, codes, expiresMs };
  const access_request = {
    ...{ endpoint: accessRequestsPath, expires_at: new Date(expiresMs).toISOString() },
    ...{ binding, binding_token: deps.bindingTokens.sign(denial), codes },
  };
  const body = { ...problemOf(error, { instance: decisionId }), access_request };
  sendJson(response, error.status, body, info.id, "application/problem+json");
}
