import { RemitError } from "../../errors.ts";
import { digestOf } from "../canonical.ts";
import type { Json, JsonObject } from "../json.ts";
import type { DocChange, StoredDoc } from "../ports.ts";
import { type Denial, widerGrant } from "./binding-token.ts";
import { accessRequestDoc, openRequestsDoc } from "./keys.ts";
import type { SessionDeps } from "./query.ts";
import { throwIfFull } from "./sessions.ts";
import { newState, parseState } from "./state.ts";

/** A request that somebody approve exactly one refused call, or one wider grant. */
export interface AccessRequest {
  readonly id: string;
  readonly status: "pending" | "approved" | "refused" | "used";
  readonly denial: Denial;
  /** What would be done, as the approver sees it. */
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

const openMax = 1000;
const approvalsMax = 16;
const attemptsMax = 32;
const keptMs = 86_400_000;

/** Opens an access request. `args` must be what was refused. Throws RemitError `request_invalid` when they are not, `session_limit` when too many wait. */
export async function openAccessRequest(
  deps: SessionDeps,
  asked: { id: string; denial: Denial; args: Json; justification: string | null },
  nowMs: number,
): Promise<AccessRequest> {
  const { id, denial, args, justification } = asked;
  if (boundDigest(denial, args) !== denial.binding) {
    const message = "are not the arguments of the refused call";
    throw new RemitError("request_invalid", `\`/arguments\` ${message}`, { errors: [{ path: "/arguments", message }] });
  }
  const request: AccessRequest = {
    ...{ id, status: "pending", denial, arguments: args, justification, createdMs: nowMs, expiresMs: denial.expiresMs },
    ...{ approver: null, comment: null },
  };
  await retry(async () => {
    const { docs } = await deps.store.read(denial.tenant, { docs: [openRequestsDoc], counters: [], fields: [] }, nowMs);
    const open = openList(docs[0], nowMs);
    if (open.length >= openMax)
      throw new RemitError("session_limit", `${openMax} access requests wait for a decision`, { retryAfterS: 60 });
    const list = [...open, { id, expiresMs: request.expiresMs }];
    return deps.store.change(
      denial.tenant,
      { docs: [requestChange(request, 0, nowMs), listChange(docs[0], list, nowMs)], counters: [], fields: [] },
      nowMs,
    );
  });
  return request;
}

function boundDigest({ what, session }: Denial, args: Json): string {
  return what === widerGrant ? digestOf({ grant: args, session }) : digestOf({ arguments: args, tool: what });
}

interface OpenRequest {
  readonly id: string;
  readonly expiresMs: number;
}

function openList(doc: StoredDoc | undefined, nowMs: number): OpenRequest[] {
  if (doc === undefined || doc.text === null) return [];
  return (JSON.parse(doc.text) as OpenRequest[]).filter(({ expiresMs }) => expiresMs > nowMs);
}

function listChange(doc: StoredDoc | undefined, list: readonly OpenRequest[], nowMs: number): DocChange {
  const expiresMs = Math.max(nowMs + keptMs, ...list.map((open) => open.expiresMs));
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

/** Access requests that wait for a decision, oldest first. */
export async function openAccessRequests(deps: SessionDeps, tenant: string, nowMs: number): Promise<AccessRequest[]> {
  const { docs } = await deps.store.read(tenant, { docs: [openRequestsDoc], counters: [], fields: [] }, nowMs);
  const keys = openList(docs[0], nowMs).map(({ id }) => accessRequestDoc(id));
  const read = await deps.store.read(tenant, { docs: keys, counters: [], fields: [] }, nowMs);
  return read.docs.filter(({ text }) => text !== null).map(({ text }) => JSON.parse(text ?? "") as AccessRequest);
}

/** One access request; `used` once the call it approved was allowed. Throws RemitError `approval_unknown`. */
export async function accessRequest(deps: SessionDeps, tenant: string, id: string, nowMs: number): Promise<AccessRequest> {
  const { request } = await load(deps, tenant, id, nowMs);
  if (request.status !== "approved") return request;
  const { docs } = await deps.store.read(tenant, { docs: [request.denial.session], counters: [], fields: [] }, nowMs);
  const text = docs[0]?.text ?? null;
  const waits = text !== null && parseState(text).approvals.some((approval) => approval.id === id);
  return waits || request.expiresMs <= nowMs ? request : { ...request, status: "used" };
}

async function load(deps: SessionDeps, tenant: string, id: string, nowMs: number) {
  const { docs } = await deps.store.read(tenant, { docs: [accessRequestDoc(id)], counters: [], fields: [] }, nowMs);
  const stored = docs[0];
  if (stored === undefined || stored.text === null) throw new RemitError("approval_unknown", `no access request \`${id}\``);
  return { request: JSON.parse(stored.text) as AccessRequest, version: stored.version };
}

/**
 * Approves or refuses; an approval lets exactly this call pass once, until it expires.
 * Throws RemitError `approval_unknown`, `approval_forbidden`, `approval_conflict`, `session_conflict`.
 */
export async function decideAccessRequest(
  deps: SessionDeps,
  tenant: string,
  id: string,
  verdict: Verdict,
  nowMs: number,
): Promise<AccessRequest> {
  let decided: AccessRequest | undefined;
  await retry(async () => {
    const { request, version } = await load(deps, tenant, id, nowMs);
    if (request.status !== "pending") throw new RemitError("approval_conflict", `\`${id}\` was ${request.status} before`);
    if (request.expiresMs <= nowMs) throw new RemitError("approval_conflict", `\`${id}\` has expired`);
    refuseRequester(request.denial, verdict.approver);
    const { approver, comment } = verdict;
    decided = { ...request, status: verdict.approve ? "approved" : "refused", approver: approver.id, comment };
    const read = await deps.store.read(tenant, { docs: [openRequestsDoc, request.denial.session], counters: [], fields: [] }, nowMs);
    const list = openList(read.docs[0], nowMs).filter((open) => open.id !== id);
    const docs = [requestChange(decided, version, nowMs), listChange(read.docs[0], list, nowMs)];
    if (verdict.approve) docs.push(sessionChange(deps, { request, verdict, stored: read.docs[1], nowMs }));
    return deps.store.change(tenant, { docs, counters: [], fields: [] }, nowMs);
  });
  if (decided === undefined) throw new RemitError("session_conflict", "the access request was not decided; try again", { retryAfterS: 1 });
  return decided;
}

/** Whoever asked may not approve: not the agent, not somebody acting for a person, not the enforcement point that asked. */
function refuseRequester(denial: Denial, approver: Approver): void {
  if (approver.id === denial.agent) throw new RemitError("approval_forbidden", "the requesting agent may not approve its own call");
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
  readonly nowMs: number;
}

function sessionChange(deps: SessionDeps, { request, verdict, stored, nowMs }: SessionParts): DocChange {
  const { denial, id, expiresMs } = request;
  const state = stored === undefined || stored.text === null ? newState(verdict.life, nowMs) : parseState(stored.text);
  if (state.ended !== null) throw new RemitError("session_ended", `the session was ended: ${state.ended.reason}`);
  const living = state.approvals.filter((approval) => approval.expiresMs > nowMs);
  if (living.length >= approvalsMax) throw new RemitError("approval_conflict", `${approvalsMax} approvals of this session wait to be used`);
  const { binding, codes, session } = denial;
  state.approvals = [...living, { id, binding, codes: [...codes], approver: verdict.approver.id, expiresMs }];
  return { key: session, version: stored?.version ?? 0, text: JSON.stringify(state), expiresMs: nowMs + deps.idleMs, limited: true };
}

async function retry(attempt: () => Promise<"done" | "conflict" | "over" | "full"> | "done" | "conflict" | "over" | "full"): Promise<void> {
  for (let i = 0; i < attemptsMax; i++) {
    const result = await attempt();
    if (result === "done") return;
    throwIfFull(result);
  }
  throw new RemitError("session_conflict", "others changed the same again and again; try again", { retryAfterS: 1 });
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
