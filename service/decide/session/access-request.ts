import { RemitError } from "../../errors.ts";
import { digestOf } from "../canonical.ts";
import type { Json, JsonObject } from "../json.ts";
import type { DocChange, StoredDoc } from "../ports.ts";
import { type Denial, widerGrant } from "./binding-token.ts";
import { accessRequestDoc, openRequestsDoc, principalOwner } from "./keys.ts";
import { type SessionWrite, writeSession } from "./persist.ts";
import type { SessionDeps } from "./query.ts";
import { newState } from "./state.ts";
import { stateOf } from "./state-memo.ts";
import { endedBy, type Stop, stopTargets } from "./stop.ts";
import { readDocs, untilDone } from "./until-done.ts";

/** A request that somebody approve exactly one refused call, or one wider grant. */
export interface AccessRequest {
  readonly id: string;
  readonly status: "pending" | "approved" | "refused" | "used";
  readonly denial: Denial;
  /** What would be done, as the approver sees it; null once it is decided, since nobody needs it then. */
  readonly arguments: Json;
  readonly justification: string | null;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly approver: string | null;
  readonly comment: string | null;
}

/** Who decides an access request. */
export interface Approver {
  readonly id: string;
  /** The approver's own token says so, and no agent holds it. */
  readonly verified: boolean;
  /** Somebody acts for the approver (`act`, `client_id` of an agent). */
  readonly delegate: string | null;
  readonly pep: string;
}

/** A verdict on an access request. */
export interface Verdict {
  readonly approve: boolean;
  readonly approver: Approver;
  readonly comment: string | null;
  /** Life of the session, should it begin with this approval. */
  readonly life: string;
}

/** All that wait are one document of the store: 500 of them are about 50,000 of its 65,536 characters. */
const openMax = 500;
const openPerSessionMax = 16;
const openPerPrincipalMax = 64;
/** Each may hold the largest arguments there are. */
const readMax = 100;
const approvalsMax = 16;
const keptMs = 3_600_000;

/** Opens an access request. `args` must be what was refused. Throws RemitError `request_invalid` when they are not, `session_limit` when too many wait. */
export async function openAccessRequest(
  deps: SessionDeps,
  asked: { id: string; denial: Denial; args: Json; justification: string | null },
  nowMs: number,
): Promise<AccessRequest> {
  const { id, denial, args, justification } = asked;
  if (!isRefused(denial, args)) {
    const message = "are not the arguments of the refused call";
    throw new RemitError("request_invalid", `\`/arguments\` ${message}`, { errors: [{ path: "/arguments", message }] });
  }
  const request: AccessRequest = {
    ...{ id, status: "pending", denial, arguments: args, justification, createdMs: nowMs },
    // Ends of documents are whole numbers.
    ...{ expiresMs: Math.ceil(denial.expiresMs), approver: null, comment: null },
  };
  return untilDone(async () => {
    const [stored] = await readDocs(deps, denial.tenant, [openRequestsDoc], nowMs);
    const open = openList(stored, nowMs);
    const mine: OpenRequest = [id, request.expiresMs, denial.session, principalOwner(deps.mark, denial.subject, denial.agent)];
    refuseTooMany(open, mine);
    const docs = [requestChange(request, 0, nowMs), listChange(stored, [...open, mine], nowMs)];
    return [await deps.store.change(denial.tenant, { docs, counters: [], fields: [] }, nowMs), request];
  });
}

/** Whether these are the arguments, or this is the grant, that the denial is of. */
export function isRefused({ what, session, binding }: Denial, args: Json): boolean {
  return binding === (what === widerGrant ? digestOf({ grant: args, session }) : digestOf({ arguments: args, tool: what }));
}

/** A request that waits, and whose share of the list it takes. A tuple, since all of them are one document. */
type OpenRequest = readonly [id: string, expiresMs: number, session: string, principal: string];

