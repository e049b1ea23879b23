import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import type { DecisionEvent } from "../../../service/decide/ports.ts";
import { RemitError } from "../../../service/errors.ts";
import { type MetricSpec, metricTable } from "../../../service/telemetry/metric-table.ts";
import { createMetrics } from "../../../service/telemetry/metrics.ts";

const event: DecisionEvent = {
  dialect: "native",
  outcome: "allow",
  reason: "class_allowed",
  class: "read",
  tool: { server: "files", name: "read_file" },
  failure: null,
  decisionId: "d-1",
  attempts: 1,
  durationS: 0.0003,
  evaluationS: 0.00004,
};

function create(seriesMax?: number) {
  return createMetrics({ version: "1.2.3", runtime: false, ...(seriesMax === undefined ? {} : { seriesMax }) });
}

function samples(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]));
}

describe("decisions", () => {
  it("counts a decision by dialect, outcome, reason and class, and its durations", async () => {
    const metrics = create();
    metrics.decisions.decided(event);
    metrics.decisions.decided({ ...event, outcome: "deny", reason: "class_denied", durationS: 0.3, evaluationS: null });
    const seen = samples(await metrics.render());
    expect(seen.get('remit_decisions_total{dialect="native",decision="allow",reason="class_allowed",class="read"}')).toBe(1);
    expect(seen.get('remit_decisions_total{dialect="native",decision="deny",reason="class_denied",class="read"}')).toBe(1);
    expect(seen.get('remit_decision_duration_seconds_count{dialect="native"}')).toBe(2);
    expect(seen.get('remit_decision_duration_seconds_bucket{le="0.0005",dialect="native"}')).toBe(1);
    expect(seen.get("remit_evaluation_duration_seconds_count")).toBe(1);
    expect(seen.get('remit_tool_decisions_total{server="files",tool="read_file",decision="deny"}')).toBe(1);
  });

  it("counts every time a decision was judged again", async () => {
    const metrics = create();
    metrics.decisions.decided(event);
    metrics.decisions.decided({ ...event, attempts: 4 });
    expect(samples(await metrics.render()).get("remit_session_conflicts_total")).toBe(3);
  });

  it("keeps counting over several scrapes", async () => {
    const metrics = create();
    for (let scrape = 1; scrape <= 3; scrape += 1) {
      metrics.decisions.decided(event);
      const seen = samples(await metrics.render());
      expect(seen.get('remit_decisions_total{dialect="native",decision="allow",reason="class_allowed",class="read"}')).toBe(scrape);
    }
  });

  it("counts tools outside the catalog nowhere by name", async () => {
    const metrics = create();
    metrics.decisions.decided({ ...event, tool: null });
    expect(await metrics.render()).not.toContain("remit_tool_decisions_total{");
  });

  it("counts failed evaluations by kind, and other failures not as policy errors", async () => {
    const metrics = create();
    const failure = new RemitError("policy_timeout", "out of fuel");
    metrics.decisions.decided({ ...event, outcome: "deny", reason: "policy_timeout", failure });
    metrics.decisions.decided({
      ...event,
      outcome: "error",
      reason: "record_failed",
      failure: new RemitError("record_failed", "disk is full"),
    });
    metrics.policyFailed("policy_error");
    const seen = samples(await metrics.render());
    expect(seen.get('remit_policy_errors_total{kind="policy_timeout"}')).toBe(1);
    expect(seen.get('remit_policy_errors_total{kind="policy_error"}')).toBe(1);
    expect(seen.get('remit_policy_errors_total{kind="other"}')).toBe(0);
  });

  it("survives durations that are no numbers", async () => {
    const metrics = create();
    for (const durationS of [Number.NaN, Number.POSITIVE_INFINITY, -1])
      metrics.decisions.decided({ ...event, durationS, evaluationS: durationS });
    const seen = samples(await metrics.render());
    expect(seen.get('remit_decisions_total{dialect="native",decision="allow",reason="class_allowed",class="read"}')).toBe(3);
    expect(seen.get("remit_evaluation_duration_seconds_count")).toBe(0);
  });
});

