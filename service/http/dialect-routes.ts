import { setImmediate as nextTurn } from "node:timers/promises";
import type { Request } from "express";
import { digestOf } from "../decide/canonical.ts";
import type { DecidedOutcome } from "../decide/decide.ts";
import type { PolicySnapshot } from "../decide/ports.ts";
import type { Query, QueryAnswer } from "../decide/query.ts";
import type { DecideContext } from "../decide/run.ts";
import { findReference, rememberReference } from "../decide/session/call-reference.ts";
import type { Pep, ToolCall } from "../decide/tool-call.ts";
import type {
  Answered,
  CallsQuestion,
  Dialect,
  DialectRoute,
  OutcomeQuestion,
  QueriesQuestion,
  WireHead,
  WireReply,
  WireRequest,
} from "../dialects/dialect.ts";
import { RemitError, toRemitError } from "../errors.ts";
import { parseStrictJson } from "../json/strict-json.ts";
import type { BodyLimits } from "./body.ts";
import type { DecideRouteDeps } from "./decide-routes.ts";
import type { HttpObserver } from "./observer.ts";
import type { RequestInfo } from "./request-info.ts";
import type { Route } from "./route.ts";
import { sendReply } from "./send-reply.ts";
import { causeOf, recordOutcome, type SessionRouteDeps } from "./session-routes.ts";
import { claimsOf, headOf, type IdentityHeaders, parseBody, readBody } from "./wire-request.ts";

/** What the routes of dialects need beside what decisions and sessions need. */
export interface DialectRouteDeps extends DecideRouteDeps, SessionRouteDeps {
  readonly dialects: readonly Dialect[];
  readonly query: Query;
  readonly identityHeaders: IdentityHeaders;
  /** Whether an agent's token can be verified at all; without issuers `Authorization` is nobody's business here. */
  readonly agentTokens: boolean;
  /** Whether nobody need authenticate, so that `Authorization` cannot be a PEP's. */
  readonly anonymous: boolean;
  /** Whose secret made this HMAC? Throws RemitError `pep_unauthenticated` or `pep_forbidden`. */
  readonly authenticateSigned: (signature: { readonly pepId: string; readonly mac: Buffer }, signed: Buffer, dialect: string) => Pep;
  /** Oldest accepted signature that tells its time (milliseconds). */
  readonly signatureAgeMsMax: number;
  readonly observer: Pick<HttpObserver, "fault">;
}

/** The routes of every dialect of the table. */
export function dialectRoutes(deps: DialectRouteDeps): readonly Route[] {
  return deps.dialects.flatMap((dialect) => dialect.routes.map((route) => toRoute(deps, dialect, route)));
}

function toRoute(deps: DialectRouteDeps, dialect: Dialect, route: DialectRoute): Route {
  return {
    method: route.method,
    path: route.path,
    sheddable: route.published !== true,
    async handle(request, response, info) {
      sendReply(response, await answer(deps, { dialect, route, request, info }), info.id);
    },
    refuse: (error, request, response, info) => sendReply(response, dialect.refuse(error, headOf(request, info.id)), info.id),
  };
}

interface Arrived {
  readonly dialect: Dialect;
  readonly route: DialectRoute;
  readonly request: Request;
  readonly info: RequestInfo;
}

/** Authenticates, reads, translates, asks, renders. Whatever throws is rendered by the dialect's closed form (`Route.refuse`). */
async function answer(deps: DialectRouteDeps, arrived: Arrived): Promise<WireReply> {
  const head = headOf(arrived.request, arrived.info.id);
  if (arrived.route.published === true) return publish(deps, arrived, head);
  const limits = limitsOf(deps, arrived.route);
  // A signature is over the bytes: without one the caller is known before anything is read.
  const known = arrived.route.signed === undefined ? await byCredential(deps, arrived) : null;
  const bytes = await readBody(arrived.request, limits);
  const pep = known ?? bySignature(deps, arrived, { head, bytes });
  const snapshot = activeSnapshot(deps);
  return ask(deps, { ...arrived, pep, snapshot, wire: toWireRequest(deps, arrived, { head, bytes, snapshot }) });
}

