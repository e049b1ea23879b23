import { type ErrorPath, RemitError } from "../../errors.ts";
import { digestOf } from "../canonical.ts";
import type { Json } from "../json.ts";
import { taskWords } from "../provenance/words.ts";
import { grantName } from "./grant-view.ts";
import type { Marker } from "./keys.ts";
import type { GrantState, SessionState } from "./state.ts";

/** What a session may do, as somebody declares it; members that are left out do not limit, or stay as they were. */
export interface GrantRequest {
  readonly purpose?: string | undefined;
  /** The user's own words: what they name is provenance `task`. */
  readonly task?: string | undefined;
  /** `server/name`, or `server/*` for all whose name begins so. */
  readonly tools?: readonly string[] | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly destinations?: readonly string[] | undefined;
  readonly budgets?: Readonly<Record<string, number>> | undefined;
  readonly expires_in_s?: number | undefined;
}

/** What an approval of a wider grant is bound to: the session and exactly this grant. */
export function grantBinding(sessionDoc: string, request: GrantRequest): string {
  return digestOf({ grant: JSON.parse(JSON.stringify(request)) as Json, session: sessionDoc });
}

interface Declaration {
  readonly request: GrantRequest;
  readonly signed: boolean;
  /** Somebody approved exactly this grant, so it may widen. */
  readonly approved: boolean;
  readonly nowMs: number;
}

/** The grant after a declaration. Throws RemitError `grant_widens` with every member that widens an earlier grant. */
export function applyGrant(mark: Marker, state: SessionState, declaration: Declaration): GrantState {
  if (state.grant !== null && state.grant.request === requestMark(mark, declaration)) return state.grant;
  const next = fromRequest(mark, declaration);
  // Content that was read may have had a say in it, also when the call that read it failed.
  const old = state.grant ?? (state.recent.length > 0 ? unlimited : null);
  if (old === null) return next;
  const widened = declaration.approved ? [] : widens(old, next, declaration.request);
  if (widened.length > 0)
    throw new RemitError("grant_widens", `a later grant may only narrow; \`${widened[0]?.path}\` ${widened[0]?.message}`, {
      errors: widened,
    });
  return merge(old, next, declaration);
}

/** What a session may do whose first grant comes after its first call: anything, but no task was stated. */
const unlimited: GrantState = {
  ...{
    purpose: null,
    tools: null,
    classes: null,
    destinations: null,
    budgets: {},
    expiresMs: null,
    words: null,
    task: null,
    signed: false,
    request: "",
  },
};

function requestMark(mark: Marker, { request, signed }: Declaration): string {
  return mark(`request|${signed}|${JSON.stringify(request)}`);
}

function fromRequest(mark: Marker, declaration: Declaration): GrantState {
  const { request, signed, nowMs } = declaration;
  const { purpose, task, tools, classes, destinations, budgets, expires_in_s } = request;
  return {
    purpose: purpose ?? null,
    tools: tools === undefined ? null : [...tools],
    classes: classes === undefined ? null : [...classes],
    destinations: destinations === undefined ? null : destinations.map((destination) => mark(grantName(destination))),
    budgets: { ...budgets },
    expiresMs: expires_in_s === undefined ? null : Math.ceil(nowMs + expires_in_s * 1000),
    words: task === undefined ? null : taskWords(task).map((word) => mark(`w|${word}`)),
    task: task === undefined ? null : mark(`task|${task}`),
    signed,
    request: requestMark(mark, declaration),
  };
}

/** Every member by which the next grant allows more than the old one. */
function widens(old: GrantState, next: GrantState, request: GrantRequest): ErrorPath[] {
  const found: ErrorPath[] = [];
  const check = (name: keyof GrantRequest, wider: boolean, message: string) => {
    if (request[name] !== undefined && wider) found.push({ path: `/grant/${name}`, message });
  };
  check("task", old.task !== next.task, "states another task");
  check("purpose", old.purpose !== null && old.purpose !== next.purpose, "states another purpose");
  check("tools", !covered(next.tools, old.tools, coversTool), "names tools that the earlier grant does not");
  check("classes", !covered(next.classes, old.classes, equal), "names classes that the earlier grant does not");
  check("destinations", !covered(next.destinations, old.destinations, equal), "names destinations that the earlier grant does not");
  check(
    "budgets",
    Object.entries(next.budgets).some(([name, max]) => Object.hasOwn(old.budgets, name) && max > (old.budgets[name] ?? 0)),
    "raises a budget",
  );
  check("expires_in_s", (next.expiresMs ?? 0) > (old.expiresMs ?? Number.POSITIVE_INFINITY), "lasts longer");
  return found;
}

function covered(next: readonly string[] | null, old: readonly string[] | null, covers: (old: string, next: string) => boolean): boolean {
  return next === null || old === null || next.every((item) => old.some((allowed) => covers(allowed, item)));
}

function equal(old: string, next: string): boolean {
  return old === next;
}

/** `crm/*` covers `crm/find` and `crm/f*`. */
function coversTool(old: string, next: string): boolean {
  return old === next || (old.endsWith("*") && next.startsWith(old.slice(0, -1)));
}

/** Members that are left out stay as they were. */
function merge(old: GrantState, next: GrantState, { request, signed }: Declaration): GrantState {
  const stated = <T>(name: keyof GrantRequest, now: T, before: T): T => (request[name] === undefined ? before : now);
  return {
    purpose: stated("purpose", next.purpose, old.purpose),
    tools: stated("tools", next.tools, old.tools),
    classes: stated("classes", next.classes, old.classes),
    destinations: stated("destinations", next.destinations, old.destinations),
    budgets: { ...old.budgets, ...next.budgets },
    expiresMs: stated("expires_in_s", next.expiresMs, old.expiresMs),
    words: stated("task", next.words, old.words),
    task: stated("task", next.task, old.task),
    signed: (old === unlimited || old.signed) && signed,
    request: next.request,
  };
}
