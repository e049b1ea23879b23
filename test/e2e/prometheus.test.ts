import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureDebian } from "../../scripts/debian.ts";
import { generateApiKey, hashApiKey } from "../../service/identity/api-key.ts";
import { dashboardQueries, filesIn, readRules, selectorsOf } from "../helpers/deploy-files.ts";
import { startIssuer, type TestIssuer } from "../helpers/issuer.ts";
import { eventually, type PrometheusServer, startPrometheus } from "../helpers/prometheus.ts";
import { type RunningService, startService } from "../helpers/service.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const available = ensureDebian(["prometheus"]);
const rules = readRules();

function promtool(...args: string[]): { status: number | null; output: string } {
  const run = spawnSync("promtool", args, { cwd: `${root}deploy/prometheus`, encoding: "utf8" });
  return { status: run.status, output: `${run.stdout}${run.stderr}` };
}

function withoutThresholds(expr: string): string {
  return expr.replaceAll(/\s(?:>|<|==)\s+[\d.]+/g, "");
}

describe.skipIf(!available)("promtool", () => {
  it("accepts the configuration", () => {
    expect(promtool("check", "config", "prometheus.yml")).toMatchObject({ status: 0 });
  });

  it.each(filesIn("deploy/prometheus/rules/"))("accepts the rules of %s", (name) => {
    expect(promtool("check", "rules", "--lint=all", "--lint-fatal", `rules/${name}`)).toMatchObject({ status: 0 });
  });

  it.each(filesIn("deploy/prometheus/tests/"))("passes the unit tests of %s", (name) => {
    expect(promtool("test", "rules", `tests/${name}`)).toMatchObject({ status: 0 });
  });
});

