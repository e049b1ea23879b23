import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Asked, ask, json, opa, startPlain, texts, v1 } from "../helpers/opa-data.ts";
import type { RunningService } from "../helpers/service.ts";

let service: RunningService;
let stop: () => Promise<void>;

(opa === undefined ? describe.skip : describe)("what there is beside the data API", () => {
  beforeAll(async () => {
    ({ service, stop } = await startPlain());
  });
  afterAll(() => stop());

  describe("a batch", () => {
    const batch = (path: string, body: unknown): Asked => ({ path: `/v1/batch/data/${path}`, body: JSON.stringify(body) });
    const sent = async (asked: Asked) => {
      const { status, bytes } = await ask(service.url, asked);
      return { status, body: JSON.parse(bytes.toString()) as Record<string, Record<string, Record<string, unknown>>> };
    };
    const ids = { decision_id: expect.stringMatching(/^[0-9a-f-]{36}$/) };

    test("answers every input under its key", async () => {
      const inputs = { a: { user: "alice" }, b: { user: "bob" }, c: null, "0": 7 };
      const { status, body } = await sent(batch("app/allow", { inputs }));
      expect(status).toBe(200);
      expect(body).toEqual({
        batch_decision_id: ids.decision_id,
        responses: { a: { ...ids, result: true }, ...Object.fromEntries(["b", "c", "0"].map((key) => [key, { ...ids, result: false }])) },
      });
      expect(Object.keys(body).at(-1)).toBe("batch_decision_id");
    });

    test("answers as single questions are answered", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.dictionary(
            texts.filter((key) => key !== "__proto__"),
            json,
            { minKeys: 1, maxKeys: 4 },
          ),
          async (inputs) => {
            const { body } = await sent(batch("app/everything", { inputs }));
            const results = Object.entries(body.responses ?? {}).map(([key, { result }]) => [key, result]);
            expect(Object.fromEntries(results)).toEqual(JSON.parse(JSON.stringify(inputs)));
          },
        ),
        { numRuns: 30 },
      ); // prettier-ignore
    });

    test("puts the common input under the others", async () => {
      const common_input = { action: "read", user: { role: "viewer", groups: ["a"] }, list: [1] };
      const inputs = { a: { user: { name: "x", groups: ["b"] } }, b: { action: null, list: 2 }, c: "text", d: null };
      const { body } = await sent(batch("app/everything", { inputs, common_input }));
      expect(Object.fromEntries(Object.entries(body.responses ?? {}).map(([key, { result }]) => [key, result]))).toEqual({
        a: { action: "read", user: { role: "viewer", name: "x", groups: ["b"] }, list: [1] },
        b: { action: null, user: common_input.user, list: 2 },
        c: "text",
        d: null,
      });
    });

    test("tells failures apart", async () => {
      const inputs = { good: { a: 1 }, bad: { a: 1, b: 1 } };
      const mixed = await sent(batch("err/conflict", { inputs }));
      expect(mixed.status).toBe(207);
      expect(mixed.body.responses).toEqual({
        good: { ...ids, result: 1, http_status_code: "200" },
        bad: { ...ids, code: "internal_error", message: expect.any(String), errors: [expect.anything()], http_status_code: "500" },
      });
      const failed = await sent(batch("err/conflict", { inputs: { bad: inputs.bad } }));
      expect([failed.status, failed.body.responses?.bad?.http_status_code]).toEqual([500, undefined]);
    });

    test("without inputs, or with none", async () => {
      const warning = { code: "api_usage_warning", message: "'inputs' key missing from the request" };
      expect(await sent(batch("app/allow", {}))).toEqual({ status: 200, body: { warning, batch_decision_id: ids.decision_id } });
      expect(await sent(batch("app/allow", { inputs: {} }))).toEqual({ status: 200, body: { batch_decision_id: ids.decision_id } });
      expect(await sent(batch("app/nope", { inputs: { a: {} } }))).toEqual({ status: 200, body: { responses: { a: ids } } });
      for (const body of [{ inputs: [] }, { inputs: "x" }, [], { Inputs: {} }, { inputs: {}, COMMON_INPUT: {} }])
        expect(await sent(batch("app/allow", body))).toMatchObject({ status: 400, body: { code: "invalid_parameter" } });
      const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`k${index}`, {}]));
      expect(await sent(batch("app/allow", { inputs: many }))).toMatchObject({ status: 400, body: { code: "invalid_parameter" } });
    });

    test("with metrics and provenance", async () => {
      const { body } = await sent({ ...batch("app/allow", { inputs: { a: {} } }), path: "/v1/batch/data/app/allow?metrics&provenance" });
      expect(body).toMatchObject({
        metrics: { timer_rego_query_eval_ns: expect.any(Number) },
        responses: {
          a: { metrics: { timer_rego_query_eval_ns: expect.any(Number) }, provenance: { bundles: { plain: { revision: "r1" } } } },
        },
      });
    });
  });

  test("status and configuration tell of the bundle, and nothing secret", async () => {
    const shown = async (path: string) => JSON.parse((await ask(service.url, { method: "GET", path })).bytes.toString()) as unknown;
    const labels = { id: expect.any(String), version: expect.any(String) };
    const time = expect.stringMatching(/^20\d\d-.*Z$/);
    expect(await shown("/v1/status?pretty")).toEqual({
      result: {
        labels,
        bundles: {
          plain: {
            ...{ name: "plain", active_revision: "r1", last_request: time, last_successful_activation: time },
            ...{ last_successful_download: time, last_successful_request: time },
          },
        },
        plugins: { bundle: { state: "OK" } },
      },
    });
    expect(await shown("/v1/config")).toEqual({ result: { labels, default_decision: "/system/main", bundles: { plain: {} } } });
  });

  test("every question is on record, as OPA would record it", async () => {
    const { bytes } = await ask(service.url, v1("app/list/1/1", { mark: "recorded" }));
    const { decision_id } = JSON.parse(bytes.toString()) as { decision_id: string };
    await expect
      .poll(() => service.records().find((record) => record.decision_id === decision_id))
      .toMatchObject({
        path: "app/list/1/1",
        input: { mark: "recorded" },
        result: "x",
        dialect: "opa",
        bundles: { plain: { revision: "r1" } },
      });
  });
});