describe("cardinality", () => {
  it("stays constant under 100,000 random names in every label", async () => {
    const metrics = create();
    const throwNames = (from: number, to: number) => {
      for (let index = from; index < to; index += 1) throwName(metrics, `name ${index} ${Math.random()}`);
    };
    throwNames(0, 50_000);
    const before = samples(await metrics.render());
    throwNames(50_000, 100_000);
    const text = await metrics.render();
    expect(new Set(samples(text).keys())).toEqual(new Set(before.keys()));
    // Six metrics at their bound of 2,000 lines; real traffic makes some hundred.
    expect(before.size).toBeLessThan(12_500);
    expect(text.length).toBeLessThan(2_000_000);
    expect(samples(text).get('remit_tool_decisions_total{server="other",tool="other",decision="allow"}')).toBeGreaterThan(99_000);
  });

  it("loses no event to the bounds", async () => {
    const metrics = create(10);
    for (let index = 0; index < 1000; index += 1) metrics.decisions.decided({ ...event, reason: `reason_${index}` });
    const counts = [...samples(await metrics.render())].filter(([name]) => name.startsWith("remit_decisions_total"));
    expect(counts.length).toBeLessThanOrEqual(11);
    expect(counts.reduce((sum, [, count]) => sum + count, 0)).toBe(1000);
  });

  it("keeps closed labels when open ones overflow", async () => {
    const metrics = create(2);
    for (let index = 0; index < 10; index += 1) metrics.decisions.decided({ ...event, reason: `reason_${index}` });
    metrics.decisions.decided({ ...event, outcome: "deny", reason: "late" });
    const seen = samples(await metrics.render());
    expect(seen.get('remit_decisions_total{dialect="other",decision="deny",reason="other",class="read"}')).toBe(1);
  });

  it("bounds every label in the table", () => {
    for (const [name, spec] of Object.entries<MetricSpec>(metricTable))
      for (const [label, bound] of Object.entries(spec.labels))
        expect("values" in bound || "distinctMax" in bound || ("single" in bound && spec.type === "gauge"), `${name} ${label}`).toBe(true);
  });

  it.each([
    ["a line break", "a\nremit_ready 1", "a_remit_ready 1"],
    ["a quote and a backslash", 'a"\\', 'a\\"\\\\'],
    ["a bidi control", "a\u202eb", "a_b"],
    ["a lone surrogate", "a\ud800b", "a_b"],
    ["prom-client's own separator", "a,tool:b", "a_tool:b"],
    ["nothing", "", "none"],
    ["a long text", "x".repeat(5000), "x".repeat(128)],
  ])("exposes a label value with %s safely", async (_what, value, shown) => {
    const metrics = create();
    metrics.tokenVerified(value, "verified");
    expect(samples(await metrics.render()).get(`remit_token_verifications_total{issuer="${shown}",result="verified"}`)).toBe(1);
  });
});

describe("bundles", () => {
  const first = { name: "default", revision: "r1", digest: "sha256:1" };

  it("shows the active bundle only", async () => {
    const metrics = create();
    metrics.bundleActivated(first, 1_700_000_000_500);
    metrics.bundleActivated({ ...first, revision: "r2", digest: "sha256:2" }, 1_700_000_060_000);
    const text = await metrics.render();
    const seen = samples(text);
    expect(text).not.toContain('"r1"');
    expect(seen.get('remit_bundle_info{bundle="default",revision="r2",digest="sha256:2"}')).toBe(1);
    expect(seen.get('remit_bundle_activation_timestamp_seconds{bundle="default"}')).toBe(1_700_000_060);
    expect(seen.get('last_success_bundle_activation{name="default",active_revision="r2"}')).toBe(1_700_000_060_000_000_000);
    expect(seen.get('remit_bundle_loads_total{result="activated"}')).toBe(2);
  });

  it("counts refused and unchanged loads, which keep the active bundle's series", async () => {
    const metrics = create();
    expect(samples(await metrics.render()).get('remit_bundle_loads_total{result="refused"}')).toBe(0);
    metrics.bundleActivated(first, 1000);
    metrics.bundleRefused("default", "bundle_invalid");
    metrics.bundleUnchanged();
    const seen = samples(await metrics.render());
    expect(seen.get('remit_bundle_loads_total{result="refused"}')).toBe(1);
    expect(seen.get('remit_bundle_loads_total{result="unchanged"}')).toBe(1);
    expect(seen.get('bundle_failed_load_counter{name="default",code="bundle_invalid"}')).toBe(1);
    expect(seen.get('remit_bundle_info{bundle="default",revision="r1",digest="sha256:1"}')).toBe(1);
  });
});

describe("the bundle at the source", () => {
  const bundle = { name: "default", revision: "r1", digest: "sha256:1" };
  const name = "remit_bundle_last_load_successful";

  it("is shown as refused until one is accepted, whatever answers meanwhile", async () => {
    const metrics = create();
    const shown = async () => samples(await metrics.render()).get(name);
    expect(await shown()).toBe(1);
    metrics.bundleRefused("default", "bundle_invalid");
    metrics.bundleActivated(bundle, 1000, "last_good");
    expect(await shown()).toBe(0);
    metrics.bundleActivated(bundle, 2000);
    expect(await shown()).toBe(1);
    metrics.bundleRefused("default", "bundle_invalid");
    metrics.bundleUnchanged();
    expect(await shown()).toBe(1);
  });
});

