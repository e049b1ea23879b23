import { expect } from "vitest";
import type { JsonObject } from "../../../service/decide/json.ts";
import { post } from "./post.ts";
import type { DialectSample } from "./sample.ts";

const asked = (mcp: JsonObject | undefined, more: object = {}) =>
  post("/decision", {
    principal: { sub: "emma", mroles: ["support"], mannotations: {} },
    operation: "mcp:tool:call",
    resource: "mrn:mcp:s:tool:find",
    context: mcp === undefined ? {} : { mcp },
    ...more,
  });

export const porcSample: DialectSample = {
  dialect: "porc",
  ask: (args) => asked({ feature: "tool", operation: "call", resource_id: "find", args }),
  seesArguments: true,
  passes: ({ status, text }) => status === 200 && (JSON.parse(text) as { allow?: unknown }).allow === true,
  check: ({ text }) => expect(JSON.parse(text)).toMatchObject({ allow: expect.any(Boolean), reasons: expect.any(Array) }),
  // Left out when they are empty, and when ToolHive is not told to send them.
  blind: [asked(undefined), asked({}), asked({ feature: "tool" }), { ...asked(undefined), path: "/decision?probe=true" }],
  garbage: [
    post("/decision", ""),
    post("/decision", []),
    post("/decision", {}),
    asked({ args: [] }),
    asked({ args: {}, resource_id: "other" }),
    asked({ args: {}, operation: "list" }),
    asked({ args: {} }, { operation: "mcp:tool:run" }),
    asked({ args: {} }, { operation: "mcp:constructor:constructor" }),
    asked({ args: {} }, { operation: "mcp:prompt:get" }),
    asked({ args: {} }, { operation: undefined }),
    asked({ args: {} }, { resource: "mrn:mcp:s:tool:" }),
    asked({ args: {} }, { resource: "mrn:mcp::tool:find" }),
    asked({ args: {} }, { resource: "mrn:mcp:s:resource:find" }),
    asked({ args: {} }, { resource: 7 }),
    asked({ args: {} }, { principal: { sub: ["emma"] } }),
    asked({ args: {} }, { principal: [] }),
  ],
};
