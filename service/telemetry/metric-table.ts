import { sessionEventNames } from "../decide/decision-record.ts";

/** One label: what its values mean, and what bounds them. A label with neither bound would be a cardinality leak. */
export type LabelSpec =
  | { readonly meaning: string; readonly values: readonly string[] }
  | { readonly meaning: string; readonly distinctMax: number }
  | { readonly meaning: string; readonly single: true };

/** One metric: `labels` in the order its series are written, `buckets` (upper bounds, seconds) for histograms only. */
export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelSpec>>;
  readonly buckets?: readonly number[];
}

/** What stands for every label value above its bound. */
export const otherValue = "other";

/** What stands for an absent label value. */
export const noneValue = "none";

const decision = { meaning: "what was enforced", values: ["allow", "deny", "error"] } as const;
const dialect = { meaning: "wire format of the enforcement point", distinctMax: 32 } as const;
const bundle = { meaning: "name of the bundle, from the configuration", distinctMax: 16 } as const;
const method = {
  meaning: "HTTP method",
  values: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", otherValue],
} as const;
const httpCode = { meaning: "HTTP status", distinctMax: 40 } as const;

/** Failures of one evaluation; `remit_policy_errors_total` counts them, whatever the decision's outcome was. */
export const policyErrorKinds = ["policy_error", "policy_timeout", "policy_memory", "policy_undefined", "policy_result_invalid"] as const;

/**
 * Every metric of the service, apart from prom-client's own `process_*` and `nodejs_*`. Names are a contract: dashboards and alerts read them.
 * Base units only; labels come from the code, the configuration or the active bundle, never from a caller
 * (so no agent, subject, session or argument), and each is bounded even so. `docs/metrics.md` is generated from here.
 */
