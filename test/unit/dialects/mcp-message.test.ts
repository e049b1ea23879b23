import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../../service/decide/json.ts";
import { type McpMessage, readMessages } from "../../../service/dialects/mcp-message.ts";

const read = (message: JsonObject): McpMessage => {
  const [only] = readMessages({ jsonrpc: "2.0", ...message });
  if (only === undefined) throw new Error("nothing was read");
  return only;
};
const call = (params: JsonObject, more: JsonObject = {}) => read({ id: 1, method: "tools/call", params, ...more });

describe("calls of every version", () => {
  test("2024-11-05: name and arguments", () => {
    expect(call({ name: "get_weather", arguments: { location: "New York" } })).toEqual({
      kind: "call",
      id: 1,
      ask: {
        method: "tools/call",
        tool: "get_weather",
        arguments: { location: "New York" },
        argumentsKnown: true,
        context: { mcp: { params: {} } },
      },
    });
  });

  test("a call without arguments has none, and that is known", () => {
    expect(call({ name: "now" })).toMatchObject({ ask: { arguments: {}, argumentsKnown: true } });
  });

  test("2025-11-25: a call that becomes a task is the same call", () => {
    expect(call({ name: "f", arguments: {}, task: { ttl: 60_000 }, _meta: { progressToken: 1 } })).toMatchObject({
      ask: { tool: "f", context: { mcp: { meta: { progressToken: 1 }, params: { task: { ttl: 60_000 } } } } },
    });
  });

  test("2026-07-28: the answers to a server's questions are beside the arguments, not in them", () => {
    const meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": { name: "root" } };
    const asked = call({
      name: "f",
      arguments: { a: 1 },
      inputResponses: { q: { action: "accept" } },
      requestState: "opaque",
      _meta: meta,
    });
    expect(asked).toMatchObject({
      ask: {
        arguments: { a: 1 },
        context: { mcp: { meta, params: { inputResponses: { q: { action: "accept" } }, requestState: "opaque" } } },
      },
    });
  });

  test.each([
    ["resources/read", { uri: "file:///a" }],
    ["prompts/get", { name: "p", arguments: { x: "1" } }],
    ["completion/complete", { ref: { type: "ref/prompt", name: "p" }, argument: { name: "x", value: "y" } }],
    ["resources/subscribe", { uri: "file:///a" }],
    ["subscriptions/listen", {}],
    ["tasks/result", { taskId: "t-1" }],
    ["tasks/list", {}],
    ["sampling/createMessage", { messages: [], maxTokens: 1 }],
    ["elicitation/create", { message: "?" }],
    ["made/up", {}],
    ["notificationsX/y", {}],
  ])("%s is a tool of its own name", (method, params) => {
    expect(read({ id: "a", method, params })).toMatchObject({ kind: "call", id: "a", ask: { method, tool: method, arguments: params } });
  });

  test("a call without an id is a call: a server may run it", () => {
    expect(read({ method: "tools/call", params: { name: "f" } })).toMatchObject({ kind: "call", id: null });
  });
});

describe("what passes", () => {
  test.each(["initialize", "ping", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "server/discover"])(
    "%s",
    (method) => {
      expect(read({ id: 1, method })).toMatchObject({ kind: "pass", method });
    },
  );

  test("notifications; but one with an id is a request", () => {
    expect(read({ method: "notifications/cancelled", params: { requestId: 1 } })).toMatchObject({ kind: "pass" });
    expect(read({ method: "notifications/anything" })).toMatchObject({ kind: "pass" });
    expect(read({ id: 1, method: "notifications/anything" })).toMatchObject({ kind: "call", ask: { tool: "notifications/anything" } });
  });
});

describe("results", () => {
  test("a result, one that failed, and an error", () => {
    const content = [{ type: "text", text: "x" }];
    expect(read({ id: 1, result: { content } })).toEqual({ kind: "result", id: 1, failed: false, complete: true, result: { content } });
    expect(read({ id: "1", result: { content, isError: true } })).toMatchObject({ id: "1", failed: true, complete: true });
    expect(read({ id: 1, error: { code: -32_602, message: "?" } })).toMatchObject({ failed: true, complete: true, result: null });
    expect(read({ id: 1, result: { content, resultType: "complete" } })).toMatchObject({ complete: true });
  });

  test("one that wants input, or is a task, is no result of the call", () => {
    expect(read({ id: 1, result: { resultType: "input_required", inputRequests: {} } })).toMatchObject({ complete: false });
    expect(read({ id: 1, result: { resultType: "later" } })).toMatchObject({ complete: false });
    expect(read({ id: 1, result: { task: { taskId: "t", status: "working" } } })).toMatchObject({ complete: false });
    expect(read({ id: 1, result: { task: { taskId: "t" }, content: [] } })).toMatchObject({ complete: true });
  });
});

