import type { IncomingMessage, Server } from "node:http";
import { join } from "node:path";
import type { Config } from "./config/schema.ts";
import { createDecide } from "./decide/decide.ts";
import type { DecisionMetrics } from "./decide/ports.ts";
import type { DecidePorts } from "./decide/run.ts";
import { createEventRecorder } from "./decide/session/events.ts";
import type { PepNeeds } from "./decide/tool-call.ts";
import { type BatchedLog, createDecisionLog } from "./decision-log/decision-log.ts";
import { createPolicyMask } from "./decision-log/policy-mask.ts";
import { createFileSink } from "./decision-log/sinks/file.ts";
import { createStdoutSink } from "./decision-log/sinks/stdout.ts";
import { dialectDeps } from "./dialect-wiring.ts";
import { createPolicySet, type PolicySet } from "./engine/policy-set.ts";
import { describe } from "./errors.ts";
import { createApp } from "./http/app.ts";
import { createDeadlines } from "./http/deadline.ts";
import type { HttpObserver } from "./http/observer.ts";
import { createOpenApi } from "./http/openapi.ts";
import { createHttpServer } from "./http/server.ts";
import { createIdentity, type Identity } from "./identity-wiring.ts";
import { uuid7 } from "./ids.ts";
import { policySetOptions } from "./policy-wiring.ts";
import { createSessions, type Sessions } from "./session-wiring.ts";
import { createLogger, type RootLogger } from "./telemetry/logger.ts";
import { createMetrics, type Metrics } from "./telemetry/metrics.ts";
import { version } from "./version.ts";
import { warmUp } from "./warm-up.ts";

const clock = { nowMs: () => Date.now() };

/** Everything that lives as long as the service; `lifecycle.ts` starts and stops it. */
export interface Service {
  readonly config: Config;
  readonly logger: RootLogger;
  readonly metrics: Metrics;
  readonly policies: PolicySet;
  readonly identity: Identity;
  readonly sessions: Sessions;
  readonly log: BatchedLog;
  readonly server: Server;
  readonly state: ServiceState;
  /** Runs decisions through the real path until the code is compiled. */
  warmUp(): Promise<void>;
}

/** What readiness is made of. */
export interface ServiceState {
  warm: boolean;
  draining: boolean;
}

/** The wiring: the only file that names concrete adapters. Nothing is started yet. */
export function compose(config: Config): Service {
  const logger = createLogger(config.log);
  const metrics = createMetrics({ version });
  const policies = createPolicySet(policySetOptions(config, logger, metrics));
  const identity = createIdentity(config, logger, metrics);
  const log = createLog(config, { logger, metrics });
  const state: ServiceState = { warm: false, draining: false };
  const { labels } = config.decision_log;
  const sessions = createSessions(config, logger, metrics);
  const ports: DecidePorts = {
    engine: policies,
    tokens: identity.tokens,
    sessions: sessions.deps,
    turns: sessions.turns,
    bindingTokens: sessions.bindingTokens,
    log,
    metrics: loggedFailures(metrics.decisions, logger),
    clock,
    newId: uuid7,
    labels: { ...labels, id: uuid7(clock.nowMs()), version },
  };
  const parts: Parts = { config, logger, metrics, policies, identity, sessions, log, state };
  metrics.ready(() => readiness(parts).ready);
  return { ...parts, server: createServer(parts, ports), warmUp: () => warmUp(ports, config.engine.warmup_decisions) };
}

type Parts = Omit<Service, "server" | "warmUp">;

