import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Asked, ask, get, opa, plain, startBoth, v0, v1 } from "../helpers/opa-data.ts";

let both: Awaited<ReturnType<typeof startBoth>>;

(opa === undefined ? describe.skip : describe)("the data API, where it is not OPA's", () => {
  beforeAll(async () => {
    both = await startBoth();
  });
  afterAll(() => both.stop());

  const typeError = expect.objectContaining({ code: "internal_error", message: expect.stringContaining("rego_type_error") });
  const wrong = (message: unknown) => ({ code: "invalid_parameter", message });
  const badInput = (detail: string) =>
    wrong(expect.stringMatching(new RegExp(`^(body|parameter) contains malformed input document: ${detail}`)));
  const raw = (body: string | Buffer, more: Partial<Asked> = {}): Asked => ({ path: "/v1/data/app/name", body, ...more });
  const unset = { warning: { code: "api_usage_warning", message: "'input' key missing from the request" } };

  /** Each stands in docs/differences.md. Status and body: what OPA says, and what the service says. */
  test.each<readonly [string, Asked, readonly [number, unknown], readonly [number, unknown]]>([
    ["a path that OPA's types exclude", v1("app/list/9", {}), [500, typeError], [200, {}]],
    ["below a boolean", v1("app/allow/x", {}), [500, typeError], [200, {}]],
    ["a package that is no entrypoint", v1("pkg/sub", {}), [200, { result: { p: 1 } }], [200, {}]],
    ["data that no entrypoint holds", v1("roles/alice", {}), [200, { result: ["admin"] }], [200, {}]],
    ["a text key by its number", v1("app/table/1", {}), [500, typeError], [200, { result: "text key" }]],
    ["a slash that is encoded", v1("app%2Fname", { name: "x" }), [200, {}], [200, { result: "x" }]],
    ["a slash at the end", v1("app/name/", { name: "x" }), [301, null], [200, { result: "x" }]],
    ["an empty part", v1("app//name", { name: "x" }), [307, null], [200, { result: "x" }]],
    ["dots", v1("app/../app/name", { name: "x" }), [307, null], [200, {}]],
    ["a quote in the path", v1("app/%22", {}), [500, expect.anything()], [200, {}]],
    [
      "bytes in the path that are no text",
      v1("app/%FF", {}),
      [500, expect.anything()],
      [400, wrong(expect.stringContaining("invalid path"))],
    ],
    ["text behind the document", raw('{"input":{"name":"x"}} y'), [200, { result: "x" }], [400, badInput("the body is not JSON")]],
    ["a key twice", raw('{"input":{"name":"x","name":"y"}}'), [200, { result: "y" }], [400, badInput("duplicate key")]],
    ["a lone surrogate", raw('{"input":{"name":"\\ud800"}}'), [200, { result: "\ufffd" }], [400, badInput("lone surrogate")]],
    [
      "bytes that are no text",
      raw(Buffer.from("7b22696e707574223a22ff227d", "hex")),
      [200, {}],
      [400, badInput("the body is not valid UTF-8")],
    ],
    [
      "an integer beyond doubles",
      raw('{"input":{"name":12345678901234567}}'),
      [200, { result: 12345678901234568 }],
      [400, badInput("integer beyond")],
    ],
    ["a key in other letters", raw('{"INPUT":{"name":"x"}}'), [200, { result: "x" }], [400, badInput("`INPUT` looks like `input`")]],
    [
      "YAML",
      raw("input: {name: x}", { headers: { "content-type": "application/x-yaml" } }),
      [200, { result: "x" }],
      [400, badInput("the body is not JSON")],
    ],
    ["an array as body", raw("[]"), [400, badInput("json: cannot unmarshal array")], [400, badInput("it is not an object")]],
    ["half a document", raw('{"input":'), [400, badInput("unexpected EOF")], [400, badInput("the body is not JSON")]],
    [
      "another encoding",
      raw('{"input":{"name":"x"}}', { headers: { "content-encoding": "br" } }),
      [200, { result: "x" }],
      [400, wrong(expect.stringContaining("`br` is not supported"))],
    ],
    ["an input of GET that cannot be decoded", get("app/name", "?input=%zz"), [200, {}], [400, badInput("it is not percent-encoded")]],
    ["an input of GET that is empty", get("app/name", "?input="), [400, badInput("EOF")], [400, badInput("the body is empty")]],
    ["an input of GET with a semicolon", get("app/name", "?input={%22name%22:%22a;b%22}"), [200, {}], [200, { result: "a;b" }]],
    [
      "explanations",
      raw("{}", { path: "/v1/data/pkg/sub/p?explain=notes" }),
      [200, { result: 1, explanation: [], ...unset }],
      [200, { result: 1, ...unset }],
    ],
    ["the front page", { method: "GET", path: "/" }, [200, null], [405, null]],
    ["PUT of data", { method: "PUT", path: "/v1/data/x", body: "{}" }, [204, null], [405, null]],
  ])("differ in %s", async (_name, asked, opas, own) => {
    const { theirs, ours } = await both.ask(asked);
    expect([theirs.status, opas[1] === null ? null : plain(theirs).body]).toEqual(opas);
    const body = plain(ours).body;
    expect([ours.status, body]).toEqual(own);
  });

  test("both fail when a rule has two values, or a builtin fails and that is asked", async () => {
    const message = "error(s) occurred while evaluating query";
    for (const asked of [
      v1("err/conflict", { a: 1, b: 1 }),
      v0("err/conflict", { a: 1, b: 1 }),
      { ...v1("err/quotient", { divisor: 0 }), path: "/v1/data/err/quotient?strict-builtin-errors" },
      { ...get("err/number", "?strict-builtin-errors=1&strict-builtin-errors=True&input=%7B%22text%22%3A%22x%22%7D") },
    ]) {
      const { theirs, ours } = await both.ask(asked);
      expect(plain(theirs)).toMatchObject({ status: 500, body: { code: "internal_error", message } });
      const errors = [{ code: "policy_error", message: "The evaluation aborted, trapped, or a builtin failed." }];
      expect(plain(ours)).toEqual({ ...plain(theirs), body: { code: "internal_error", message, errors } });
    }
  });

  test("a body that is too large is refused, and its connection with it", async () => {
    const got = await ask(both.service.url, { path: "/v1/data/app/name", body: Buffer.alloc(2_000_000, " ") });
    expect([got.status, got.headers.connection]).toEqual([400, "close"]);
    expect(plain(got).body).toEqual({ code: "invalid_parameter", message: expect.stringContaining("larger than") });
  });

  test("what takes too long is an error", async () => {
    const { status, body } = plain(await ask(both.service.url, v1("err/loop", {})));
    expect(status).toBe(500);
    expect(body).toMatchObject({ code: "internal_error", errors: [{ code: "policy_timeout" }] });
    expect(plain(await ask(both.service.url, v1("app/allow", { user: "alice" }))).body).toEqual({ result: true });
  });

  test("a tool call is denied: the bundle has no decision", async () => {
    const { status, bytes } = await ask(both.service.url, {
      path: "/decide",
      body: '{"tool":{"name":"x"}}',
      headers: { "content-type": "application/json" },
    });
    expect([status, JSON.parse(bytes.toString())]).toMatchObject([200, { allow: false, reasons: [{ code: "policy_undefined" }] }]);
  });
});
