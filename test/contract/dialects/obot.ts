import { expect } from "vitest";
import { post } from "./post.ts";
import type { DialectSample } from "./sample.ts";

const call = (params: object, more: object = {}) => post("/hooks/obot", { jsonrpc: "2.0", id: 1, method: "tools/call", params, ...more });

export const obotSample: DialectSample = {
  dialect: "obot",
  ask: (args) => call({ name: "find", arguments: args }),
  seesArguments: true,
  // Its converter takes any 2xx for a yes.
  passes: ({ status }) => status >= 200 && status < 300,
  check: ({ status, text }) => expect((JSON.parse(text) as { allow: unknown }).allow).toBe(status === 200),
  garbage: [
    post("/hooks/obot", ""),
    post("/hooks/obot", "[]"),
    post("/hooks/obot", "null"),
    call({}),
    call({ name: "find" }, { jsonrpc: undefined }),
    call({ name: "find", argumentſ: {} }),
    call({ name: "find" }, { result: {} }),
    post("/hooks/obot/gateway", { jsonrpc: "2.0", id: 1, method: "ping" }),
    post("/hooks/obot/gateway", { jsonrpc: "2.0", id: 1, method: "ping" }, { "x-obot-signature-256": "0".repeat(64) }),
  ],
};
