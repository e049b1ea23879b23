import { describe, expect, test } from "vitest";
import type { Json } from "../../../service/decide/json.ts";
import type { QueryAnswer } from "../../../service/decide/query.ts";
import type { QueriesQuestion, WireBody, WireReply, WireRequest } from "../../../service/dialects/dialect.ts";
import { createOpa } from "../../../service/dialects/opa/opa.ts";
import { type ErrorCode, errorKinds, RemitError } from "../../../service/errors.ts";
import { parseStrictJson } from "../../../service/json/strict-json.ts";

const opa = createOpa({ defaultDecision: "system/main", gateways: new Map(), version: "1.2.3" });
const entrypoints = new Set(["remit/decision", "app", "app/deep/rule", "system/main", "odd name/x"]);

const nobody = { subject: null, agent: null, sessionId: null, server: null, originIp: null };

function question(method: string, target: string, value?: Json): QueriesQuestion {
  const [path = "", query = ""] = target.split("?");
  const body: WireBody = value === undefined ? { kind: "none" } : { kind: "json", value };
  const request: WireRequest = {
    ...{ method, path, query, headers: {}, requestId: "r-1", bytes: Buffer.alloc(0), body, token: null, nowMs: 0 },
    claims: nobody,
    identityIn: () => ({ claims: nobody, token: null }),
    policy: { bundle: { name: "b", revision: "r7", digest: "sha256:00" }, entrypoints },
    parse: (bytes: Buffer) => parseStrictJson(bytes, { depthMax: 16, nodesMax: 1000 }),
  };
  const route = opa.routes.find((one) => one.method === method.toLowerCase() && isBelow(path, one.path));
  const asked = route?.translate(request);
  if (asked?.kind !== "queries") throw new Error("no question");
  return asked;
}

function isBelow(path: string, pattern: string): boolean {
  const base = pattern.replace(/\/\*$/, "");
  return path === base || (pattern !== base && path.startsWith(`${base}/`));
}

const asked = (method: string, target: string, value?: Json) => question(method, target, value).queries;
const answers = {
  value: (value: Json): QueryAnswer => ({ kind: "value", value, decisionId: "d-1", evalNs: 5 }),
  undefined: { kind: "undefined", decisionId: "d-1", evalNs: 5 } satisfies QueryAnswer,
  error: (code: ErrorCode): QueryAnswer => ({ kind: "error", error: new RemitError(code, "secret detail"), decisionId: "d-1", evalNs: 5 }),
};
const shown = ({ status, body }: WireReply) => [status, JSON.parse(body ?? "null")];

