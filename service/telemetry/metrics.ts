import { collectDefaultMetrics, Registry } from "prom-client";
import type { SessionEventName } from "../decide/decision-record.ts";
import type { BundleId, DecisionEvent, DecisionMetrics } from "../decide/ports.ts";
import type { RemitError } from "../errors.ts";
import { cleanLabelValue, type MetricFamily } from "./metric-family.ts";
import { type Count, createMakers, type Makers, type Observation } from "./metric-makers.ts";
import { noneValue, policyErrorKinds } from "./metric-table.ts";

/** All counting of the service. No method throws or does I/O; those named in the hot path cost about a microsecond. */
export interface Metrics {
  readonly decisions: DecisionMetrics;
  /** Whether the service takes traffic: a function is asked at each scrape, a value holds until the next call. */
  ready(ready: boolean | (() => boolean)): void;
  /** A bundle went live; replaces the info series of the earlier one. `last_good`: instead of the one at the source, which was refused. */
  bundleActivated(bundle: BundleId, nowMs: number, from?: "source" | "last_good"): void;
  /** A load found the bytes of the active bundle again. */
  bundleUnchanged(): void;
  /** A bundle failed the load gate; `code` is an error code. */
  bundleRefused(bundle: string, code: string): void;
  /** An evaluation outside a decision failed (masking, a data query); decisions count theirs themselves. */
  policyFailed(kind: string): void;
  /** A plain question to an entrypoint was answered, in the hot path of those who ask them. */
  queried(event: { readonly dialect: string; readonly outcome: "value" | "undefined" | "error"; readonly error: RemitError | null }): void;
  /** `issuer`: as configured, null when the token names no configured one. `result`: `verified`, `cached` or the reason code. */
  tokenVerified(issuer: string | null, result: string): void;
  /** `pep`: configured id, null when none matched. `result`: `accepted` or the error code. */
  pepAuthenticated(pep: string | null, result: string): void;
  /** An answer of the session store, in the hot path; `failed` when there was none. */
  sessionStore(operation: "read" | "change", durationS: number, failed: boolean): void;
  /** An event of a session was recorded; `status` of an outcome or an access request, else null. */
  sessionEvent(event: SessionEventName, status: string | null): void;
  recordsWritten(count: number, bytes: number): void;
  recordWriteFailed(): void;
  recordsPending(count: number): void;
  httpFinished(request: FinishedRequest): void;
  inFlight(count: number): void;
  requestShed(): void;
  /** The exposition of every metric, in Prometheus' text format 0.0.4. */
  render(): Promise<string>;
  readonly contentType: string;
}

/** `path`: the route template (`/sessions/{id}`), never the path as sent; null when no route matched. */
export interface FinishedRequest {
  readonly path: string | null;
  readonly method: string;
  readonly code: number;
  readonly durationS: number;
}

interface MetricsOptions {
  readonly version: string;
  /** Where the metrics are registered; a registry of their own when left out. */
  readonly registry?: Registry;
  /** Also expose prom-client's `process_*` and `nodejs_*` metrics; default true. They start observers that last as long as the process. */
  readonly runtime?: boolean;
  /** Hard bound on the series of one metric, buckets counted; default 2,000. */
  readonly seriesMax?: number;
}

/** Creates and registers every metric of the table. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = options.registry ?? new Registry();
  if (options.runtime ?? true) collectDefaultMetrics({ register: registry });
  const make = createMakers(registry, options.seriesMax ?? 2000);
  make.gauge("remit_build_info").set({ version: options.version, node: process.version }, 1);
  make.utilization();
  const policyErrors = make.counters("remit_policy_errors_total");
  return {
    decisions: createDecisionMetrics(make, policyErrors),
    ...createBundleMetrics(make),
    ...createQueryMetrics(make, policyErrors),
    policyFailed: (kind) => policyErrors.series(kind).inc(),
    ...createIdentityMetrics(make),
    ...createSessionMetrics(make),
    ...createRecordMetrics(make),
    ...createHttpMetrics(make),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function createDecisionMetrics(make: Makers, policyErrors: MetricFamily<Count>): DecisionMetrics {
  const decisions = make.counters("remit_decisions_total");
  const durations = make.histograms("remit_decision_duration_seconds");
  const evaluations = make.histograms("remit_evaluation_duration_seconds").series();
  const tools = make.counters("remit_tool_decisions_total");
  const conflicts = make.counters("remit_session_conflicts_total").series();
  const errorKinds: ReadonlySet<string> = new Set(policyErrorKinds);
  return {
    decided(event: DecisionEvent) {
      decisions.series(event.dialect, event.outcome, event.reason, event.class).inc();
      observe(durations.series(event.dialect), event.durationS);
      if (event.attempts > 1) conflicts.inc(event.attempts - 1);
      if (event.evaluationS !== null) observe(evaluations, event.evaluationS);
      if (event.tool !== null) tools.series(event.tool.server ?? noneValue, event.tool.name, event.outcome).inc();
      if (event.failure !== null && errorKinds.has(event.failure.code)) policyErrors.series(event.failure.code).inc();
    },
  };
}

/** prom-client throws on what is not a number, and telemetry must never fail a decision. */
function observe(series: Observation, seconds: number): void {
  if (Number.isFinite(seconds) && seconds >= 0) series.observe(seconds);
}

