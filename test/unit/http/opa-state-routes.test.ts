import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BundleState } from "../../../service/dialects/opa/state.ts";
import { startApp } from "../../helpers/session-app.ts";

const none: BundleState = { active: null, lastAttemptMs: null, lastSuccessMs: null, lastError: null };
const active: BundleState = {
  active: { name: "b", revision: "r7", digest: "sha256:00" },
  ...{ lastAttemptMs: 86_400_000, lastSuccessMs: 1000, lastError: "the newest is broken" },
};
let state: BundleState = none;
let app: Awaited<ReturnType<typeof startApp>>;

beforeAll(async () => {
  const opaInfo = { labels: { region: "eu" }, bundleName: "b", defaultDecision: "system/main" };
  app = await startApp({ deps: { bundleState: () => state, opaInfo } });
});
afterAll(() => app.close());

async function get(path: string, pep = "gateway", method = "GET") {
  const response = await app.raw(pep, { method, path, headers: {} });
  const text = await response.text();
  return {
    status: response.status,
    body: text === "" ? null : (JSON.parse(text) as unknown),
    cache: response.headers.get("cache-control"),
  };
}

const inactive = { error: "one or more bundles are not activated: b" };
const down = { error: "one or more plugins are not up" };

describe("GET /health", () => {
  test.each<[string, number, object]>([
    ["", 200, {}],
    ["?bundles=false", 200, {}],
    ["?bundles", 500, inactive],
    ["?bundle=true", 500, inactive],
    ["?bundles&plugins", 500, inactive],
    ["?plugins", 500, down],
    ["?plugins&exclude-plugin=status", 500, down],
    ["?plugins&exclude-plugin=status&exclude-plugin=bundle", 200, {}],
    ["?bundles&exclude-plugin=bundle", 500, inactive],
  ])("without a bundle, %s", async (query, status, body) => {
    state = none;
    expect(await get(`/health${query}`, "nobody")).toEqual({ status, body, cache: "no-store" });
    state = active;
    expect(await get(`/health${query}`, "nobody")).toMatchObject({ status: 200, body: {} });
  });

  test("another method is refused as OPA's paths refuse", async () => {
    expect(await get("/health", "nobody", "POST")).toMatchObject({ status: 405, body: null });
  });

  test("the other probes are as they were", async () => {
    expect(await get("/health/live", "nobody")).toMatchObject({ status: 200, body: { live: true } });
  });
});

describe("GET /v1/status and /v1/config", () => {
  test.each([
    ["nobody", 401],
    ["ops", 403],
    ["desk", 403],
  ])("are not for %s", async (pep, status) => {
    for (const path of ["/v1/status", "/v1/config"])
      expect(await get(path, pep)).toMatchObject({ status, body: { code: "unauthorized", message: expect.any(String) } });
  });

  test("say how the bundle stands", async () => {
    state = none;
    const never = "0001-01-01T00:00:00Z";
    const times = (request: string, success: string) => ({
      ...{ last_request: request, last_successful_activation: success },
      ...{ last_successful_download: success, last_successful_request: success },
    });
    const labels = { region: "eu" };
    expect((await get("/v1/status")).body).toEqual({
      result: { labels, bundles: { b: { name: "b", ...times(never, never) } }, plugins: { bundle: { state: "NOT_READY" } } },
    });
    state = active;
    const failure = { code: "bundle_error", message: "the newest is broken" };
    expect((await get("/v1/status?pretty")).body).toEqual({
      result: {
        labels,
        bundles: { b: { name: "b", active_revision: "r7", ...times("1970-01-02T00:00:00.000Z", "1970-01-01T00:00:01.000Z"), ...failure } },
        plugins: { bundle: { state: "OK" } },
      },
    });
  });

  test("show nothing of the configuration but names", async () => {
    expect((await get("/v1/config")).body).toEqual({
      result: { labels: { region: "eu" }, default_decision: "/system/main", bundles: { b: {} } },
    });
  });
});