/** What cannot be read is a store that cannot be used, never an empty list. */
function openList(doc: StoredDoc | undefined, nowMs: number): OpenRequest[] {
  if (doc === undefined || doc.text === null) return [];
  try {
    return (JSON.parse(doc.text) as OpenRequest[]).filter(([, expiresMs]) => expiresMs > nowMs);
  } catch (cause) {
    throw new RemitError("session_store_unavailable", "the list of open access requests in the store cannot be read", { cause });
  }
}

/** No session and no principal may take the places of all others. */
function refuseTooMany(open: readonly OpenRequest[], [, , session, principal]: OpenRequest): void {
  const shares = [
    { whose: "this session", max: openPerSessionMax, count: open.filter((other) => other[2] === session).length },
    { whose: "this agent and subject", max: openPerPrincipalMax, count: open.filter((other) => other[3] === principal).length },
    { whose: "this tenant", max: openMax, count: open.length },
  ];
  for (const { whose, max, count } of shares) {
    if (count < max) continue;
    const message = `${max} access requests of ${whose} wait for a decision; no other is taken until one of them is decided or expires`;
    // The detail of a 5xx is not shown, `errors` are: whoever asks must see whose limit it is.
    throw new RemitError("session_limit", message, { retryAfterS: 60, errors: [{ path: "/", message }] });
  }
}

function listChange(doc: StoredDoc | undefined, list: readonly OpenRequest[], nowMs: number): DocChange {
  const expiresMs = Math.max(nowMs + keptMs, ...list.map(([, endsMs]) => endsMs));
  return { key: openRequestsDoc, version: doc?.version ?? 0, text: JSON.stringify(list), expiresMs, limited: false };
}

function requestChange(request: AccessRequest, version: number, nowMs: number): DocChange {
  return {
    key: accessRequestDoc(request.id),
    version,
    text: JSON.stringify(request),
    expiresMs: Math.max(nowMs + keptMs, request.expiresMs),
    limited: false,
  };
}

/** Access requests that wait for a decision. */
export interface OpenAccessRequests {
  /** At most 100, oldest first. */
  readonly requests: readonly AccessRequest[];
  /** Others wait, too; they are seen when some of these are decided or expire. */
  readonly more: boolean;
}

/** Those that have waited longest for a decision. Throws RemitError `session_store_unavailable`. */
export async function openAccessRequests(deps: SessionDeps, tenant: string, nowMs: number): Promise<OpenAccessRequests> {
  const [stored] = await readDocs(deps, tenant, [openRequestsDoc], nowMs);
  const open = openList(stored, nowMs);
  const keys = open.slice(0, readMax).map(([id]) => accessRequestDoc(id));
  const read = await readDocs(deps, tenant, keys, nowMs);
  const requests = read.filter(({ text }) => text !== null).map(({ text }) => JSON.parse(text ?? "") as AccessRequest);
  return { requests, more: open.length > readMax };
}

/** One access request; `used` once the call it approved was allowed. Throws RemitError `approval_unknown`. */
export async function accessRequest(deps: SessionDeps, tenant: string, id: string, nowMs: number): Promise<AccessRequest> {
  const { request } = await load(deps, tenant, id, nowMs);
  if (request.status !== "approved") return request;
  const [session] = await readDocs(deps, tenant, [request.denial.session], nowMs);
  const text = session?.text ?? null;
  const waits = text !== null && stateOf({ tenant, doc: request.denial.session }, text).approvals.some((approval) => approval.id === id);
  return waits || request.expiresMs <= nowMs ? request : { ...request, status: "used" };
}

async function load(deps: SessionDeps, tenant: string, id: string, nowMs: number) {
  const [stored] = await readDocs(deps, tenant, [accessRequestDoc(id)], nowMs);
  if (stored === undefined || stored.text === null) throw new RemitError("approval_unknown", `no access request \`${id}\``);
  return { request: JSON.parse(stored.text) as AccessRequest, version: stored.version };
}

/**
 * Approves or refuses; an approval lets exactly this call pass once, until it expires.
 * Throws RemitError `approval_unknown`, `approval_forbidden`, `approval_conflict`, `session_ended`, `session_conflict`.
 */
