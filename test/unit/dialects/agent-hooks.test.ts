import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../../service/decide/json.ts";
import { createClaudeCode, createCodex } from "../../../service/dialects/claude-code.ts";
import { createCopilot } from "../../../service/dialects/copilot.ts";
import { createCursor } from "../../../service/dialects/cursor.ts";
import type { Answered, Dialect, Question } from "../../../service/dialects/dialect.ts";
import { RemitError } from "../../../service/errors.ts";
import { allowed, asks, bodyOf, broken, callsOf, denied, renders, underObligation } from "./wire.ts";

const [claude, codex, copilot, cursor] = [
  createClaudeCode("no_opinion"),
  createCodex(),
  createCopilot("no_opinion"),
  createCursor("no_opinion"),
];
const ask = (dialect: Dialect, body: Json, server: string | null = null): Question => {
  const claims = { subject: null, agent: null, sessionId: null, server, originIp: null };
  return asks(dialect, `/hooks/${dialect.name}`, body, { claims });
};
const callOf = (dialect: Dialect, body: Json, server: string | null = null) => callsOf(ask(dialect, body, server))[0];
const head = { method: "POST", path: "/hooks/x", query: "", headers: {}, requestId: "r" };
const offer = { expires_at: "2027-01-01T00:00:00Z", binding: "b", binding_token: "t", codes: ["not_now"] };
const offering = { ...denied, decision: { ...(denied as { readonly decision: object }).decision, offer } } as unknown as Answered;