function createServer(parts: Parts, ports: DecidePorts): Server {
  const { config, metrics, policies, identity } = parts;
  const { limits } = config;
  const deadline = createDeadlines(limits.decision_deadline_ms);
  const app = createApp({
    decide: createDecide(ports),
    engine: policies,
    clock,
    newId: uuid7,
    authenticate(request: IncomingMessage, needs: PepNeeds) {
      const nowMs = clock.nowMs();
      return identity.authenticate(request, needs, nowMs, deadline(nowMs));
    },
    ...sessionDeps(parts, ports),
    ...dialectDeps(config, ports, parts),
    bundleState: policies.status,
    deadline,
    bodyLimits: { bytesMax: limits.body_bytes_max, depthMax: limits.json_depth_max, nodesMax: limits.json_nodes_max },
    batchMax: limits.batch_max,
    inFlightMax: limits.in_flight_max,
    observer: createObserver(parts),
    openApi: createOpenApi(version),
    readiness: () => readiness(parts),
    draining: () => parts.state.draining,
    metrics,
  });
  return createHttpServer(app, {
    headersTimeoutMs: limits.headers_timeout_ms,
    requestTimeoutMs: limits.request_timeout_ms,
    keepAliveTimeoutMs: limits.keep_alive_timeout_ms,
  });
}

function sessionDeps({ config, identity, sessions, log, policies, metrics }: Parts, ports: DecidePorts) {
  const { limits } = config;
  const counted = metrics.sessionEvent.bind(metrics);
  return {
    sessions: sessions.deps,
    bindingTokens: sessions.bindingTokens,
    tokens: identity.tokens,
    grantTokens: identity.grantTokens,
    signedGrantsOnly: config.sessions.grants === "signed",
    approvalClients: config.sessions.approval_clients,
    outcomeLimits: { bytesMax: limits.outcome_body_bytes_max, depthMax: limits.json_depth_max, nodesMax: limits.outcome_nodes_max },
    events: createEventRecorder({ log, engine: policies, clock, newId: uuid7, labels: ports.labels, counted }),
  };
}

/** Failures go to the service log too, under the id that the answer names. */
function loggedFailures(counted: DecisionMetrics, logger: RootLogger): DecisionMetrics {
  return {
    decided(event) {
      counted.decided(event);
      if (event.failure === null) return;
      const { code, message } = event.failure;
      logger.error("decision failed", { decision_id: event.decisionId, code, detail: message, cause: causeOf(event.failure) });
    },
  };
}

function createObserver({ metrics, logger }: Parts): HttpObserver {
  return {
    finished: (request) => metrics.httpFinished(request),
    inFlight: (count) => metrics.inFlight(count),
    shed: () => metrics.requestShed(),
    fault: (error, requestId) =>
      logger.error("request failed", { code: error.code, request_id: requestId, detail: error.message, cause: causeOf(error) }),
  };
}

function causeOf(error: Error): string | undefined {
  return error.cause === undefined ? undefined : describe(error.cause);
}

/** Ready means: a bundle is active, the path is warm, and nobody asked us to stop. Each cause is named. */
function readiness({ policies, state }: Parts) {
  const checks = {
    bundle: policies.current() === undefined ? "no bundle is active" : "ok",
    warm: state.warm ? "ok" : "warming up",
    draining: state.draining ? "shutting down" : "ok",
  };
  return { ready: Object.values(checks).every((check) => check === "ok"), checks };
}

interface LogDeps {
  readonly logger: RootLogger;
  readonly metrics: Metrics;
}

function createLog(config: Config, { logger, metrics }: LogDeps): BatchedLog {
  const settings = config.decision_log;
  const file = createFileSink(settings.file ?? join(config.var_dir, "decisions.jsonl"));
  return createDecisionLog({
    sinks: settings.stdout ? [file, createStdoutSink()] : [file],
    flushMs: settings.flush_ms,
    queueRecordsMax: settings.queue_records_max,
    queueBytesMax: settings.queue_bytes_max,
    policyMask: createPolicyMask(clock, (kind) => metrics.policyFailed(kind)),
    onWritten: (records, bytes) => metrics.recordsWritten(records, bytes),
    onPending: (records) => metrics.recordsPending(records),
    onError(error) {
      metrics.recordWriteFailed();
      logger.error("decision records could not be written", { detail: describe(error) });
    },
  });
}
