import { expect } from "vitest";
import { post } from "./post.ts";
import type { DialectSample } from "./sample.ts";

const call = (params: object) => ({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
const asked = (mcp_request: unknown, more: object = {}) =>
  post("/hooks/toolhive", {
    version: "v0.1.0",
    uid: "5b7d",
    timestamp: "2027-01-01T00:00:00Z",
    principal: { sub: "emma" },
    mcp_request,
    context: { server_name: "s", source_ip: "10.0.0.7:4711", transport: "sse" },
    ...more,
  });

/** Its `failure_policy` may be to go on after anything but 200 and 422. */
export const toolhiveSample: DialectSample = {
  dialect: "toolhive",
  ask: (args) => asked(call({ name: "find", arguments: args })),
  seesArguments: true,
  failsOpen: true,
  passes: ({ status, text }) => (status === 200 ? (JSON.parse(text) as { allowed?: unknown }).allowed === true : status !== 422),
  check({ text }) {
    const body = JSON.parse(text) as { allowed: boolean };
    expect(body).toMatchObject({ version: "v0.1.0", uid: expect.any(String), allowed: expect.any(Boolean) });
    if (!body.allowed) expect(body).toMatchObject({ code: expect.any(Number), message: expect.any(String), reason: expect.any(String) });
  },
  garbage: [
    post("/hooks/toolhive", ""),
    post("/hooks/toolhive", "{"),
    post("/hooks/toolhive", {}),
    asked(undefined),
    asked(null),
    asked([]),
    asked("tools/call"),
    asked(call({ name: "find" }), { version: "v0.2.0" }),
    asked(call({ name: "find" }), { version: undefined }),
    asked(call({ name: "find" }), { principal: "emma" }),
    asked(call({ name: "find" }), { principal: { sub: 7 } }),
    asked(call({ name: "find" }), { principal: { sub: "emma", claims: { roles: [7] } } }),
    asked(call({ name: "find" }), { principal: { sub: "emma", delegation: { chain: [], malformed: true } } }),
    asked(call({ name: "find" }), { principal: { sub: "emma", delegation: { chain: [{}], malformed: false } } }),
    asked(call({ name: "find" }), { principal: { sub: "emma", claims: { act: {} } } }),
    asked(call({ name: "find", arguments: [] })),
    asked([call({ name: "find" }), { jsonrpc: "2.0", id: 2 }]),
    { ...asked(call({ name: "find" })), headers: { "content-type": "text/plain" } },
    { ...asked(call({ name: "find" })), path: "/hooks/toolhive/gateway" },
  ],
};