describe("Claude Code", () => {
  const use = {
    session_id: "s-1",
    transcript_path: "/t",
    cwd: "/w",
    permission_mode: "plan",
    hook_event_name: "PreToolUse",
    tool_name: "mcp__crm__find",
    tool_input: { q: 1 },
    tool_use_id: "toolu_1",
  };

  test("a tool of an MCP server, and one of its own", () => {
    expect(callOf(claude, use)).toMatchObject({
      method: "tools/call",
      server: "crm",
      tool: "find",
      arguments: { q: 1 },
      argumentsKnown: true,
      sessionId: "s-1",
      context: { hook: { hook_event_name: "PreToolUse", cwd: "/w", permission_mode: "plan" } },
    });
    expect(callOf(claude, { ...use, tool_name: "Bash", tool_input: { command: "ls" } })).toMatchObject({
      server: "claude-code",
      tool: "Bash",
      arguments: { command: "ls" },
    });
  });

  test.each([
    ["mcp__crm__find__all", "crm", "find__all"],
    ["mcp__a_b__c", "a_b", "c"],
    ["mcp__crm", "claude-code", "mcp__crm"],
    ["mcp__crm__", "claude-code", "mcp__crm__"],
  ])("%s is tool of `%s`: %s", (tool_name, server, tool) => {
    expect(callOf(claude, { ...use, tool_name })).toMatchObject({ server, tool });
  });

  test("no server may have the agent's name", () => {
    expect(() => ask(claude, { ...use, tool_name: "mcp__claude-code__Bash" })).toThrow(/is not the name of an MCP server/);
    expect(() => ask(claude, { ...use, tool_name: "mcp__crm/find__x" })).toThrow(/names no tool/);
  });

  test("an allow has no opinion, or says so where it is told to", () => {
    expect(renders(ask(claude, use), allowed)).toEqual({ status: 200, body: {} });
    expect(renders(ask(createClaudeCode("allow"), use), allowed)).toEqual({
      status: 200,
      body: {
        hookSpecificOutput: {
          hookEventName: "PreToolUse",
          permissionDecision: "allow",
          permissionDecisionReason: "allowed by policy. Decision d-1",
        },
      },
    });
  });

  const no = (permissionDecisionReason: string) => ({
    status: 200,
    body: { hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny", permissionDecisionReason } },
  });

  test("a deny says why and under which decision, and when an approval would help", () => {
    expect(renders(ask(claude, use), denied)).toEqual(no("not now (not_now); later. Decision d-1"));
    expect(renders(ask(claude, use), offering)).toEqual(
      no("not now (not_now); later. An approver may allow exactly this call; ask for it with the decision's id. Decision d-1"),
    );
  });

  test("an allow under an obligation, a fault and a failure are denies too", () => {
    for (const dialect of [claude, createClaudeCode("allow")]) {
      expect(renders(ask(dialect, use), underObligation)).toEqual(no(expect.stringContaining("obligation_unknown") as never));
      expect(renders(ask(dialect, use), broken(new RemitError("policy_error", "secret")))).toEqual(
        no("The evaluation aborted, trapped, or a builtin failed. (policy_error). Decision d-2"),
      );
      expect(bodyOf(dialect.refuse(new RemitError("overloaded", "busy"), head))).toEqual(
        no(expect.stringContaining("(overloaded)") as never),
      );
    }
  });

  test("what became of it is told under the same name", () => {
    const asked = ask(claude, use);
    const after = { ...use, tool_response: { stdout: "x" } };
    const told = ask(claude, { ...after, hook_event_name: "PostToolUse" });
    expect(told).toMatchObject({ kind: "outcome", status: "completed", result: { stdout: "x" } });
    expect(asked.kind === "calls" ? asked.references : []).toEqual([told.kind === "outcome" ? told.reference : null]);
    const failed = ask(claude, { ...use, hook_event_name: "PostToolUseFailure", error: "boom" });
    expect(failed).toMatchObject({ kind: "outcome", status: "failed", result: "boom" });
    for (const error of [null, new RemitError("session_conflict", "?")])
      expect(failed.kind === "outcome" && bodyOf(failed.reply(error))).toEqual({ status: 200, body: {} });
  });

  test("without a session or an id nothing can be told", () => {
    for (const left of ["session_id", "tool_use_id"]) {
      const body: JsonObject = { ...use, hook_event_name: "PostToolUse", [left]: null };
      expect(ask(claude, body)).toMatchObject({ kind: "reply" });
    }
    const asked = ask(claude, { ...use, tool_use_id: null });
    expect(asked.kind === "calls" ? asked.references : []).toEqual([null]);
  });

  test("other events are no permission, and get no opinion", () => {
    for (const hook_event_name of ["SessionStart", "PermissionRequest", "pretooluse", "Made-Up"])
      expect(ask(claude, { ...use, hook_event_name })).toMatchObject({ kind: "reply", reply: { status: 200, body: "{}" } });
  });
});

describe("Codex", () => {
  const use = {
    session_id: "s",
    turn_id: "t",
    hook_event_name: "PreToolUse",
    tool_name: "Bash",
    tool_input: { command: "ls" },
    tool_use_id: "c",
  };

  test("has the same events; an allow is never said, since it takes that for a fault", () => {
    expect(callOf(codex, use)).toMatchObject({ server: "codex", tool: "Bash", arguments: { command: "ls" } });
    expect(renders(ask(codex, use), allowed)).toEqual({ status: 200, body: {} });
  });
});

describe("Copilot", () => {
  const camel = { sessionId: "s-1", timestamp: 1, cwd: "/w", toolName: "bash", toolArgs: { command: "ls" } };
  const pascal = {
    hook_event_name: "PreToolUse",
    session_id: "s-1",
    timestamp: "",
    cwd: "/w",
    tool_name: "Bash",
    tool_input: { command: "ls" },
  };

  test("both casings", () => {
    expect(callOf(copilot, camel)).toMatchObject({ server: "copilot", tool: "bash", arguments: { command: "ls" }, sessionId: "s-1" });
    expect(callOf(copilot, pascal)).toMatchObject({ server: "copilot", tool: "Bash", arguments: { command: "ls" }, sessionId: "s-1" });
  });

  test("arguments as JSON text are the same; a text that is none is unknown", () => {
    expect(callOf(copilot, { ...camel, toolArgs: '{"command":"ls"}' })).toMatchObject({
      arguments: { command: "ls" },
      argumentsKnown: true,
    });
    for (const toolArgs of ["ls", "[]", "7", 7, null, ["ls"]])
      expect(callOf(copilot, { ...camel, toolArgs })).toMatchObject({ arguments: {}, argumentsKnown: false });
  });

  test("a permission request tells the server of a tool", () => {
    const request = { ...camel, hookName: "permissionRequest", toolName: "crm/find", toolArgs: undefined as never, toolInput: { q: 1 } };
    expect(callOf(copilot, request)).toMatchObject({ server: "crm", tool: "find", arguments: { q: 1 } });
    expect(callOf(copilot, { ...request, toolName: "a__b/c/d" })).toMatchObject({ server: "a__b", tool: "c/d" });
    expect(callOf(copilot, { ...request, toolName: "bash" })).toMatchObject({ server: "copilot", tool: "bash" });
    expect(callOf(copilot, { ...pascal, hook_event_name: "PermissionRequest", tool_name: "crm/find" })).toMatchObject({ server: "crm" });
    // Of the other events the name is not taken apart.
    expect(callOf(copilot, { ...camel, toolName: "crm/find" })).toMatchObject({ server: "copilot", tool: "crm/find" });
  });

  test("a no is one of both events", () => {
    const reason = "not now (not_now); later. Decision d-1";
    expect(renders(ask(copilot, camel), denied)).toEqual({
      status: 200,
      body: {
        permissionDecision: "deny",
        permissionDecisionReason: reason,
        behavior: "deny",
        message: reason,
        hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny", permissionDecisionReason: reason },
      },
    });
    expect(renders(ask(copilot, camel), allowed)).toEqual({ status: 200, body: {} });
    expect(renders(ask(createCopilot("allow"), camel), allowed)).toMatchObject({
      body: { permissionDecision: "allow", behavior: "allow" },
    });
    expect(renders(ask(createCopilot("allow"), camel), underObligation)).toMatchObject({ body: { permissionDecision: "deny" } });
  });

  test("outcomes of both casings, where a use has an id", () => {
    const result = { resultType: "success", textResultForLlm: "x" };
    expect(ask(copilot, { ...camel, toolResult: result })).toMatchObject({ kind: "reply", reply: { body: "{}" } });
    expect(ask(copilot, { ...camel, toolCallId: "c", toolResult: result })).toMatchObject({ kind: "outcome", status: "completed", result });
    expect(ask(copilot, { ...camel, toolCallId: "c", error: "boom" })).toMatchObject({ kind: "outcome", status: "failed", result: "boom" });
    expect(ask(copilot, { ...pascal, hook_event_name: "PostToolUse", tool_use_id: "c", tool_result: result })).toMatchObject({
      status: "completed",
    });
  });

  test("other events with a name get no opinion; one without a name and a tool is refused", () => {
    expect(ask(copilot, { hook_event_name: "SessionStart", session_id: "s" })).toMatchObject({ kind: "reply", reply: { body: "{}" } });
    expect(() => ask(copilot, { sessionId: "s", timestamp: 1, cwd: "/w", prompt: "hi" })).toThrow(/names no tool/);
  });
});

describe("Cursor", () => {
  const common = { conversation_id: "c-1", generation_id: "g", model: "m", cursor_version: "2", workspace_roots: ["/w"], user_email: null };
  const mcp = {
    ...common,
    hook_event_name: "beforeMCPExecution",
    tool_name: "find",
    tool_input: '{"q":1}',
    url: "https://crm.example/mcp",
  };

  test("a tool of an MCP server, whose name it does not tell", () => {
    expect(callOf(cursor, mcp)).toMatchObject({ server: null, tool: "find", arguments: { q: 1 }, sessionId: "c-1" });
    expect(callOf(cursor, mcp, "crm")).toMatchObject({ server: "crm", tool: "find" });
    expect(callOf(cursor, { ...common, hook_event_name: "preToolUse", tool_name: "MCP:find", tool_input: { q: 1 } }, "crm")).toMatchObject({
      server: "crm",
      tool: "find",
    });
    // Never taken apart: a server may call its tools as it likes.
    expect(callOf(cursor, { ...mcp, tool_name: "mcp__crm__find" })).toMatchObject({ server: null, tool: "mcp__crm__find" });
    expect(() => ask(cursor, { ...mcp, tool_name: "crm/find" })).toThrow(/names no tool/);
    expect(callOf(cursor, { ...mcp, tool_name: "crm/find" }, "web")).toMatchObject({ server: "web", tool: "crm/find" });
    expect(() => ask(cursor, mcp, "cursor")).toThrow(/is not the name of an MCP server/);
  });

  test("its own tools have one name in both events", () => {
    const shell = { server: "cursor", tool: "Shell" };
    expect(callOf(cursor, { ...common, hook_event_name: "beforeShellExecution", command: "ls", cwd: "/w" }, "crm")).toMatchObject({
      ...shell,
      arguments: { command: "ls", cwd: "/w" },
    });
    const use = { ...common, hook_event_name: "preToolUse", tool_name: "Shell", tool_input: { command: "ls" }, tool_use_id: "u" };
    expect(callOf(cursor, use, "crm")).toMatchObject({ ...shell, arguments: { command: "ls" } });
    expect(callOf(cursor, { ...common, hook_event_name: "beforeReadFile", file_path: "/a", content: "secret" })).toMatchObject({
      server: "cursor",
      tool: "Read",
      arguments: { file_path: "/a" },
    });
  });

  test("what is answered", () => {
    const reason = "not now (not_now); later. Decision d-1";
    expect(renders(ask(cursor, mcp), allowed)).toEqual({ status: 200, body: {} });
    expect(renders(ask(createCursor("allow"), mcp), allowed)).toEqual({ status: 200, body: { permission: "allow" } });
    expect(renders(ask(createCursor("allow"), mcp), underObligation)).toMatchObject({ body: { permission: "deny" } });
    expect(renders(ask(cursor, mcp), denied)).toEqual({
      status: 200,
      body: { permission: "deny", user_message: reason, agent_message: reason, userMessage: reason, agentMessage: reason },
    });
  });

  test("outcomes, and events that permit nothing", () => {
    const after = { ...common, tool_name: "Shell", tool_input: {}, tool_use_id: "u" };
    expect(ask(cursor, { ...after, hook_event_name: "postToolUse", tool_output: "{}" })).toMatchObject({
      kind: "outcome",
      status: "completed",
    });
    expect(ask(cursor, { ...after, hook_event_name: "postToolUseFailure", error_message: "no" })).toMatchObject({
      status: "failed",
      result: "no",
    });
    for (const hook_event_name of ["afterMCPExecution", "stop", "beforeSubmitPrompt"])
      expect(ask(cursor, { ...common, hook_event_name })).toMatchObject({ kind: "reply", reply: { body: "{}" } });
  });
});
