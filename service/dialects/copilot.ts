import type { Json, JsonObject } from "../decide/json.ts";
import type { RemitError } from "../errors.ts";
import { bodyObject, optionalId } from "./claimed.ts";
import type { Dialect, Question, WireReply, WireRequest } from "./dialect.ts";
import { jsonReply } from "./dialect.ts";
import {
  askAbout,
  type HookAllow,
  type HookTool,
  type HookUse,
  hookReply,
  namedTool,
  noOpinion,
  pick,
  serverTool,
  sessionOf,
  tellOutcome,
} from "./hook-call.ts";
import { invalidAt } from "./sessions.ts";
import { errorSentence } from "./wire-call.ts";

const agent = "copilot";

/**
 * GitHub Copilot's hooks: events in camel case have their members in camel case and no name, events in Pascal case have snake case and a name.
 * HTTP hooks that fail let the call pass, so every failure is a 200 that says no.
 */
export function createCopilot(allow: HookAllow): Dialect {
  return {
    name: agent,
    routes: [
      {
        method: "post",
        path: "/hooks/copilot",
        summary: "Decide a tool use for a hook of GitHub Copilot",
        body: "json",
        results: true,
        translate: (request) => translate(request, allow),
      },
    ],
    refuse: (error: RemitError) => decision("deny", errorSentence(error)),
  };
}

function translate(request: WireRequest, allow: HookAllow): Question {
  const body = bodyObject(request);
  switch (eventOf(body)) {
    case "preToolUse":
      return askAbout(request, useOf(request, body, namedTool), (answered) => hookReply(answered, allow, decision));
    case "permissionRequest":
      return askAbout(request, useOf(request, body, qualifiedTool), (answered) => hookReply(answered, allow, decision));
    case "postToolUse":
      return tellOutcome(useOf(request, body, namedTool), { failed: false, result: resultOf(body) });
    case "postToolUseFailure":
      return tellOutcome(useOf(request, body, namedTool), { failed: true, result: body.error });
    default:
      // The other events permit nothing.
      return { kind: "reply", reply: noOpinion };
  }
}

/**
 * The event's name in camel case. In camel case only some events have one; the others are known by their members. What cannot be told is
 * taken for a use that is asked about, and refused when it is none.
 */
function eventOf(body: JsonObject): string {
  const name = body.hook_event_name ?? body.hookName;
  if (typeof name === "string") return name.charAt(0).toLowerCase() + name.slice(1);
  if (body.hook_event_name !== undefined || body.hookName !== undefined) throw invalidAt("/hook_event_name", "names no event");
  if (Object.hasOwn(body, "toolResult")) return "postToolUse";
  return Object.hasOwn(body, "error") ? "postToolUseFailure" : "preToolUse";
}

/** `permissionRequest` names an MCP tool `server/tool`; the other events join both with a hyphen, which may be in either. */
function qualifiedTool(name: Json | undefined, own: string, at: string): HookTool {
  const [, server, tool] = typeof name === "string" ? (/^([^/]*)\/(.*)$/.exec(name) ?? []) : [];
  return server === undefined || tool === undefined ? namedTool(name, own, at) : serverTool(server, tool, { agent: own, at });
}

function resultOf({ toolResult, tool_result: result }: JsonObject): Json | undefined {
  return toolResult ?? result;
}

/** Copilot tells no id of a use, so an outcome can be matched only where one is sent. */
function useOf(request: WireRequest, body: JsonObject, named: typeof namedTool): HookUse {
  const snake = body.hook_event_name !== undefined;
  return {
    agent,
    ...(snake ? named(body.tool_name, agent, "/tool_name") : named(body.toolName, agent, "/toolName")),
    arguments: snake ? body.tool_input : (body.toolArgs ?? body.toolInput),
    sessionId: snake ? sessionOf(request, body.session_id, "/session_id") : sessionOf(request, body.sessionId, "/sessionId"),
    useId: snake ? optionalId(body.tool_use_id, "/tool_use_id") : optionalId(body.toolCallId, "/toolCallId"),
    context: pick(body, ["hook_event_name", "hookName", "cwd"]),
  };
}

/** Of `preToolUse` and of `permissionRequest` at once: which one is asked is not always to be seen. */
function decision(behavior: "allow" | "deny", reason: string): WireReply {
  const hookSpecificOutput = { hookEventName: "PreToolUse", permissionDecision: behavior, permissionDecisionReason: reason };
  return jsonReply(200, { permissionDecision: behavior, permissionDecisionReason: reason, behavior, message: reason, hookSpecificOutput });
}