export async function decideAccessRequest(
  deps: SessionDeps,
  tenant: string,
  id: string,
  verdict: Verdict,
  nowMs: number,
): Promise<AccessRequest> {
  return untilDone(async () => {
    const { request, version } = await load(deps, tenant, id, nowMs);
    if (request.status !== "pending") throw new RemitError("approval_conflict", `\`${id}\` was ${request.status} before`);
    if (request.expiresMs <= nowMs) throw new RemitError("approval_conflict", `\`${id}\` has expired`);
    refuseRequester(request.denial, verdict.approver);
    const { approver, comment } = verdict;
    const decided: AccessRequest = {
      ...request,
      status: verdict.approve ? "approved" : "refused",
      arguments: null,
      approver: approver.id,
      comment,
    };
    const targets = stopTargets(deps.mark, request.denial);
    const asked = [openRequestsDoc, request.denial.session, ...targets.map(({ doc }) => doc)];
    const [stored, session, ...blocks] = await readDocs(deps, tenant, asked, nowMs);
    const list = openList(stored, nowMs).filter(([open]) => open !== id);
    const docs = [requestChange(decided, version, nowMs), listChange(stored, list, nowMs)];
    if (!verdict.approve) return [await deps.store.change(tenant, { docs, counters: [], fields: [] }, nowMs), decided];
    const stops = targets.map(({ kind }, i) => ({ kind, stored: blocks[i] }));
    const written = withApproval(deps, { request, verdict, stored: session, stops, nowMs });
    const change = { docs: [...docs, written.doc], counters: [], fields: written.values };
    return [await deps.store.change(tenant, change, nowMs), decided];
  });
}

/** Whoever asked may not approve: not the agent, not somebody acting for a person, not the enforcement point that asked. */
function refuseRequester(denial: Denial, approver: Approver): void {
  if (approver.id === denial.agent) throw new RemitError("approval_forbidden", "the requesting agent may not approve its own call");
  if (denial.agent === null && approver.id === denial.subject)
    throw new RemitError("approval_forbidden", `\`${approver.id}\` asked for it without an agent; somebody else must approve`);
  if (approver.delegate !== null)
    throw new RemitError(
      "approval_forbidden",
      `the approver's token is held by \`${approver.delegate}\`; an approval must come from a person alone`,
    );
  if (!approver.verified && approver.pep === denial.pep)
    throw new RemitError(
      "approval_forbidden",
      `enforcement point \`${denial.pep}\` asked for it; approve through another, or with the approver's own token`,
    );
}

interface SessionParts {
  readonly request: AccessRequest;
  readonly verdict: Verdict;
  readonly stored: StoredDoc | undefined;
  readonly stops: readonly Stop[];
  readonly nowMs: number;
}

function withApproval(deps: SessionDeps, { request, verdict, stored, stops, nowMs }: SessionParts): SessionWrite {
  const { denial, id, expiresMs } = request;
  const place = { tenant: denial.tenant, doc: denial.session };
  const state = stored === undefined || stored.text === null ? newState(verdict.life, nowMs) : stateOf(place, stored.text);
  // An approval neither wakes a session that was ended nor begins one that would live when a block is lifted.
  const ended = endedBy(state, stops);
  if (ended !== null) throw new RemitError("session_ended", `the session was ended by its ${ended.by}: ${ended.reason}`);
  const living = state.approvals.filter((approval) => approval.expiresMs > nowMs);
  if (living.length >= approvalsMax) throw new RemitError("approval_conflict", `${approvalsMax} approvals of this session wait to be used`);
  const { binding, codes } = denial;
  state.approvals = [...living, { id, binding, codes: [...codes], approver: verdict.approver.id, expiresMs }];
  return writeSession(deps, { ...place, version: stored?.version ?? 0 }, state, nowMs);
}

/** What a decided or open request says of its arguments and identity, for records: never the arguments themselves. */
export function accessRequestFacts(request: AccessRequest): JsonObject {
  const { id, status, approver, denial } = request;
  return {
    access_request: id,
    status,
    approver,
    decision_id: denial.decisionId,
    tool: denial.what,
    binding: denial.binding,
    codes: [...denial.codes],
  };
}