export const metricTable = {
  remit_build_info: {
    type: "gauge",
    help: "Always 1; the labels say what runs.",
    labels: { version: { meaning: "version of the service", single: true }, node: { meaning: "version of Node.js", single: true } },
  },
  remit_ready: { type: "gauge", help: "1 when the service takes traffic, 0 while starting or draining.", labels: {} },
  remit_decisions_total: {
    type: "counter",
    help: "Decisions answered. An `error` was enforced as a deny.",
    labels: {
      dialect,
      decision,
      reason: { meaning: "code of the first reason, or the error code", distinctMax: 200 },
      class: { meaning: "action class of the tool", values: ["read", "query", "update", "admin", noneValue] },
    },
  },
  remit_queries_total: {
    type: "counter",
    help: "Plain questions to entrypoints of the bundle, answered as OPA answers them.",
    labels: { dialect, outcome: { meaning: "what was answered", values: ["value", "undefined", "error"] } },
  },
  remit_decision_duration_seconds: {
    type: "histogram",
    help: "Time from the parsed request to the recorded decision.",
    labels: { dialect },
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  },
  remit_evaluation_duration_seconds: {
    type: "histogram",
    help: "Time inside the policy evaluation alone.",
    labels: {},
    buckets: [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
  },
  remit_tool_decisions_total: {
    type: "counter",
    help: "Decisions on tools that the active catalog knows; calls of other tools are not in it.",
    labels: {
      server: { meaning: "server of the tool, as in the catalog", distinctMax: 50 },
      tool: { meaning: "name of the tool, as in the catalog", distinctMax: 200 },
      decision,
    },
  },
  remit_policy_errors_total: {
    type: "counter",
    help: "Evaluations that gave no decision; each was a deny.",
    labels: { kind: { meaning: "error code, see docs/errors.md", values: [...policyErrorKinds, otherValue] } },
  },
  remit_bundle_info: {
    type: "gauge",
    help: "Always 1, for the active bundle only.",
    labels: {
      bundle,
      revision: { meaning: "revision in the manifest", single: true },
      digest: { meaning: "SHA-256 of what was loaded", single: true },
    },
  },
  remit_bundle_activation_timestamp_seconds: {
    type: "gauge",
    help: "When the active bundle went live, in seconds since the epoch.",
    labels: { bundle },
  },
  remit_bundle_loads_total: {
    type: "counter",
    help: "Attempts to load a bundle. After `refused` the earlier one keeps answering.",
    labels: { result: { meaning: "how it ended", values: ["activated", "unchanged", "refused"] } },
  },
  remit_bundle_last_load_successful: {
    type: "gauge",
    help: "0 from the moment a bundle at the source is refused until one is accepted, also when the last good one went live instead; else 1.",
    labels: {},
  },
  remit_token_verifications_total: {
    type: "counter",
    help: "Verifications of tokens, agents' and enforcement points'.",
    labels: {
      issuer: { meaning: "name of the configured issuer, or `none`", distinctMax: 50 },
      result: { meaning: "`verified`, `cached` (verified before and still valid), or why not", distinctMax: 40 },
    },
  },
  remit_pep_authentications_total: {
    type: "counter",
    help: "Authentications of enforcement points.",
    labels: {
      pep: { meaning: "configured id of the enforcement point, or `none`", distinctMax: 200 },
      result: { meaning: "`accepted`, or why not", distinctMax: 20 },
    },
  },
  remit_session_conflicts_total: {
    type: "counter",
    help: "Decisions judged again because others had changed the session meanwhile, once for each time.",
    labels: {},
  },
  remit_session_store_duration_seconds: {
    type: "histogram",
    help: "Time for an answer of the session store, good or bad.",
    labels: { operation: { meaning: "what was asked", values: ["read", "change"] } },
    buckets: [0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
  },
  remit_session_store_errors_total: {
    type: "counter",
    help: "Questions that the session store did not answer; policies that need the session denied then.",
    labels: {},
  },
  remit_session_events_total: {
    type: "counter",
    help: "Events of sessions recorded: outcomes, grants, endings, terminations, access requests and verdicts.",
    labels: { event: { meaning: "what happened, as in the record", values: sessionEventNames } },
  },
  remit_outcomes_total: {
    type: "counter",
    help: "Outcomes reported for the first time.",
    labels: { status: { meaning: "what became of the call", values: ["completed", "failed", "not_run"] } },
  },
  remit_access_requests_total: {
    type: "counter",
    help: "Access requests by the status they came to.",
    labels: { status: { meaning: "`pending` when opened, then what was decided", values: ["pending", "approved", "refused"] } },
  },
  remit_decision_log_records_total: { type: "counter", help: "Records written, of decisions and of session events.", labels: {} },
  remit_decision_log_bytes_total: { type: "counter", help: "Bytes of decision records written.", labels: {} },
  remit_decision_log_write_errors_total: { type: "counter", help: "Failed writes of the decision log.", labels: {} },
  remit_decision_log_pending_records: { type: "gauge", help: "Decision records taken and not yet written.", labels: {} },
  remit_http_requests_total: {
    type: "counter",
    help: "HTTP requests answered, by route template.",
    labels: { path: { meaning: "route template, or `unmatched`", distinctMax: 64 }, method, code: httpCode },
  },
  remit_requests_in_flight: { type: "gauge", help: "HTTP requests being answered.", labels: {} },
  remit_requests_shed_total: { type: "counter", help: "Requests answered 503 because too many were in flight.", labels: {} },
  remit_event_loop_utilization_ratio: {
    type: "gauge",
    help: "Share of the time since the last scrape in which the event loop was busy, 0 to 1.",
    labels: {},
  },
  http_request_duration_seconds: {
    type: "histogram",
    help: "HTTP request durations, under OPA's name and labels.",
    labels: { code: httpCode, handler: { meaning: "route template without the leading slash", distinctMax: 64 }, method },
    buckets: [1e-6, 5e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 0.01, 0.1, 1],
  },
  bundle_loaded_counter: { type: "counter", help: "Successful bundle loads, under OPA's name.", labels: { name: bundle } },
  bundle_failed_load_counter: {
    type: "counter",
    help: "Refused bundle loads, under OPA's name; without OPA's free-text `message` label.",
    labels: { name: bundle, code: { meaning: "error code", distinctMax: 20 } },
  },
  last_success_bundle_activation: {
    type: "gauge",
    help: "Nanoseconds since the epoch of the last activation, under OPA's name; the active revision only.",
    labels: { name: bundle, active_revision: { meaning: "revision in the manifest", single: true } },
  },
} as const satisfies Record<string, MetricSpec>;

/** Name of a metric in the table. */
export type MetricName = keyof typeof metricTable;
