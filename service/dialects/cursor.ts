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
  noOpinion,
  pick,
  serverTool,
  sessionOf,
  tellOutcome,
} from "./hook-call.ts";
import { toolName } from "./native.ts";
import { invalidAt } from "./sessions.ts";
import { errorSentence } from "./wire-call.ts";

const agent = "cursor";

/** Cursor's command hooks, through the shipped script. Whatever fails is an explicit no. */
export function createCursor(allow: HookAllow): Dialect {
  return {
    name: agent,
    routes: [
      {
        method: "post",
        path: "/hooks/cursor",
        summary: "Decide a tool use for a hook of Cursor",
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
  const { hook_event_name: event } = body;
  if (typeof event !== "string") throw invalidAt("/hook_event_name", "names no event");
  if (event === "postToolUse") return tellOutcome(usedBy(request, body), { failed: false, result: body.tool_output });
  if (event === "postToolUseFailure") return tellOutcome(usedBy(request, body), { failed: true, result: body.error_message ?? body.error });
  const named = toolOf(request, event, body);
  if (named === null) return { kind: "reply", reply: noOpinion };
  const context = pick(body, ["hook_event_name", "cwd", "workspace_roots", "model", "user_email", "url"]);
  return askAbout(request, { ...usedBy(request, body), ...named, context }, (answered) => hookReply(answered, allow, decision));
}

function usedBy(request: WireRequest, body: JsonObject) {
  const sessionId = sessionOf(request, body.conversation_id, "/conversation_id");
  return { agent, sessionId, useId: optionalId(body.tool_use_id, "/tool_use_id") };
}

/** Which tool, with its arguments; null for an event that permits nothing. The narrow events use the names of `preToolUse`. */
function toolOf(request: WireRequest, event: string, body: JsonObject): (HookTool & Pick<HookUse, "arguments">) | null {
  switch (event) {
    case "preToolUse":
      return { ...toolNamed(request, body.tool_name), arguments: body.tool_input };
    case "beforeMCPExecution":
      return { ...toolNamed(request, `MCP:${text(body.tool_name)}`), arguments: body.tool_input };
    case "beforeShellExecution":
      return { server: agent, tool: "Shell", arguments: pick(body, ["command", "cwd"]) };
    case "beforeReadFile":
    case "beforeTabFileRead":
      return { server: agent, tool: "Read", arguments: pick(body, ["file_path"]) };
    default:
      return null;
  }
}

/** Of a tool of an MCP server Cursor tells the name only, so the server is the one of the headers, or none. Names are never taken apart. */
function toolNamed(request: WireRequest, name: Json | undefined): HookTool {
  const given = text(name);
  const ofServer = given.startsWith("MCP:");
  const tool = ofServer ? given.slice("MCP:".length) : given;
  const { server } = request.claims;
  if (ofServer && server !== null) return serverTool(server, tool, { agent, at: "/tool_name" });
  // Without its server such a name would be that of another server's tool in the catalog.
  if (!toolName.safeParse(tool).success || (ofServer && tool.includes("/"))) throw invalidAt("/tool_name", "names no tool");
  return { server: ofServer ? null : agent, tool };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** A no has its members in the two spellings that versions of Cursor read. */
function decision(behavior: "allow" | "deny", reason: string): WireReply {
  if (behavior === "allow") return jsonReply(200, { permission: "allow" });
  return jsonReply(200, { permission: "deny", user_message: reason, agent_message: reason, userMessage: reason, agentMessage: reason });
}
