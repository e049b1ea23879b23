import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../service/decide/json.ts";
import type { WireHeaders } from "../../../service/dialects/dialect.ts";
import { askFromHeaders, compareHeaders } from "../../../service/dialects/mcp-headers.ts";
import { readMessages } from "../../../service/dialects/mcp-message.ts";

const one = (method: string, params: JsonObject = {}) => readMessages({ jsonrpc: "2.0", id: 1, method, params });
const call = one("tools/call", { name: "find", arguments: { q: "é", deep: { n: [7, true] } } });
const base64 = (text: string) => `=?base64?${Buffer.from(text).toString("base64")}?=`;

describe("headers beside a body", () => {
  test.each<[string, WireHeaders]>([
    ["none", {}],
    ["the method", { "mcp-method": "tools/call" }],
    ["method and name", { "mcp-method": "tools/call", "mcp-name": "find" }],
    ["a packed name", { "mcp-name": base64("find") }],
    ["parameters, whatever the schema calls them", { "mcp-param-query": base64("é"), "mcp-param-count": "7", "mcp-param-flag": "true" }],
  ])("agree: %s", (_, headers) => {
    expect(() => compareHeaders(headers, call)).not.toThrow();
  });

  test.each<[string, WireHeaders]>([
    ["another method", { "mcp-method": "tools/list" }],
    ["the method in another case", { "mcp-method": "Tools/Call" }],
    ["another name", { "mcp-name": "drop" }],
    ["an empty name", { "mcp-name": "" }],
    ["another value", { "mcp-param-q": "e" }],
    ["a header that was sent twice", { "mcp-name": ["find", "drop"] }],
    ["a header that was joined", { "mcp-name": "find, find" }],
  ])("differ: %s", (_, headers) => {
    expect(() => compareHeaders(headers, call)).toThrow(expect.objectContaining({ code: "request_invalid" }));
  });

  test("the name of a resource is its URI, of a prompt its name; a list has none", () => {
    expect(() => compareHeaders({ "mcp-name": "file:///a" }, one("resources/read", { uri: "file:///a" }))).not.toThrow();
    expect(() => compareHeaders({ "mcp-name": "file:///b" }, one("resources/read", { uri: "file:///a" }))).toThrow();
    expect(() => compareHeaders({ "mcp-name": "p" }, one("prompts/get", { name: "p" }))).not.toThrow();
    expect(() => compareHeaders({ "mcp-name": "p" }, one("tools/list"))).toThrow();
  });

  test("headers say nothing of a batch or a response", () => {
    const headers = { "mcp-method": "tools/call" };
    expect(() => compareHeaders(headers, [...call, ...call])).toThrow();
    expect(() => compareHeaders(headers, readMessages({ jsonrpc: "2.0", id: 1, result: {} }))).toThrow();
  });
});

describe("headers alone", () => {
  const since = { "mcp-protocol-version": "2026-07-28" };

  test("say which tool, and that its arguments are unknown", () => {
    expect(askFromHeaders({ ...since, "mcp-method": "tools/call", "mcp-name": "find", "mcp-param-q": base64("é") })).toEqual({
      method: "tools/call",
      tool: "find",
      arguments: {},
      argumentsKnown: false,
      context: { mcp: { parameters: { q: "é" } } },
    });
    expect(askFromHeaders({ ...since, "mcp-method": "resources/read", "mcp-name": "file:///a" })).toMatchObject({
      arguments: { uri: "file:///a" },
    });
    expect(askFromHeaders({})).toBeNull();
  });

  test.each<[string, WireHeaders]>([
    ["a version whose servers do not compare", { "mcp-protocol-version": "2025-11-25", "mcp-method": "tools/call", "mcp-name": "find" }],
    ["no version", { "mcp-method": "tools/call", "mcp-name": "find" }],
    ["a version that is none", { "mcp-protocol-version": "DRAFT", "mcp-method": "tools/call", "mcp-name": "find" }],
    ["no name", { ...since, "mcp-method": "tools/call" }],
    ["a name that is none", { ...since, "mcp-method": "tools/call", "mcp-name": "../x" }],
  ])("do not count: %s", (_, headers) => {
    expect(() => askFromHeaders(headers)).toThrow(expect.objectContaining({ code: "request_invalid" }));
  });
});
