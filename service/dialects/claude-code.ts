import type { Json, JsonObject } from "../decide/json.ts";
import type { RemitError } from "../errors.ts";
import { bodyObject, optionalId } from "./claimed.ts";
import type { Dialect, Question, WireReply, WireRequest } from "./dialect.ts";
import { jsonReply } from "./dialect.ts";
import { askAbout, type HookAllow, hookReply, namedTool, noOpinion, pick, sessionOf, tellOutcome } from "./hook-call.ts";
import { invalidAt } from "./sessions.ts";
import { errorSentence } from "./wire-call.ts";

/** Claude Code's HTTP hooks. It goes on after any status but 2xx, so every failure is a 200 that says no. */
export function createClaudeCode(allow: HookAllow): Dialect {
  return hookDialect("claude-code", "Decide a tool use for a hook of Claude Code", allow);
}

/** Codex's command hooks, through the shipped script. It has the same events, and takes an explicit allow for a fault. */
export function createCodex(): Dialect {
  return hookDialect("codex", "Decide a tool use for a hook of Codex", "no_opinion");
}

function hookDialect(name: string, summary: string, allow: HookAllow): Dialect {
  return {
    name,
    routes: [
      {
        method: "post",
        path: `/hooks/${name}`,
        summary,
        body: "json",
        results: true,
        translate: (request) => translate(request, name, allow),
      },
    ],
    refuse: (error: RemitError) => decision("deny", errorSentence(error)),
  };
}

function translate(request: WireRequest, agent: string, allow: HookAllow): Question {
  const body = bodyObject(request);
  switch (body.hook_event_name) {
    case "PreToolUse":
      return askAbout(request, useOf(request, body, agent), (answered) => hookReply(answered, allow, decision));
    case "PostToolUse":
      return tellOutcome(usedBy(request, body, agent), { failed: false, result: body.tool_response });
    case "PostToolUseFailure":
      return tellOutcome(usedBy(request, body, agent), { failed: true, result: body.error });
    default:
      // The other events permit nothing; without a name it could be any.
      if (typeof body.hook_event_name !== "string") throw invalidAt("/hook_event_name", "names no event");
      return { kind: "reply", reply: noOpinion };
  }
}

function useOf(request: WireRequest, body: JsonObject, agent: string) {
  const context = pick(body, ["hook_event_name", "cwd", "permission_mode", "agent_id", "agent_type", "model"]);
  const input: Json | undefined = body.tool_input;
  return { ...usedBy(request, body, agent), ...namedTool(body.tool_name, agent, "/tool_name"), arguments: input, context };
}

function usedBy(request: WireRequest, body: JsonObject, agent: string) {
  return { agent, sessionId: sessionOf(request, body.session_id, "/session_id"), useId: optionalId(body.tool_use_id, "/tool_use_id") };
}

function decision(permissionDecision: "allow" | "deny", permissionDecisionReason: string): WireReply {
  return jsonReply(200, { hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision, permissionDecisionReason } });
}
