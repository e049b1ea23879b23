import { describe, expect, it } from "vitest";
import type { QueryRecord } from "../../../service/decide/decision-record.ts";
import type { PolicyAnswer, PolicySnapshot } from "../../../service/decide/ports.ts";
import { createQuery, queryValue } from "../../../service/decide/query.ts";
import type { Pep } from "../../../service/decide/tool-call.ts";
import { RemitError } from "../../../service/errors.ts";

const pep: Pep = {
  ...{ id: "kong", tenant: "acme", dialects: ["opa"], permissions: ["decide"] },
  ...{ assertsSubject: false, annotationsTrusted: false },
};

function ask(answer: PolicyAnswer | (() => never), write?: () => never) {
  const records: QueryRecord[] = [];
  const events: unknown[] = [];
  const snapshot: PolicySnapshot = {
    bundle: { name: "b", revision: "r1", digest: "sha256:00" },
    data: {},
    entrypoints: new Set(["x/y"]),
    evaluate: () => {
      throw new Error("not asked");
    },
    query: typeof answer === "function" ? answer : () => answer,
  };
  const query = createQuery({
    log: { write: write ?? ((record) => void records.push(record as QueryRecord)) },
    clock: { nowMs: () => 1_500_000 },
    newId: () => "id-1",
    labels: { id: "svc" },
    queried: (event) => void events.push(event),
  });
  const context = {
    ...{ dialect: "opa", requestId: "r-1", requestedBy: "10.0.0.1:5", traceId: null, spanId: null },
    ...{ signal: new AbortController().signal, batchId: null, snapshot },
  };
  return { answer: query({ entrypoint: "x/y", input: { a: 1 }, builtinErrors: "deny" }, pep, context), records, events };
}

describe("a plain query", () => {
  it("is answered and recorded under the names that OPA's decision log has", () => {
    const { answer, records, events } = ask({ kind: "value", value: { allow: true }, evalNs: 7 });
    expect(answer).toEqual({ kind: "value", value: { allow: true }, evalNs: 7, decisionId: "id-1" });
    expect(records).toEqual([
      {
        type: "openpolicyagent.org/decision_logs",
        labels: { id: "svc" },
        decision_id: "id-1",
        bundles: { b: { revision: "r1", digest: "sha256:00" } },
        path: "x/y",
        input: { a: 1 },
        result: { allow: true },
        requested_by: "10.0.0.1:5",
        timestamp: "1970-01-01T00:25:00.000Z",
        metrics: { timer_rego_query_eval_ns: 7 },
        req_id: "r-1",
        dialect: "opa",
        pep: { id: "kong", tenant: "acme" },
      },
    ]);
    expect(events).toEqual([{ dialect: "opa", outcome: "value", error: null }]);
  });

  it("is recorded when it is undefined, without a result", () => {
    const { answer, records } = ask({ kind: "undefined", evalNs: 7 });
    expect(answer.kind).toBe("undefined");
    expect(records[0]).not.toHaveProperty("result");
    expect(queryValue(answer)).toMatchObject({ code: "policy_undefined" });
  });

  it("does not count when it cannot be recorded", () => {
    const { answer, events } = ask({ kind: "value", value: true, evalNs: 7 }, () => {
      throw new RemitError("record_failed", "full");
    });
    expect(queryValue(answer)).toMatchObject({ code: "record_failed" });
    expect(events).toMatchObject([{ outcome: "error", error: { code: "record_failed" } }]);
  });

  it("never throws: a fault of the engine is an error, and recorded", () => {
    const { answer, records } = ask(() => {
      throw new Error("boom");
    });
    expect(queryValue(answer)).toMatchObject({ code: "internal" });
    expect(records[0]).toMatchObject({ error: { code: "internal" } });
  });
});
