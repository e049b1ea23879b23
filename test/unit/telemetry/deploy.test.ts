import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createMetrics } from "../../../service/telemetry/metrics.ts";
import { dashboardQueries, filesIn, readDashboards, readRules, readText, selectorsOf } from "../../helpers/deploy-files.ts";

const rules = readRules();
const alerts = rules.filter((rule) => rule.alert !== undefined);
const runbooks = filesIn("docs/runbooks/").filter((name) => name !== "README.md");

/** Names of the series that a scrape of the service, or a recording rule, can bring. */
function knownSeries(): Set<string> {
  const registry = new Registry();
  createMetrics({ version: "1", registry });
  const exposed = registry.getMetricsAsArray().flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]);
  return new Set([...exposed, "up", ...rules.flatMap(({ record }) => record ?? [])]);
}

const kebab = (name: string) => name.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();

describe("runbooks", () => {
  it("exist for each alert and for nothing else", () => {
    expect(runbooks).toEqual(alerts.map(({ alert }) => `${kebab(alert ?? "")}.md`).sort());
  });

  it.each(alerts.map((rule) => [rule.alert ?? "", rule] as const))("%s points to its page, which answers four questions", (name, rule) => {
    const page = readText(rule.annotations?.runbook_url ?? "");
    expect(rule.annotations?.runbook_url).toBe(`docs/runbooks/${kebab(name)}.md`);
    expect(page.startsWith(`# ${name}\n`)).toBe(true);
    expect([...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual(["Meaning", "Impact", "Check", "Do"]);
  });

  it("are all in the index", () => {
    const listed = [...readText("docs/runbooks/README.md").matchAll(/\]\(([^)]*)\)/g)].map(([, target]) => target ?? "");
    expect(listed.sort()).toEqual(runbooks);
  });

  it("link only to pages that exist, and query only metrics that exist", () => {
    const known = knownSeries();
    for (const name of runbooks) {
      const page = readText(`docs/runbooks/${name}`);
      for (const [, target] of page.matchAll(/\]\(([a-z-]+\.md)\)/g)) expect(runbooks, name).toContain(target);
      for (const [metric] of page.matchAll(/\bremit_\w+/g)) expect(known, name).toContain(metric);
    }
  });
});

describe("alerts", () => {
  it.each(alerts.map((rule) => [rule.alert ?? "", rule] as const))(
    "%s says how severe it is, what it is and what it means",
    (_name, rule) => {
      expect(["page", "ticket"]).toContain(rule.labels?.severity);
      expect(rule.annotations?.summary).toMatch(/^.{10,}[^.]$/);
      expect(rule.annotations?.description).toMatch(/^.{20,}\.$/);
    },
  );

  it("each have a case that fires and one that does not", () => {
    const { tests } = parse(readText("deploy/prometheus/tests/remit-alerts.test.yml")) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const cases = tests.flatMap((test) => test.alert_rule_test);
    for (const { alert } of alerts)
      for (const fires of [true, false])
        expect(
          cases.some(({ alertname, exp_alerts }) => alertname === alert && exp_alerts.length > 0 === fires),
          `${alert} ${fires ? "fires" : "does not fire"}`,
        ).toBe(true);
  });
});

describe("queries", () => {
  const queries = [...dashboardQueries(), ...rules.map((rule) => ({ where: rule.alert ?? rule.record ?? "", expr: rule.expr }))];

  it("read only series that exist", () => {
    const known = knownSeries();
    for (const { where, expr } of queries) {
      const names = selectorsOf(expr).map((selector) => selector.replace(/\{.*/s, ""));
      expect(names.length, where).toBeGreaterThan(0);
      for (const name of names) expect(known, where).toContain(name);
    }
  });

  it("are taken apart as PromQL reads them", () => {
    expect(
      selectorsOf('sum by (job, le) (rate(a_bucket{x="b{c}",y!~"d|e"}[5m])) / on (job) group_left (z) (job:b:rate > 0) and c offset 5m'),
    ).toEqual(['a_bucket{x="b{c}",y!~"d|e"}', "job:b:rate", "c"]);
  });
});

describe("dashboards", () => {
  const dashboards = readDashboards();

  it.each(dashboards.map((dashboard) => [dashboard.uid, dashboard] as const))(
    "%s has panels that Grafana can lay out",
    (_uid, dashboard) => {
      const { panels } = dashboard;
      expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(38);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
      );
      expect(new Set(cells).size, "no two panels overlap").toBe(cells.length);
      expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24);
    },
  );

  it.each(dashboards.map((dashboard) => [dashboard.uid, dashboard] as const))(
    "%s can be pointed at any data source and job",
    (_uid, dashboard) => {
      const variables = dashboard.templating.list.map(({ name }) => name);
      expect(variables).toEqual(["datasource", "job", "instance"]);
      for (const { name, expr, datasource } of dashboard.annotations.list) {
        expect(datasource.uid, name).toBe(`\${datasource}`);
        expect(expr, name).toContain('job=~"$job",instance=~"$instance"');
      }
      for (const panel of dashboard.panels.filter(({ type }) => type !== "row")) {
        expect(panel.description, panel.title).toMatch(/\.$/);
        expect(panel.datasource?.uid, panel.title).toBe(`\${datasource}`);
        for (const target of panel.targets ?? []) {
          expect(target.datasource.uid, panel.title).toBe(`\${datasource}`);
          expect(target.expr, panel.title).toContain('job=~"$job",instance=~"$instance"');
        }
        expect(panel.targets?.length, panel.title).toBeGreaterThan(0);
        if (panel.type !== "table") expect(panel.fieldConfig?.defaults.unit, panel.title).toBeDefined();
      }
    },
  );

  it("name only runbooks that exist", () => {
    for (const dashboard of dashboards)
      for (const panel of dashboard.panels)
        for (const [, name] of (panel.description ?? "").matchAll(/Runbook: ([a-z-]+)/g)) expect(runbooks).toContain(`${name}.md`);
  });
});
