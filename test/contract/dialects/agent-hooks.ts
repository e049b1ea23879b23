import { expect } from "vitest";
import type { JsonObject } from "../../../service/decide/json.ts";
import { post } from "./post.ts";
import type { DialectSample, Got } from "./sample.ts";

interface HookOutput {
  readonly hookSpecificOutput?: { hookEventName?: string; permissionDecision?: string; permissionDecisionReason?: string };
  readonly permissionDecision?: string;
  readonly permissionDecisionReason?: string;
  readonly permission?: string;
  readonly user_message?: string;
}

/** Hooks block on their own form of a no only: everything else lets the agent go on. */
const output = ({ status, text }: Got): HookOutput => (status === 200 ? (JSON.parse(text) as HookOutput) : {});

function claudeLike(dialect: "claude-code" | "codex"): DialectSample {
  const path = `/hooks/${dialect}`;
  const use = (more: object) =>
    post(path, {
      session_id: "s-1",
      transcript_path: "/t.jsonl",
      cwd: "/w",
      permission_mode: "default",
      hook_event_name: "PreToolUse",
      tool_name: "mcp__s__find",
      tool_use_id: "toolu_1",
      ...more,
    });
  return {
    dialect,
    ask: (args: JsonObject) => use({ tool_input: args }),
    seesArguments: true,
    failsOpen: true,
    passes: (got) => output(got).hookSpecificOutput?.permissionDecision !== "deny",
    check(got) {
      const { hookSpecificOutput: said } = output(got);
      expect(got.status).toBe(200);
      if (said === undefined) return expect(got.text).toBe("{}");
      expect(said).toEqual({
        hookEventName: "PreToolUse",
        permissionDecision: "deny",
        permissionDecisionReason: expect.stringMatching(/\S/),
      });
    },
    blind: [use({}), use({ tool_input: null }), use({ tool_input: "ls" }), use({ tool_input: [] })],
    garbage: [
      post(path, ""),
      post(path, "{"),
      post(path, "[]"),
      post(path, {}),
      use({ tool_input: {}, hook_event_name: undefined }),
      use({ tool_input: {}, hook_event_name: 7 }),
      use({ tool_input: {}, tool_name: undefined }),
      use({ tool_input: {}, tool_name: "" }),
      use({ tool_input: {}, tool_name: "mcp__s s__find" }),
      use({ tool_input: {}, tool_name: `mcp__${dialect}__Bash` }),
      use({ tool_input: {}, session_id: 7 }),
      use({ tool_input: '{"a":1,"a":2}' }),
      { ...use({ tool_input: {} }), headers: { "content-type": "text/plain" } },
    ],
  };
}

export const claudeCodeSample = claudeLike("claude-code");
export const codexSample = claudeLike("codex");

const copilot = (body: object) => post("/hooks/copilot", body);
const camel = { sessionId: "s-1", timestamp: 1_800_000_000_000, cwd: "/w", toolName: "find" };

export const copilotSample: DialectSample = {
  dialect: "copilot",
  ask: (args) => copilot({ ...camel, toolArgs: args }),
  seesArguments: true,
  failsOpen: true,
  passes: (got) => output(got).permissionDecision !== "deny",
  check(got) {
    expect(got.status).toBe(200);
    if (output(got).permissionDecision === undefined) expect(got.text).toBe("{}");
    else
      expect(output(got)).toMatchObject({
        permissionDecision: "deny",
        permissionDecisionReason: expect.stringMatching(/\S/),
        behavior: "deny",
      });
  },
  blind: [copilot(camel), copilot({ ...camel, toolArgs: "ls -l" }), copilot({ hook_event_name: "PreToolUse", tool_name: "find" })],
  garbage: [
    copilot({}),
    copilot([]),
    post("/hooks/copilot", "{"),
    copilot({ ...camel, toolName: undefined, toolArgs: {} }),
    copilot({ ...camel, toolName: "find it", toolArgs: {} }),
    copilot({ ...camel, toolArgs: '{"a":1,"a":2}' }),
    copilot({ ...camel, sessionId: {}, toolArgs: {} }),
    copilot({ hook_event_name: "PreToolUse", toolName: "find", toolArgs: {} }),
    copilot({ hook_event_name: null, tool_name: "find", tool_input: {} }),
    copilot({ hookName: 7, toolName: "find", toolArgs: {} }),
    copilot({ hookName: "permissionRequest", toolName: "copilot/find", toolInput: {} }),
    copilot({ hookName: "permissionRequest", toolName: "/find", toolInput: {} }),
  ],
};

const cursor = (body: object) => post("/hooks/cursor", { conversation_id: "c-1", generation_id: "g-1", ...body });

export const cursorSample: DialectSample = {
  dialect: "cursor",
  ask: (args) =>
    cursor({ hook_event_name: "beforeMCPExecution", tool_name: "find", tool_input: JSON.stringify(args), url: "https://s.example/mcp" }),
  seesArguments: true,
  failsOpen: true,
  passes: (got) => output(got).permission !== "deny",
  check(got) {
    expect(got.status).toBe(200);
    if (output(got).permission === undefined) expect(got.text).toBe("{}");
    else expect(output(got)).toMatchObject({ permission: "deny", user_message: expect.stringMatching(/\S/) });
  },
  blind: [
    cursor({ hook_event_name: "beforeMCPExecution", tool_name: "find" }),
    cursor({ hook_event_name: "preToolUse", tool_name: "MCP:find", tool_input: "?" }),
  ],
  garbage: [
    cursor({}),
    post("/hooks/cursor", "[]"),
    post("/hooks/cursor", ""),
    cursor({ hook_event_name: "preToolUse" }),
    cursor({ hook_event_name: "preToolUse", tool_name: "MCP:" }),
    cursor({ hook_event_name: "beforeMCPExecution", tool_input: "{}" }),
    cursor({ hook_event_name: "beforeMCPExecution", tool_name: "find", tool_input: '{"a":1,"a":2}' }),
    cursor({ hook_event_name: ["preToolUse"], tool_name: "Shell", tool_input: {} }),
  ],
};