describe("batches (2025-03-26)", () => {
  test("each message on its own", () => {
    const one = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "a" } };
    const two = { jsonrpc: "2.0", method: "notifications/initialized" };
    expect(readMessages([one, two]).map(({ kind }) => kind)).toEqual(["call", "pass"]);
  });

  test("one bad message spoils the batch, and none is no batch", () => {
    expect(() => readMessages([{ jsonrpc: "2.0", id: 1, method: "ping" }, { id: 2 }])).toThrow(/\/1\/jsonrpc/);
    expect(() => readMessages([])).toThrow(/empty/);
    expect(() => readMessages([[]])).toThrow(/\/0/);
  });
});

describe("what is refused", () => {
  test.each<[string, Json]>([
    ["null", null],
    ["a text", "tools/call"],
    ["another version", { jsonrpc: "1.0", id: 1, method: "ping" }],
    ["no version", { id: 1, method: "ping" }],
    ["an id that is an object", { jsonrpc: "2.0", id: {}, method: "ping" }],
    ["an id that is true", { jsonrpc: "2.0", id: true, method: "ping" }],
    ["a long id", { jsonrpc: "2.0", id: "x".repeat(257), method: "ping" }],
    ["a method that is a number", { jsonrpc: "2.0", id: 1, method: 1 }],
    ["a method that is null", { jsonrpc: "2.0", id: 1, method: null }],
    ["a method with a space", { jsonrpc: "2.0", id: 1, method: "tools/call " }],
    ["parameters by position", { jsonrpc: "2.0", id: 1, method: "tools/call", params: ["f"] }],
    ["no name", { jsonrpc: "2.0", id: 1, method: "tools/call", params: {} }],
    ["a name that is an object", { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: {} } }],
    ["a name that is none", { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "../f" } }],
    ["arguments that are null", { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "f", arguments: null } }],
    ["arguments that are a list", { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "f", arguments: [] } }],
    ["request and response at once", { jsonrpc: "2.0", id: 1, method: "ping", result: {} }],
    ["a response of both kinds", { jsonrpc: "2.0", id: 1, result: {}, error: {} }],
    ["a response of neither kind", { jsonrpc: "2.0", id: 1 }],
    ["a response to nothing", { jsonrpc: "2.0", id: null, result: {} }],
  ])("%s", (_, message) => {
    expect(() => readMessages(message)).toThrow(expect.objectContaining({ code: "request_invalid" }));
  });

  const method = "tools/call";
  test.each<[string, JsonObject]>([
    ["Method", { id: 1, method: "ping", Method: method }],
    ["METHOD alone", { id: 1, METHOD: method }],
    ["Params", { id: 1, method, params: { name: "f" }, Params: { name: "g" } }],
    ["paramſ, which Go's reader takes for params", { id: 1, method, params: { name: "f" }, paramſ: { name: "g" } }],
    ["Name", { id: 1, method, params: { name: "f", Name: "g" } }],
    ["argumentſ", { id: 1, method, params: { name: "f", arguments: {}, argumentſ: { x: 1 } } }],
    ["URI", { id: 1, method: "resources/read", params: { uri: "a", URI: "b" } }],
    ["Result", { id: 1, result: {}, Result: {} }],
  ])("a member that looks like another: %s", (_, message) => {
    expect(() => read(message)).toThrow(expect.objectContaining({ code: "body_unsafe" }));
  });
});

test("whatever the message: it is refused, or every method outside the closed list is asked about", () => {
  const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
  const id = fc.oneof(fc.integer(), fc.string({ maxLength: 5 }), fc.constant(null));
  const message = fc.record(
    { method: fc.string({ maxLength: 20 }), id, params: fc.oneof(json, fc.constant({ name: "f" })) },
    { requiredKeys: ["method"] },
  );
  fc.assert(
    fc.property(message, (given) => {
      let found: McpMessage;
      try {
        found = read(given as JsonObject);
      } catch {
        return;
      }
      const listed = /^(initialize|ping|(tools|prompts|resources|resources\/templates|roots)\/list|server\/discover|logging\/setLevel)$/;
      const notification = given.method.startsWith("notifications/") && (given.id ?? null) === null;
      expect(found.kind).toBe(listed.test(given.method) || notification ? "pass" : "call");
    }),
  );
});