function createQueryMetrics(make: Makers, policyErrors: MetricFamily<Count>): Pick<Metrics, "queried"> {
  const queries = make.counters("remit_queries_total");
  const errorKinds: ReadonlySet<string> = new Set(policyErrorKinds);
  return {
    queried({ dialect, outcome, error }) {
      queries.series(dialect, outcome).inc();
      if (error !== null && errorKinds.has(error.code)) policyErrors.series(error.code).inc();
    },
  };
}

function createBundleMetrics(make: Makers): Pick<Metrics, "ready" | "bundleActivated" | "bundleUnchanged" | "bundleRefused"> {
  const info = make.gauge("remit_bundle_info");
  const activation = make.gauge("remit_bundle_activation_timestamp_seconds");
  const opaActivation = make.gauge("last_success_bundle_activation");
  const loads = make.counters("remit_bundle_loads_total");
  const opaLoaded = make.counters("bundle_loaded_counter");
  const opaFailed = make.counters("bundle_failed_load_counter");
  const ready = make.sampled("remit_ready");
  const lastLoad = make.sampled("remit_bundle_last_load_successful", 1);
  return {
    ready: (isReady) => ready(() => Number(typeof isReady === "function" ? isReady() : isReady)),
    bundleActivated(bundle, nowMs, from = "source") {
      const [name, revision] = [cleanLabelValue(bundle.name), cleanLabelValue(bundle.revision)];
      for (const gauge of [info, activation, opaActivation]) gauge.reset();
      info.set({ bundle: name, revision, digest: cleanLabelValue(bundle.digest) }, 1);
      activation.set({ bundle: name }, nowMs / 1000);
      opaActivation.set({ name, active_revision: revision }, nowMs * 1e6);
      loads.series("activated").inc();
      opaLoaded.series(name).inc();
      if (from === "source") lastLoad(1);
    },
    bundleUnchanged() {
      loads.series("unchanged").inc();
      lastLoad(1);
    },
    bundleRefused(bundle, code) {
      lastLoad(0);
      loads.series("refused").inc();
      opaFailed.series(bundle, code).inc();
    },
  };
}

function createIdentityMetrics(make: Makers): Pick<Metrics, "tokenVerified" | "pepAuthenticated"> {
  const tokens = make.counters("remit_token_verifications_total");
  const peps = make.counters("remit_pep_authentications_total");
  return {
    tokenVerified: (issuer, result) => tokens.series(issuer ?? noneValue, result).inc(),
    pepAuthenticated: (pep, result) => peps.series(pep ?? noneValue, result).inc(),
  };
}

function createSessionMetrics(make: Makers): Pick<Metrics, "sessionStore" | "sessionEvent"> {
  const durations = make.histograms("remit_session_store_duration_seconds");
  const errors = make.counters("remit_session_store_errors_total").series();
  const events = make.counters("remit_session_events_total");
  const outcomes = make.counters("remit_outcomes_total");
  const requests = make.counters("remit_access_requests_total");
  return {
    sessionStore(operation, durationS, failed) {
      observe(durations.series(operation), durationS);
      if (failed) errors.inc();
    },
    sessionEvent(event, status) {
      events.series(event).inc();
      if (status === null) return;
      if (event === "outcome_reported") outcomes.series(status).inc();
      else requests.series(status).inc();
    },
  };
}

function createRecordMetrics(make: Makers): Pick<Metrics, "recordsWritten" | "recordWriteFailed" | "recordsPending"> {
  const records = make.counters("remit_decision_log_records_total").series();
  const bytes = make.counters("remit_decision_log_bytes_total").series();
  const failures = make.counters("remit_decision_log_write_errors_total").series();
  return {
    recordsWritten(count, written) {
      if (count > 0) records.inc(count);
      if (written > 0) bytes.inc(written);
    },
    recordWriteFailed: () => failures.inc(),
    recordsPending: make.sampled("remit_decision_log_pending_records"),
  };
}

function createHttpMetrics(make: Makers): Pick<Metrics, "httpFinished" | "inFlight" | "requestShed"> {
  const requests = make.counters("remit_http_requests_total");
  const opaDurations = make.histograms("http_request_duration_seconds");
  const shed = make.counters("remit_requests_shed_total").series();
  return {
    httpFinished(request) {
      const path = request.path ?? "unmatched";
      const code = String(request.code);
      requests.series(path, request.method, code).inc();
      observe(opaDurations.series(code, path.startsWith("/") ? path.slice(1) : path, request.method), request.durationS);
    },
    inFlight: make.sampled("remit_requests_in_flight"),
    requestShed: () => shed.inc(),
  };
}
