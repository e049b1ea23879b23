import type { Json, JsonObject } from "../../../service/decide/json.ts";
import type { ToolCall } from "../../../service/decide/tool-call.ts";
import type { Answered, Dialect, Question, WireReply, WireRequest } from "../../../service/dialects/dialect.ts";
import type { RemitError } from "../../../service/errors.ts";
import { parseStrictJson } from "../../../service/json/strict-json.ts";

/** A request of an authenticated enforcement point with a JSON body. */
export function wireRequest(path: string, value: Json, more: Partial<WireRequest> = {}): WireRequest {
  return {
    method: "POST",
    path,
    query: "",
    headers: {},
    requestId: "r-1",
    bytes: Buffer.from(JSON.stringify(value)),
    body: { kind: "json", value },
    claims: { subject: null, agent: null, sessionId: null, server: null, originIp: null },
    token: null,
    policy: { bundle: { name: "default", revision: "r1", digest: "sha256:00" }, entrypoints: new Set() },
    parse: (bytes: Buffer) => parseStrictJson(bytes, { depthMax: 32, nodesMax: 10_000 }),
    nowMs: 0,
    ...more,
  } as WireRequest;
}

/** What the dialect asks for this body. Throws as the dialect does. */
export function asks(dialect: Dialect, path: string, value: Json, more: Partial<WireRequest> = {}): Question {
  const route = dialect.routes.find((candidate) => candidate.path === path);
  if (route === undefined) throw new Error(`no route ${path}`);
  return route.translate(wireRequest(path, value, more));
}

/** The calls that a question is about. */
export function callsOf(question: Question): readonly ToolCall[] {
  if (question.kind !== "calls") throw new Error(`a question of kind ${question.kind}`);
  return question.calls as readonly ToolCall[];
}

const base = { obligations: [], requiredScopes: [], acrValues: [], ttlS: 0 };
const decided = {
  kind: "decided" as const,
  decisionId: "d-1",
  timeMs: 0,
  bundle: { name: "default", revision: "r1", digest: "sha256:00" },
};

export const allowed: Answered = {
  ...decided,
  decision: { ...base, allow: true, reasons: [], effects: { labels_add: [], counters: {} } },
};
export const denied: Answered = {
  ...decided,
  decision: {
    ...base,
    allow: false,
    reasons: [{ code: "not_now", message: "not now", remedy: "later", rule: "r", controls: [] }],
    accessRequest: null,
    offer: null,
  },
};
export const underObligation: Answered = {
  ...decided,
  decision: {
    ...base,
    allow: true,
    obligations: [{ id: "o-1", type: "redact", properties: {} }],
    reasons: [],
    effects: { labels_add: [], counters: {} },
  },
};
export const broken = (error: RemitError): Answered => ({ kind: "error", decisionId: "d-2", timeMs: 0, error });

/** How the dialect renders these answers. */
export function renders(question: Question, ...answers: Answered[]): { readonly status: number; readonly body: JsonObject } {
  if (question.kind !== "calls") throw new Error(`a question of kind ${question.kind}`);
  return bodyOf(question.reply(answers));
}

export function bodyOf({ status, body }: WireReply): { readonly status: number; readonly body: JsonObject } {
  return { status, body: JSON.parse(body ?? "null") };
}
