import type { Json, JsonObject } from "../../decide/json.ts";
import { agentOf, isObject, optionalId, subjectOf } from "../claimed.ts";
import type { WireRequest } from "../dialect.ts";
import { toolName } from "../native.ts";
import { invalidAt } from "../sessions.ts";
import { withClaims } from "../wire-call.ts";
import { type Asked, toolCall } from "./asked.ts";

/**
 * Microsoft's Agent Governance Toolkit: the context of one action as the input. `agent_os` writes `tool_name`, `tool_args` and `agent_id`;
 * the others `{...context, action}`, where the action is the tool unless `tool_name` says which.
 */
export function readAgt(request: WireRequest, input: JsonObject): Asked {
  const user = optionalId(input.user_id, "/input/user_id");
  const agent = agentId(input);
  const session = optionalId(input.session_id, "/input/session_id");
  const said = withClaims(request, {
    ...(user === null ? {} : { subject: subjectOf(user, { roles: [], groups: [], properties: {} }) }),
    ...(agent === null ? {} : { agent: agentOf(agent, {}) }),
    ...(session === null ? {} : { sessionId: session }),
  });
  const context: JsonObject = { agt: { action: input.action ?? input.action_type ?? null } };
  return { request: { ...said, headers: {} }, messages: [toolCall(toolOf(input), argumentsOf(input), context)] };
}

function toolOf({ tool_name, action, action_type }: JsonObject): string {
  const name = [tool_name, isObject(action) ? action.type : action, action_type].find(
    (value) => value !== undefined && value !== null && value !== "",
  );
  const parsed = toolName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw invalidAt("/input/tool_name", "must be the name of the tool");
}

const argumentNames = ["tool_args", "arguments", "parameters"] as const;

/** Null: they are not told. Told in two ways they may differ. */
function argumentsOf(input: JsonObject): JsonObject | null {
  const told = argumentNames.filter((name) => input[name] !== undefined && input[name] !== null);
  const [name, ...more] = told;
  if (name === undefined) return null;
  const value = input[name];
  if (more.length > 0 || !isObject(value)) throw invalidAt(`/input/${name}`, "must be an object, and the only one with arguments");
  return value;
}

function agentId({ agent_id, agent_did, agentDid, agent }: JsonObject): string | null {
  const nested: Json | undefined = isObject(agent) ? (agent.id ?? agent.did) : agent;
  const ids = [agent_id, agent_did, agentDid, nested].map((value) => optionalId(value, "/input/agent_id"));
  return ids.find((id) => id !== null) ?? null;
}
