import { expect } from "vitest";
import { replyProblems } from "../../helpers/authzen.ts";
import type { DialectSample, Sent } from "./sample.ts";

const post = (body: unknown, headers: Record<string, string> = {}): Sent => ({
  method: "POST",
  path: "/access/v1/evaluation",
  headers: { "content-type": "application/json", ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const find = (resource: object = {}) => ({
  subject: { type: "identity", id: "emma" },
  action: { name: "tools/call" },
  resource: { type: "tool", id: "find", ...resource },
});

export const authzenSample: DialectSample = {
  dialect: "authzen",
  ask: (args) => post(find({ properties: { arguments: args } })),
  seesArguments: true,
  passes: ({ status, text }) => status === 200 && (JSON.parse(text) as { decision?: unknown }).decision === true,
  check({ status, text }) {
    const body: unknown = JSON.parse(text);
    expect(replyProblems(status === 200 ? "evaluation" : "error", body)).toEqual([]);
  },
  garbage: [
    post(""),
    post("{"),
    post("null"),
    post([find()]),
    post({ ...find(), subject: "emma" }),
    post({ ...find(), action: {} }),
    post({ ...find(), action: { name: 1 } }),
    post({ ...find(), context: null }),
    post(find({ id: "no such name" })),
    post(find({ properties: { arguments: [] } })),
    post('{"subject":{"type":"user","id":"a","id":"b"},"action":{"name":"x"},"resource":{"type":"tool","id":"find"}}'),
    { ...post(find()), headers: { "content-type": "text/plain" } },
  ],
  blind: [post(find())],
};