describe("the rest of the service", () => {
  it("asks at each scrape whether the service is ready", async () => {
    const metrics = create();
    let ready = false;
    metrics.ready(() => ready);
    expect(samples(await metrics.render()).get("remit_ready")).toBe(0);
    ready = true;
    expect(samples(await metrics.render()).get("remit_ready")).toBe(1);
    metrics.ready(false);
    expect(samples(await metrics.render()).get("remit_ready")).toBe(0);
  });

  it("counts requests by template, and strange methods and unmatched paths under one name", async () => {
    const metrics = create();
    metrics.httpFinished({ path: "/decide", method: "POST", code: 200, durationS: 0.002 });
    metrics.httpFinished({ path: null, method: "BREW", code: 404, durationS: 0.001 });
    const seen = samples(await metrics.render());
    expect(seen.get('remit_http_requests_total{path="/decide",method="POST",code="200"}')).toBe(1);
    expect(seen.get('remit_http_requests_total{path="unmatched",method="other",code="404"}')).toBe(1);
    expect(seen.get('http_request_duration_seconds_count{code="200",handler="decide",method="POST"}')).toBe(1);
  });

  it("shows gauges as last set, and records as written", async () => {
    const metrics = create();
    metrics.inFlight(3);
    metrics.inFlight(2);
    metrics.recordsPending(7);
    metrics.ready(true);
    metrics.requestShed();
    metrics.recordsWritten(4, 6000);
    metrics.recordWriteFailed();
    metrics.pepAuthenticated(null, "pep_unauthenticated");
    const seen = samples(await metrics.render());
    expect(seen.get("remit_requests_in_flight")).toBe(2);
    expect(seen.get("remit_decision_log_pending_records")).toBe(7);
    expect(seen.get("remit_ready")).toBe(1);
    expect(seen.get("remit_requests_shed_total")).toBe(1);
    expect(seen.get("remit_decision_log_records_total")).toBe(4);
    expect(seen.get("remit_decision_log_bytes_total")).toBe(6000);
    expect(seen.get("remit_decision_log_write_errors_total")).toBe(1);
    expect(seen.get('remit_pep_authentications_total{pep="none",result="pep_unauthenticated"}')).toBe(1);
    expect(seen.get(`remit_build_info{version="1.2.3",node="${process.version}"}`)).toBe(1);
    expect(seen.get("remit_event_loop_utilization_ratio")).toBeGreaterThanOrEqual(0);
  });

  it("registers every metric of the table, and no other of ours, in the registry it is given", () => {
    const registry = new Registry();
    createMetrics({ version: "1", registry, runtime: false });
    const registered = registry.getMetricsAsArray().map((metric) => metric.name);
    expect(registered.sort()).toEqual(Object.keys(metricTable).sort());
  });

  it("adds the runtime's own metrics by default", async () => {
    const metrics = createMetrics({ version: "1" });
    const text = await metrics.render();
    for (const name of ["nodejs_eventloop_lag_p99_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"])
      expect(text).toContain(`\n${name} `);
    expect(metrics.contentType).toContain("text/plain; version=0.0.4");
  });
});

function throwName(metrics: ReturnType<typeof createMetrics>, name: string): void {
  metrics.decisions.decided({ ...event, dialect: name, reason: name, tool: { server: name, name } });
  metrics.tokenVerified(name, name);
  metrics.pepAuthenticated(name, name);
  metrics.httpFinished({ path: name, method: name, code: 200, durationS: 0.001 });
  metrics.bundleRefused(name, name);
  metrics.policyFailed(name);
}

describe("sessions", () => {
  it("times the store and counts what it did not answer", async () => {
    const metrics = create();
    metrics.sessionStore("read", 0.0004, false);
    metrics.sessionStore("change", 0.05, true);
    const seen = samples(await metrics.render());
    expect(seen.get('remit_session_store_duration_seconds_count{operation="read"}')).toBe(1);
    expect(seen.get('remit_session_store_duration_seconds_bucket{le="0.01",operation="change"}')).toBe(0);
    expect(seen.get("remit_session_store_errors_total")).toBe(1);
  });

  it("counts events, and outcomes and access requests by status too", async () => {
    const metrics = create();
    metrics.sessionEvent("outcome_reported", "failed");
    metrics.sessionEvent("access_requested", "pending");
    metrics.sessionEvent("access_decided", "approved");
    metrics.sessionEvent("terminated", null);
    const seen = samples(await metrics.render());
    expect(seen.get('remit_session_events_total{event="outcome_reported"}')).toBe(1);
    expect(seen.get('remit_session_events_total{event="terminated"}')).toBe(1);
    expect(seen.get('remit_outcomes_total{status="failed"}')).toBe(1);
    expect(seen.get('remit_access_requests_total{status="pending"}')).toBe(1);
    expect(seen.get('remit_access_requests_total{status="approved"}')).toBe(1);
    expect(seen.get('remit_access_requests_total{status="refused"}')).toBe(0);
  });
});
