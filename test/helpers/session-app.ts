import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createDecide } from "../../service/decide/decide.ts";
import type { SessionEvent } from "../../service/decide/decision-record.ts";
import type { JsonObject } from "../../service/decide/json.ts";
import type { PolicyInput } from "../../service/decide/policy-input-schema.ts";
import type { PolicySnapshot, TokenResult, TokenVerifier } from "../../service/decide/ports.ts";
import { createEventRecorder } from "../../service/decide/session/events.ts";
import type { SessionDeps } from "../../service/decide/session/query.ts";
import type { Pep } from "../../service/decide/tool-call.ts";
import { RemitError } from "../../service/errors.ts";
import { type AppDeps, createApp } from "../../service/http/app.ts";
import { createHttpServer } from "../../service/http/server.ts";
import { requireDialect, requirePermission } from "../../service/identity/pep.ts";
import { uuid7 } from "../../service/ids.ts";
import { allowing } from "./decisions.ts";
import { noDialects } from "./no-dialects.ts";
import { memorySessions } from "./sessions.ts";

/** Enforcement points by the API key that they send here, which is their id. */
const peps: readonly Pep[] = [
  pepOf("gateway", { dialects: ["*"], permissions: ["decide", "grant"], assertsSubject: true }),
  pepOf("desk", { permissions: ["approve"], assertsSubject: true }),
  pepOf("ops", { permissions: ["operate"] }),
  pepOf("everything", { permissions: ["decide", "grant", "approve", "operate"], assertsSubject: true }),
  pepOf("silent", { permissions: ["decide", "grant", "approve"] }),
  pepOf("other", { tenant: "other", permissions: ["decide", "grant", "approve", "operate"], assertsSubject: true }),
];

function pepOf(id: string, more: Partial<Pep>): Pep {
  return { id, tenant: "acme", dialects: ["native"], permissions: [], assertsSubject: false, annotationsTrusted: false, ...more };
}

/** An answer of the service. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly body: any;
}

interface Options {
  /** What the policy adds to an allow. */
  readonly policy?: (input: PolicyInput) => JsonObject;
  readonly tools?: JsonObject;
  /** Results of verification by token; others are rejected. */
  readonly tokens?: Readonly<Record<string, TokenResult>>;
  readonly deps?: Partial<AppDeps>;
  readonly sessions?: Partial<SessionDeps>;
}

/** The whole edge over HTTP, with a policy of the test's own, sessions in memory and a clock that the test moves. */
export async function startApp(options: Options = {}) {
  const clock = { ms: Date.UTC(2027, 0, 1), nowMs: () => clock.ms };
  const room = { full: false };
  const events: SessionEvent[] = [];
  const memory = memorySessions(options.sessions);
  const snapshot = snapshotOf(options);
  const engine = { current: () => snapshot };
  const tokens: TokenVerifier = { verify: (token) => options.tokens?.[token] ?? { kind: "rejected", reason: "token_signature" } };
  const log = {
    write() {
      if (room.full) throw new RemitError("record_failed", "full");
    },
    checkRoom() {
      if (room.full) throw new RemitError("record_failed", "full");
    },
    writeEvent: (event: SessionEvent) => void events.push(event),
  };
  const ports = { engine, tokens, ...memory.ports, log, metrics: { decided: () => undefined }, clock, newId: uuid7, labels: {} };
  const limits = { bytesMax: 65_536, depthMax: 32, nodesMax: 10_000 };
  const app = createApp({
    ...ports,
    decide: createDecide(ports),
    grantTokens: tokens,
    signedGrantsOnly: false,
    approvalClients: [],
    outcomeLimits: { ...limits, bytesMax: 200_000 },
    events: createEventRecorder({ ...ports, counted: () => undefined }),
    authenticate: (request, { dialect, anyOf }) => {
      const pep = peps.find(({ id }) => id === request.headers["x-api-key"]);
      if (pep === undefined) throw new RemitError("pep_unauthenticated", "who?");
      requireDialect(pep, dialect);
      requirePermission(pep, anyOf);
      return pep;
    },
    ...noDialects,
    deadline: () => AbortSignal.timeout(5000),
    bodyLimits: limits,
    batchMax: 10,
    inFlightMax: 100,
    observer: { finished: () => undefined, inFlight: () => undefined, shed: () => undefined, fault: () => undefined },
    openApi: {},
    draining: () => false,
    readiness: () => ({ ready: true, checks: {} }),
    metrics: { render: async () => "", contentType: "text/plain" },
    ...options.deps,
  });
  const server = createHttpServer(app, { headersTimeoutMs: 10_000, requestTimeoutMs: 10_000, keepAliveTimeoutMs: 5000 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { clock, room, events, sessions: memory.ports.sessions, ...callers(server), close: () => close(server) };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

function callers(server: Server) {
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  /** Sends bytes as they are; the answer may be of any form. */
  const raw = (
    pep: string,
    { method, path, headers, body }: { method: string; path: string; headers: Record<string, string>; body?: BodyInit },
  ) => fetch(`${base}${path}`, { method, headers: { "x-api-key": pep, ...headers }, ...(body === undefined ? {} : { body }) });
  const send = async (pep: string, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { "x-api-key": pep, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  /** A call of bot for emma in session s-1, by the gateway. */
  const decide = (name: string, args: JsonObject = {}, more: object = {}, pep = "gateway") => {
    const who = { subject: { id: "emma" }, agent: { id: "bot" }, session: { id: "s-1" } };
    return send(pep, "POST", "/decide", { tool: { server: "pay", name }, arguments: args, ...who, ...more });
  };
  return { raw, send, decide };
}

function snapshotOf({ policy, tools = {} }: Options): PolicySnapshot {
  return {
    bundle: { name: "default", revision: "r1", digest: "sha256:00" },
    data: { remit: { catalog: { tools }, config: {} } },
    entrypoints: new Set(["remit/decision"]),
    query: () => ({ kind: "undefined", evalNs: 1 }),
    evaluate: (_, given) => {
      const input = given as PolicyInput;
      return { ok: true, evalNs: 1, result: { ...allowing(input), ...policy?.(input) } };
    },
  };
}

/** A policy by which a call of the tool needs an approval. */
export function asksAbout(tool: string, expires_in_s = 600): (input: PolicyInput) => JsonObject {
  return (input) => {
    if (input.call.tool !== tool || input.session.approvals.length > 0) return {};
    const reasons = [{ code: "needs_approval", message: "ask", remedy: "ask", rule: "test", controls: [] }];
    return { allow: false, reasons, access_request: { codes: ["needs_approval"], expires_in_s } };
  };
}