describe.skipIf(!available)("a real Prometheus on the running service", () => {
  const home = mkdtempSync(join(tmpdir(), "remit-e2e-prometheus-"));
  const key = generateApiKey("gateway");
  const bundle = join(home, "bundle.tar.gz");
  let issuer: TestIssuer;
  /** An issuer whose keys cannot be fetched: its tokens end in an error, which is neither an allow nor a deny. */
  let silent: TestIssuer;
  let service: RunningService;
  let prometheus: PrometheusServer;
  let rounds = 0;
  let traffic: ReturnType<typeof setInterval>;

  beforeAll(async () => {
    copyFileSync(`${root}bundles/default.tar.gz`, bundle);
    issuer = await startIssuer();
    silent = await startIssuer();
    silent.setMode("error");
    service = await startService({ config: configOf() });
    prometheus = await startPrometheus(service.url);
    // Rates need counters that move between scrapes, so the traffic goes on until the end.
    await round();
    traffic = setInterval(() => void round().catch(() => undefined), 500);
    await eventually("the good bundle is scraped", async () => (await value("remit_bundle_last_load_successful")) === 1);
    writeFileSync(bundle, "this is no bundle");
    const tooMuch = await ask(call("search_customers", { arguments: { q: "x".repeat(2_000_000) } }));
    expect(await tooMuch.json()).toMatchObject({ allow: false, reasons: [{ code: "policy_timeout" }] });
    await eventually("the bad bundle is refused", async () => (await value('remit_bundle_loads_total{result="refused"}')) > 0);
  });

  afterAll(async () => {
    clearInterval(traffic);
    await prometheus?.stop();
    await service?.stop();
    await issuer?.close();
    await silent?.close();
    rmSync(home, { recursive: true, force: true });
  });

  function configOf() {
    return {
      auth: { peps: [{ id: "gateway", asserts_subject: true, api_keys_sha256: [hashApiKey(key)] }] },
      tokens: {
        issuers: [issuer, silent].map(({ url, audience, jwksUri }) => ({
          issuer: url,
          audience: [audience],
          algorithms: ["ES256"],
          jwks: { uri: jwksUri },
        })),
      },
      bundle: { source: bundle },
      // Little fuel and large bodies: so one call can run out of it.
      engine: { warmup_decisions: 50, fuel_max: 1_000_000 },
      limits: { body_bytes_max: 4_194_304 },
    };
  }

  async function ask(body: unknown, headers: Record<string, string> = {}, path = "/decide"): Promise<Response> {
    return fetch(`${service.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  }

  const call = (tool: string, more: object = {}) => ({
    tool: { server: "crm", name: tool },
    arguments: tool === "search_customers" ? { q: "smith" } : { id: "c-17" },
    subject: { id: "emma", roles: ["support"] },
    agent: { id: "support-bot" },
    session: { id: "s-1" },
    request: { origin: { ip: "127.0.0.1" } },
    ...more,
  });

  /** An allow, denies, tokens good and bad, and every kind of wrong caller. */
  async function round(): Promise<void> {
    const expired = Math.floor(Date.now() / 1000) - 3600;
    const answers = await Promise.all([
      ask(call("search_customers")),
      ask(call("delete_customer")),
      ask(call("search_customers", { token: await issuer.token({ jti: String(rounds), roles: ["support"] }) })),
      ask(call("search_customers", { token: await issuer.token({ iat: expired, exp: expired + 60 }) })),
      ask(call("search_customers", { token: await silent.token() })),
      ask({ calls: [call("search_customers"), call("no_such_tool")] }, {}, "/decide/batch"),
      ask("{"),
      ask({ tool: {} }),
      ask(call("search_customers"), { authorization: "Bearer wrong" }),
      ask({}, {}, "/no/such/path"),
      fetch(`${service.url}/decide`),
    ]);
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 503, 200, 400, 400, 401, 404, 405]);
    rounds++;
  }

  async function value(expr: string): Promise<number> {
    return (await prometheus.query(`sum(${expr})`))[0]?.value ?? 0;
  }

  async function expectData(expr: string): Promise<void> {
    await eventually(`\`${expr}\` returns data`, async () =>
      (await prometheus.query(expr)).some(({ value: found }) => Number.isFinite(found)),
    );
  }

  /** Pending or firing: how long it must last is a matter of the unit tests. */
  async function raised(name: string): Promise<void> {
    await eventually(`${name} is raised`, async () => {
      const { alerts } = (await prometheus.get("alerts")) as { alerts: { labels: Record<string, string> }[] };
      return alerts.some(({ labels }) => labels.alertname === name);
    });
  }

  it("sees what happened, by name", async () => {
    const seen = [
      'up{job="remit"} == 1',
      "remit_ready == 1",
      'remit_decisions_total{dialect="native",decision="allow"} > 0',
      'remit_decisions_total{dialect="native",decision="deny",reason="token_expired"} > 0',
      'remit_decisions_total{dialect="native",decision="error",reason="token_keys_unavailable"} > 0',
      'remit_tool_decisions_total{server="crm",tool="search_customers",decision="allow"} > 0',
      'remit_token_verifications_total{result="verified"} > 0',
      'remit_token_verifications_total{result="token_expired"} > 0',
      'remit_pep_authentications_total{pep="gateway",result="accepted"} > 0',
      'remit_pep_authentications_total{pep="none",result="pep_unauthenticated"} > 0',
      'remit_http_requests_total{path="/decide",code="200"} > 0',
      'remit_http_requests_total{path="/decide",code="405"} > 0',
      'remit_http_requests_total{path="unmatched",code="404"} > 0',
      "remit_decision_log_records_total > 0",
      "remit_decision_log_bytes_total > 0",
      'remit_bundle_loads_total{result="activated"} == 1',
      'remit_policy_errors_total{kind="policy_timeout"} > 0',
      'http_request_duration_seconds_count{handler="decide",code="200",method="POST"} > 0',
      "bundle_failed_load_counter > 0",
    ];
    for (const expr of seen) await expectData(expr);
    // The tool that no catalog knows is nowhere.
    expect(await prometheus.query('{tool="no_such_tool"}')).toEqual([]);
  });

  it("counts each decision once, and records each", async () => {
    clearInterval(traffic);
    await eventually("all is scraped", async () => {
      const decisions = await value("remit_decisions_total");
      // Per round: five single decisions, one of them an error, and a batch of two; the wrong callers get none. Once, a call ran out of fuel.
      return decisions === rounds * 7 + 1 && (await value("remit_decision_log_records_total")) === decisions;
    });
    traffic = setInterval(() => void round().catch(() => undefined), 500);
  });

  it("keeps the earlier bundle on show after a refusal, and raises the alert", async () => {
    expect((await prometheus.query("remit_bundle_info")).length).toBe(1);
    expect(await value("remit_bundle_last_load_successful")).toBe(0);
    await raised("RemitBundleRefused");
  });

  it("raises the alert for a policy that failed once", async () => {
    await raised("RemitPolicyErrors");
  });

  it("evaluates every rule without an error", async () => {
    await eventually("all rules are evaluated", async () => {
      const { groups } = (await prometheus.get("rules")) as { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
      const loaded = groups.flatMap((group) => group.rules);
      const broken = loaded.filter(({ health }) => health !== "ok");
      if (broken.length > 0) throw new Error(JSON.stringify(broken));
      return loaded.length === rules.length;
    });
  });

  // An annotation is empty until something changes, so it is asked without its threshold.
  it.each(dashboardQueries().map(({ where, expr }) => [where, expr] as const))("has data for %s", async (where, expr) => {
    await expectData(where.includes("annotation") ? withoutThresholds(expr) : expr);
  });

  it.each(rules.flatMap(({ record, expr }) => (record === undefined ? [] : [[record, expr] as const])))(
    "has data for the recorded %s",
    async (record, expr) => {
      await expectData(expr);
      await expectData(record);
    },
  );

  // A healthy service makes most alerts' expressions empty: so each series in them, and the expression without its thresholds, must have data.
  // That the thresholds work is proved by promtool's unit tests above.
  it.each(rules.flatMap(({ alert, expr }) => (alert === undefined ? [] : [[alert, expr] as const])))(
    "has data behind %s",
    async (_alert, expr) => {
      for (const selector of selectorsOf(expr)) await expectData(selector);
      await expectData(withoutThresholds(expr));
    },
  );

  it("fills the dashboard's variables", async () => {
    expect(await prometheus.get("label/job/values", { "match[]": "remit_build_info" })).toEqual(["remit"]);
    expect(await prometheus.get("label/instance/values", { "match[]": 'remit_build_info{job=~".+"}' })).toEqual([
      new URL(service.url).host,
    ]);
  });
});