function publish(deps: DialectRouteDeps, arrived: Arrived, head: WireHead): WireReply {
  const wire = toWireRequest(deps, arrived, { head, bytes: Buffer.alloc(0), snapshot: activeSnapshot(deps) });
  const question = arrived.route.translate(wire);
  if (question.kind !== "reply") throw new RemitError("internal", "a published route may not ask");
  return question.reply;
}

function activeSnapshot({ engine }: DialectRouteDeps): PolicySnapshot {
  const snapshot = engine.current();
  if (snapshot === undefined) throw new RemitError("not_ready", "no bundle is active");
  return snapshot;
}

function limitsOf(deps: DialectRouteDeps, { results }: DialectRoute): BodyLimits {
  return results === true ? deps.outcomeLimits : deps.bodyLimits;
}

function byCredential(deps: DialectRouteDeps, { dialect, request }: Arrived): Pep | Promise<Pep> {
  return deps.authenticate(request, { dialect: dialect.name, anyOf: ["decide"] });
}

function bySignature(deps: DialectRouteDeps, { dialect, route }: Arrived, { head, bytes }: { head: WireHead; bytes: Buffer }): Pep {
  const signature = route.signed?.(head);
  if (signature === undefined) throw new RemitError("pep_unauthenticated", "no signature");
  const pep = deps.authenticateSigned(signature, signature.signedBytes(bytes), dialect.name);
  const { signedAtMs } = signature;
  if (signedAtMs !== null && !(Math.abs(deps.clock.nowMs() - signedAtMs) <= deps.signatureAgeMsMax))
    throw new RemitError("pep_unauthenticated", "the signature is too old, or from the future; compare the clocks");
  return pep;
}

interface Parts {
  readonly head: WireHead;
  readonly bytes: Buffer;
  readonly snapshot: PolicySnapshot;
}

function toWireRequest(deps: DialectRouteDeps, { route, request }: Arrived, { head, bytes, snapshot }: Parts): WireRequest {
  const { bundle, entrypoints } = snapshot;
  const limits = limitsOf(deps, route);
  return {
    ...head,
    bytes,
    body: parseBody(request, bytes, route.body, limits),
    claims: claimsOf(head.headers, deps.identityHeaders),
    token: agentToken(deps, head),
    identityIn: (held) => ({
      claims: claimsOf(held, deps.identityHeaders),
      token: agentToken({ ...deps, anonymous: true }, { headers: held }),
    }),
    policy: { bundle, entrypoints },
    parse: (inner) => parseStrictJson(inner, limits),
    nowMs: deps.clock.nowMs(),
  };
}

const bearer = /^bearer +(\S+)$/i;

/** Beside `X-API-Key`, or where nobody need authenticate, `Authorization` is the agent's, as a proxy forwards it. */
function agentToken(
  { agentTokens, anonymous }: Pick<DialectRouteDeps, "agentTokens" | "anonymous">,
  { headers }: Pick<WireHead, "headers">,
): string | null {
  if (!agentTokens) return null;
  const own = headers["x-remit-token"];
  if (typeof own === "string" && own !== "") return own;
  if (!anonymous && headers["x-api-key"] === undefined) return null;
  const { authorization } = headers;
  if (typeof authorization !== "string") return null;
  // Of another scheme it is a credential too, that cannot be verified: it must not look like none.
  return bearer.exec(authorization)?.[1] ?? authorization.slice(0, 256);
}

interface Asking extends Arrived {
  readonly pep: Pep;
  readonly snapshot: PolicySnapshot;
  readonly wire: WireRequest;
}

async function ask(deps: DialectRouteDeps, asking: Asking): Promise<WireReply> {
  const question = asking.route.translate(asking.wire);
  switch (question.kind) {
    case "reply":
      return question.reply;
    case "calls":
      return question.reply(await askCalls(deps, asking, question));
    case "queries":
      return askQueries(deps, asking, question);
    default:
      return question.reply(await tellOutcome(deps, asking, question));
  }
}

