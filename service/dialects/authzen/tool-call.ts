import { z } from "zod";
import type { Json, JsonObject } from "../../decide/json.ts";
import type { ClaimedAgent, ClaimedSubject, ToolCall } from "../../decide/tool-call.ts";
import { isObject } from "../claimed.ts";
import type { WireRequest } from "../dialect.ts";
import type { McpAsk } from "../mcp-message.ts";
import { toolName } from "../native.ts";
import { identifier, invalidAt, parseAt } from "../sessions.ts";
import { toCall } from "../wire-call.ts";
import type { Evaluation } from "./request.ts";

/**
 * Methods of MCP as the default mapping of COAZ-MCP sends them (AuthZEN COAZ-MCP binding, "Default Mappings"): the type of the resource, the
 * argument that its id is, and whether that is the only argument.
 */
const mcpMethods: ReadonlyMap<string, McpMethod> = new Map([
  ...rows(["initialize", "tools/list", "resources/list", "prompts/list", "tasks/list", "logging/setLevel"], {
    ...{ type: "mcp_server", argument: null, whole: false },
  }),
  ...rows(["resources/read", "resources/subscribe", "resources/unsubscribe"], { type: "resource", argument: "uri", whole: true }),
  ...rows(["tasks/get", "tasks/result", "tasks/cancel"], { type: "task", argument: "taskId", whole: true }),
  ...rows(["prompts/get"], { type: "prompt", argument: "name", whole: false }),
]);

interface McpMethod {
  readonly type: string;
  readonly argument: string | null;
  readonly whole: boolean;
}

function rows(methods: readonly string[], row: McpMethod): readonly (readonly [string, McpMethod])[] {
  return methods.map((method) => [method, row]);
}

/** Begin of the names of tools that are actions of the enforcement point's own: no catalog entry with other pointers is taken for theirs. */
const ownPrefix = "authzen/";

/** Question to tool call. Throws RemitError `request_invalid` for what no tool call can express. */
export function toToolCall(request: WireRequest, evaluation: Evaluation): ToolCall {
  const { claims } = request;
  return toCall(request, askOf(evaluation), {
    subject: subjectOf(claims.subject, evaluation),
    agent: agentOf(claims.agent, evaluation.context),
    sessionId: sameAs(claims.sessionId, text(evaluation.context, "session_id", "/context"), "/context/session_id"),
    server: serverOf(claims.server, evaluation),
  });
}

function askOf({ action, resource, context }: Evaluation): McpAsk {
  if (isToolCall(action, resource)) return toolAsk(resource, context);
  const method = mcpMethod(action, resource);
  if (method !== null) {
    const given = method.argument === null ? {} : { [method.argument]: resource.id };
    return { method: action.name, tool: action.name, arguments: given, argumentsKnown: method.whole, context };
  }
  const given: Json = {
    resource: { type: resource.type, id: resource.id, properties: (resource.properties ?? {}) as JsonObject },
    action: { properties: (action.properties ?? {}) as JsonObject },
  };
  const tool = nameOf(`${ownPrefix}${action.name}`, "/action/name");
  return { method: "tools/call", tool, arguments: given, argumentsKnown: true, context };
}

function isToolCall(action: Evaluation["action"], resource: Evaluation["resource"]): boolean {
  return action.name === "tools/call" && resource.type === "tool";
}

function mcpMethod(action: Evaluation["action"], resource: Evaluation["resource"]): McpMethod | null {
  const method = mcpMethods.get(action.name);
  return method?.type === resource.type ? method : null;
}

/** The arguments only where a mapping put them: by default COAZ-MCP sends none. */
function toolAsk({ id, properties = {} }: Evaluation["resource"], context: JsonObject): McpAsk {
  const given = properties.arguments as Json | undefined;
  if (given !== undefined && !isObject(given)) throw invalidAt("/resource/properties/arguments", "must be an object");
  const tool = nameOf(id, "/resource/id");
  return { method: "tools/call", tool, arguments: given ?? {}, argumentsKnown: given !== undefined, context };
}

function nameOf(name: string, path: string): string {
  if (toolName.safeParse(name).success) return name;
  throw invalidAt(path, "not the name of a tool");
}

/** Roles of a header win over those of the body: a mapping may have the latter from whoever is to be judged. */
function subjectOf(claimed: ClaimedSubject | null, { subject }: Evaluation): ClaimedSubject {
  const id = parseAt("/subject/id", identifier, subject.id);
  const properties = (subject.properties ?? {}) as JsonObject;
  const type = parseAt("/subject/type", identifier, subject.type);
  if (claimed === null) return { type, id, roles: list(properties, "roles"), groups: list(properties, "groups"), properties };
  sameAs(claimed.id, id, "/subject/id");
  return { ...claimed, type };
}

function agentOf(claimed: ClaimedAgent | null, context: JsonObject): ClaimedAgent | null {
  const id = sameAs(claimed?.id ?? null, text(context, "agent", "/context"), "/context/agent");
  return id === null ? null : { id, properties: {} };
}

/** An action of the enforcement point's own is no server's tool. */
function serverOf(claimed: string | null, { action, resource }: Evaluation): string | null {
  if (!isToolCall(action, resource) && mcpMethod(action, resource) === null) return null;
  const isServer = resource.type === "mcp_server";
  const path = isServer ? "/resource/id" : "/resource/properties/server";
  const stated = isServer ? resource.id : text((resource.properties ?? {}) as JsonObject, "server", "/resource/properties");
  return sameAs(claimed, stated === null ? null : nameOf(stated, path), path);
}

/** What a header says and what the body says must be the same where both say it. */
function sameAs(claimed: string | null, stated: string | null, path: string): string | null {
  if (claimed !== null && stated !== null && claimed !== stated) throw invalidAt(path, "differs from the identity header");
  return stated ?? claimed;
}

function text(holder: JsonObject, name: string, at: string): string | null {
  const value = holder[name];
  return value === undefined ? null : parseAt(`${at}/${name}`, identifier, value);
}

const texts = z.array(identifier).max(256);

function list(properties: JsonObject, name: string): readonly string[] {
  const value = properties[name];
  return value === undefined ? [] : parseAt(`/subject/properties/${name}`, texts, value);
}
