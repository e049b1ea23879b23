import type { Request } from "express";
import type { JsonObject } from "../decide/json.ts";
import {
  type AccessRequest,
  accessRequest,
  accessRequestFacts,
  decideAccessRequest,
  isRefused,
  openAccessRequest,
  openAccessRequests,
} from "../decide/session/access-request.ts";
import type { Denial } from "../decide/session/binding-token.ts";
import { sessionDoc } from "../decide/session/keys.ts";
import type { Pep, PepNeeds } from "../decide/tool-call.ts";
import {
  type AccessRequestSubmission,
  accessRequestToWire,
  checkSubmission,
  justification,
  submittedArguments,
  toApprover,
  toSubmission,
  VerdictRequest,
} from "../dialects/access-requests.ts";
import { accessRequestsPath } from "../dialects/native.ts";
import { invalidAt, parse, uuid } from "../dialects/sessions.ts";
import { RemitError } from "../errors.ts";
import { readJson } from "./body.ts";
import type { RequestInfo } from "./request-info.ts";
import { type Handler, pathParameter, type Route } from "./route.ts";
import { sendJson } from "./send.ts";
import { causeOf, type SessionRouteDeps, verifyToken } from "./session-routes.ts";

const dialect = "native";
const maySubmit: PepNeeds = { dialect, anyOf: ["decide"] };
const maySee: PepNeeds = { dialect, anyOf: ["decide", "approve"] };
const mayApprove: PepNeeds = { dialect, anyOf: ["approve"] };

/** Access requests: the service of the AuthZEN Access Request and Approval Profile, and the approvers' side of it. */
export function accessRequestRoutes(deps: SessionRouteDeps): readonly Route[] {
  const path = accessRequestsPath;
  return [
    { method: "post", path, sheddable: true, handle: submitRoute(deps) },
    { method: "get", path, sheddable: true, handle: listRoute(deps) },
    { method: "get", path: `${path}/{id}`, sheddable: true, handle: statusRoute(deps) },
    { method: "post", path: `${path}/{id}/decision`, sheddable: true, handle: verdictRoute(deps) },
  ];
}

function submitRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, maySubmit);
    const submission = toSubmission(await readJson(request, deps.bodyLimits));
    const nowMs = deps.clock.nowMs();
    const denial = denialOf(deps, submission, pep, nowMs);
    const opened = (await known(deps, submission, denial, nowMs)) ?? (await open(deps, { submission, denial, pep, info, nowMs }));
    response.setHeader("location", `${accessRequestsPath}/${opened.id}`);
    sendJson(response, 201, view(opened, pep, nowMs, true), info.id);
  };
}

/** What the binding token says was refused; what is submitted must agree with it. */
function denialOf(deps: SessionRouteDeps, submission: AccessRequestSubmission, pep: Pep, nowMs: number): Denial {
  const denial = deps.bindingTokens.read(submission.denial.binding_token, nowMs);
  if (denial === null || denial.tenant !== pep.tenant)
    throw invalidAt("/denial/binding_token", "is not one that this service gave, or has expired");
  checkSubmission(submission, denial);
  const { resource } = submission;
  if (resource.type === "grant" && sessionDoc(deps.sessions.mark, { ...denial, id: resource.id }) !== denial.session)
    throw invalidAt("/resource/id", "is not the session of the refused grant");
  return denial;
}

/** The request that the same denial has led to before, so that a submission can be repeated. */
async function known(
  deps: SessionRouteDeps,
  submission: AccessRequestSubmission,
  denial: Denial,
  nowMs: number,
): Promise<AccessRequest | null> {
  const before = await accessRequest(deps.sessions, denial.tenant, denial.decisionId, nowMs).catch(unlessUnknown);
  if (before !== null && !isRefused(denial, submittedArguments(submission))) throw otherArguments(submission);
  return before;
}

function unlessUnknown(thrown: unknown): null {
  if (thrown instanceof RemitError && thrown.code === "approval_unknown") return null;
  throw thrown;
}

function otherArguments({ resource }: AccessRequestSubmission): RemitError {
  return invalidAt(`/resource/properties/${resource.type === "tool" ? "arguments" : "grant"}`, "is not what was refused");
}

interface Submitted {
  readonly submission: AccessRequestSubmission;
  readonly denial: Denial;
  readonly pep: Pep;
  readonly info: RequestInfo;
  readonly nowMs: number;
}

async function open(deps: SessionRouteDeps, { submission, denial, pep, info, nowMs }: Submitted): Promise<AccessRequest> {
  const args = submittedArguments(submission);
  // The id of the denial's record: the same denial cannot be opened twice.
  const asked = { id: denial.decisionId, denial, args, justification: justification(submission) };
  deps.events.check();
  const opened = await openAccessRequest(deps.sessions, asked, nowMs).catch((thrown: unknown) => {
    if (thrown instanceof RemitError && thrown.code === "request_invalid") throw otherArguments(submission);
    throw thrown;
  });
  record(deps, "access_requested", opened, { pep, info });
  return opened;
}

function record(
  deps: SessionRouteDeps,
  event: "access_requested" | "access_decided",
  request: AccessRequest,
  { pep, info, more }: { readonly pep: Pep; readonly info: RequestInfo; readonly more?: JsonObject },
): void {
  const { subject, agent } = request.denial;
  const facts = { ...accessRequestFacts(request), ...more };
  deps.events.record(causeOf(pep, info), { event, subject, agent, session: null, status: request.status, facts });
}

function view(request: AccessRequest, pep: Pep, nowMs: number, withArguments: boolean): JsonObject {
  return accessRequestToWire(request, { approver: pep.permissions.includes("approve"), withArguments, nowMs });
}

function listRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, mayApprove);
    const nowMs = deps.clock.nowMs();
    const { requests, more } = await openAccessRequests(deps.sessions, pep.tenant, nowMs);
    sendJson(response, 200, { access_requests: requests.map((one) => view(one, pep, nowMs, false)), more }, info.id);
  };
}

function statusRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, maySee);
    const nowMs = deps.clock.nowMs();
    const found = await accessRequest(deps.sessions, pep.tenant, requestId(request), nowMs);
    sendJson(response, 200, view(found, pep, nowMs, true), info.id);
  };
}

function requestId(request: Request): string {
  const id = pathParameter(request, "id");
  if (uuid.safeParse(id).success) return id;
  throw new RemitError("approval_unknown", "no access request has such an id");
}

function verdictRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, mayApprove);
    const id = requestId(request);
    const body = parse(VerdictRequest, await readJson(request, deps.bodyLimits));
    const approver = toApprover(body, pep, await verifyToken(deps, deps.tokens, body.token), deps.approvalClients);
    const comment = body.comment ?? null;
    const nowMs = deps.clock.nowMs();
    deps.events.check();
    const verdict = { approve: body.decision === "approve", approver, comment, life: deps.newId(nowMs) };
    const decided = await decideAccessRequest(deps.sessions, pep.tenant, id, verdict, nowMs);
    record(deps, "access_decided", decided, { pep, info, more: { approver_verified: approver.verified, comment } });
    sendJson(response, 200, view(decided, pep, nowMs, true), info.id);
  };
}