/** One after the other: later calls see what the session became by earlier ones. Others get their turn in between, since a decision rarely waits. */
async function askCalls(deps: DialectRouteDeps, asking: Asking, question: CallsQuestion): Promise<readonly Answered[]> {
  const { calls, references, until } = question;
  if (calls.length === 0) throw new RemitError("internal", "a question without a call");
  if (calls.length > deps.batchMax) throw tooMany(deps.batchMax);
  const batchId = calls.length === 1 ? null : deps.newId(deps.clock.nowMs());
  const answers: Answered[] = [];
  for (const [index, call] of calls.entries()) {
    if (index > 0) await nextTurn();
    const answered = await decideOne(deps, asking, { call, batchId });
    if (answered.kind === "decided") await keepReference(deps, asking, references?.[index] ?? null, answered);
    if (answered.kind === "error" && answered.error.status >= 500) deps.observer.fault(answered.error, asking.info.id);
    answers.push(answered);
    if (until?.(answered) === true) break;
  }
  return answers;
}

async function decideOne(
  deps: DialectRouteDeps,
  asking: Asking,
  { call, batchId }: { readonly call: ToolCall | RemitError; readonly batchId: string | null },
): Promise<Answered> {
  if (call instanceof RemitError) return { kind: "invalid", error: call };
  return deps.decide(call, asking.pep, { ...contextOf(deps, asking), batchId });
}

function tooMany(batchMax: number): RemitError {
  return new RemitError("request_invalid", `more than ${batchMax} calls in one request; split them`);
}

/** Without its name an outcome cannot be told: the reservation then ends as the catalog says, so a store that fails now changes no decision. */
async function keepReference(
  deps: DialectRouteDeps,
  { pep, info }: Asking,
  reference: string | null,
  answered: DecidedOutcome,
): Promise<void> {
  if (reference === null || !answered.decision.allow) return;
  try {
    await rememberReference(deps.sessions, { tenant: pep.tenant, pepId: pep.id, reference }, answered.decisionId, deps.clock.nowMs());
  } catch (thrown) {
    deps.observer.fault(toRemitError(thrown), info.id);
  }
}

function contextOf(deps: DialectRouteDeps, { dialect, info, snapshot }: Asking): DecideContext & { readonly snapshot: PolicySnapshot } {
  const { id, requestedBy, traceId, spanId } = info;
  const signal = deps.deadline(deps.clock.nowMs());
  return { dialect: dialect.name, requestId: id, requestedBy, traceId, spanId, signal, batchId: null, snapshot };
}

/** Others get their turn between two of them: each may take as long as a decision. */
async function askQueries(deps: DialectRouteDeps, asking: Asking, { queries, until, reply }: QueriesQuestion): Promise<WireReply> {
  if (queries.length > deps.batchMax) throw tooMany(deps.batchMax);
  const batchId = queries.length === 1 ? null : deps.newId(deps.clock.nowMs());
  const answers: QueryAnswer[] = [];
  for (const query of queries) {
    if (answers.length > 0) await nextTurn();
    const answer = deps.query(query, asking.pep, { ...contextOf(deps, asking), batchId });
    answers.push(answer);
    if (until?.(answer) === true) break;
  }
  return reply(answers, batchId);
}

/** Null when it was remembered, or when no call waits under the reference. */
async function tellOutcome(deps: DialectRouteDeps, { pep, info, snapshot }: Asking, question: OutcomeQuestion): Promise<RemitError | null> {
  try {
    const { reference, status, result } = question;
    const nowMs = deps.clock.nowMs();
    const decisionId = await findReference(deps.sessions, { tenant: pep.tenant, pepId: pep.id, reference }, nowMs);
    if (decisionId === null) return null;
    const report = { decisionId, status, result, labels: [], records: null };
    await recordOutcome(deps, { pep, data: snapshot.data, cause: causeOf(pep, info) }, { report, digest: digestOfResult(result) });
    return null;
  } catch (thrown) {
    const error = toRemitError(thrown);
    deps.observer.fault(error, info.id);
    return error;
  }
}

function digestOfResult(result: OutcomeQuestion["result"]): string | null {
  return result === undefined ? null : digestOf(result);
}