describe("what is asked", () => {
  test.each<[string, string, readonly (string | number)[]]>([
    ["/v1/data/app", "app", []],
    ["/v1/data/app/", "app", []],
    ["/v1/data//app//x", "app", ["x"]],
    ["/v1/data/app/deep", "app", ["deep"]],
    ["/v1/data/app/deep/rule", "app/deep/rule", []],
    ["/v1/data/app/deep/rule/0/a%2Fb/-1", "app/deep/rule", [0, "a/b", -1]],
    ["/v1/data/app/007/1.50/1e3/+2/-0/99999999999999999999", "app", [7, "1.50", "1e3", 2, 0, "99999999999999999999"]],
    ["/v1/data/app%2Fdeep%2Frule", "app/deep/rule", []],
    ["/v1/data/app%2Fx/y%2Fz", "app", ["x", "y", "z"]],
    ["/v1/data/odd%20name/x", "odd name/x", []],
    ["/v1/data/apple", "apple", []],
    ["/v1/data/../app", "../app", []],
    ["/v1/data", "", []],
    ["/v0/data/app/x", "app", ["x"]],
    ["/", "system/main", []],
    ["/v1/batch/data/app/x", "app", ["x"]],
  ])("by %s", (path, entrypoint, below) => {
    const [query] = asked("POST", path, { inputs: { a: 1 } });
    expect(query).toMatchObject({ entrypoint, below, builtinErrors: "undefined" });
  });

  test.each<[string, string, Json | undefined, Json | undefined]>([
    ["POST", "/v1/data/app", { input: 1 }, 1],
    ["POST", "/v1/data/app", { input: false }, false],
    ["POST", "/v1/data/app", { input: null }, undefined],
    ["POST", "/v1/data/app", {}, undefined],
    ["POST", "/v1/data/app", null, undefined],
    ["POST", "/v1/data/app", undefined, undefined],
    ["GET", "/v1/data/app", { input: 1 }, undefined],
    ["GET", "/v1/data/app?input=null", undefined, null],
    ["GET", "/v1/data/app?input=1&input=%7B%22a%22:%22+%2B%22%7D", undefined, { a: " +" }],
    ["POST", "/v1/data/app?input=1", {}, undefined],
    ["POST", "/v0/data/app", { input: 1 }, { input: 1 }],
    ["POST", "/v0/data/app", undefined, null],
    ["POST", "/", false, false],
  ])("%s %s with %j", (method, target, body, input) => {
    expect(asked(method, target, body)[0]?.input).toEqual(input);
  });

  test.each(["[]", '"x"', "0", "true", '{"Input": 1}', '{"input": 1, "INPUT": 2}'])("refuses %s", (text) => {
    expect(() => asked("POST", "/v1/data/app", JSON.parse(text) as Json)).toThrow(RemitError);
  });

  test.each(["?input=", "?input=%zz", "?input={", "?input=1 2", "?input={%22a%22:1,%22a%22:2}", "?input=12345678901234567890"])(
    "refuses %s",
    (query) => {
      expect(() => asked("GET", `/v1/data/app${query}`)).toThrow(/^parameter contains malformed input document/);
    },
  );

  test.each(["/v1/data/app/%zz", "/v1/data/%FF", "/v0/data/%", "/v1/batch/data/%C3"])("refuses the path %s", (path) => {
    expect(() => asked("POST", path, {})).toThrow(/^invalid path/);
  });

  test("strictly when that is asked", () => {
    for (const [query, expected] of [
      ["?strict-builtin-errors", "deny"],
      ["?strict-builtin-errors=TRUE&x", "deny"],
      ["?strict-builtin-errors=false&strict-builtin-errors=true", "deny"],
      ["?strict-builtin-errors=1", "undefined"],
      ["?strict-builtin-errors=&strict-builtin-errors=", "undefined"],
    ])
      for (const path of ["/v1/data/app", "/v1/batch/data/app"])
        expect(asked("POST", `${path}${query}`, { inputs: { a: 1 } })[0]?.builtinErrors).toBe(expected);
  });
});

test("a decision is strict whether or not that is asked", () => {
  for (const path of [
    "/v1/data/remit/decision",
    "/v1/data/remit/decision/allow",
    "/v0/data/remit/decision",
    "/v1/batch/data/remit/decision",
  ])
    expect(asked("POST", path, { inputs: { a: 1 } })[0]?.builtinErrors).toBe("deny");
});

describe("what is answered", () => {
  const reply = (target: string, answer: QueryAnswer, method = "POST") => question(method, target, { input: 1 }).reply([answer], null);

  test.each([true, false, null, 0, "", [], {}, { allow: "yes", deep: [1.5] }])("v1 and v0: the value %j as it is", (value) => {
    expect(shown(reply("/v1/data/app", answers.value(value)))).toEqual([200, { decision_id: "d-1", result: value }]);
    expect(shown(reply("/v0/data/app", answers.value(value)))).toEqual([200, value]);
    expect(shown(reply("/", answers.value(value)))).toEqual([200, value]);
  });

  test("undefined", () => {
    expect(shown(reply("/v1/data/app", answers.undefined))).toEqual([200, { decision_id: "d-1" }]);
    expect(shown(reply("/v1/data/app", answers.undefined, "GET"))).toEqual([200, { decision_id: "d-1" }]);
    const missing = (message: string) => [404, { code: "undefined_document", message }];
    expect(shown(reply("/v0/data/app/x/01", answers.undefined))).toEqual(missing("document undefined: data.app.x[1]"));
    expect(shown(reply("/v0/data/a-b/if", answers.undefined))).toEqual(missing('document missing: data["a-b"]["if"]'));
    expect(shown(reply("/", answers.undefined))).toEqual(missing("document undefined: data.system.main"));
  });

  test.each<ErrorCode>(["policy_error", "policy_timeout", "policy_memory", "record_failed", "internal"])(
    "%s is a 500 without its detail",
    (code) => {
      for (const path of ["/v1/data/app", "/v0/data/app", "/"]) {
        const answer = reply(path, answers.error(code));
        expect(answer.body).not.toContain("secret");
        expect(shown(answer)).toEqual([
          500,
          {
            ...{ code: "internal_error", message: "error(s) occurred while evaluating query", decision_id: "d-1" },
            errors: [{ code, message: errorKinds[code].meaning }],
          },
        ]);
      }
    },
  );

  test("what was asked for beside it", () => {
    expect(shown(reply("/v1/data/app?metrics&provenance=true&explain=full", answers.value(1)))).toEqual([
      200,
      {
        decision_id: "d-1",
        provenance: { version: "1.2.3", build_commit: "", build_timestamp: "", build_hostname: "", bundles: { b: { revision: "r7" } } },
        metrics: { timer_rego_query_eval_ns: 5 },
        result: 1,
      },
    ]);
    expect(reply("/v1/data/app?pretty", answers.value(["<&>"])).body).toBe(
      '{\n  "decision_id": "d-1",\n  "result": [\n    "\\u003c\\u0026\\u003e"\n  ]\n}\n',
    );
  });

  test("an answer that is missing is no answer", () => {
    expect(() => question("POST", "/v1/data/app", {}).reply([], null)).toThrow(RemitError);
    expect(() => question("POST", "/v1/batch/data/app", { inputs: { a: 1, b: 2 } }).reply([answers.value(true)], "b-1")).toThrow(
      RemitError,
    );
  });
});

describe("what is refused", () => {
  const refuse = (code: ErrorCode) => opa.refuse(new RemitError(code, "why"), { method: "POST", path: "/v1/data/app" } as WireRequest);

  test.each<[ErrorCode, number, string, string]>([
    ["body_not_json", 400, "invalid_parameter", "why"],
    ["request_invalid", 400, "invalid_parameter", "why"],
    ["header_repeated", 400, "invalid_parameter", "why"],
    ["body_too_large", 400, "invalid_parameter", "why"],
    ["content_type_unsupported", 400, "invalid_parameter", "why"],
    ["pep_unauthenticated", 401, "unauthorized", "why"],
    ["pep_forbidden", 403, "unauthorized", "why"],
    ["internal", 500, "internal_error", errorKinds.internal.meaning],
    ["not_ready", 503, "internal_error", errorKinds.not_ready.meaning],
    ["overloaded", 503, "internal_error", errorKinds.overloaded.meaning],
  ])("%s is %i %s", (code, status, theirs, message) => {
    expect(shown(refuse(code))).toEqual([status, { code: theirs, message }]);
  });

  test("another method has no body", () => {
    expect(refuse("method_not_allowed")).toMatchObject({ status: 405, body: null });
  });

  test("headers tell what to do", () => {
    expect(refuse("pep_unauthenticated").headers["www-authenticate"]).toBe("Bearer");
    expect(refuse("overloaded").headers["retry-after"]).toBe("1");
    expect(refuse("body_too_large").headers.connection).toBe("close");
  });

  test("no error is an answer", () => {
    for (const code of Object.keys(errorKinds) as ErrorCode[]) {
      const { status, body } = refuse(code);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(body ?? "").not.toContain('"result"');
    }
  });
});
