import type { Json, JsonObject } from "../../decide/json.ts";
import type { ClaimedSubject } from "../../decide/tool-call.ts";
import { names, optionalId, optionalObject, subjectOf } from "../claimed.ts";
import type { WireRequest } from "../dialect.ts";
import type { McpMessage } from "../mcp-message.ts";
import { toolName } from "../native.ts";
import { invalidAt } from "../sessions.ts";
import { withClaims } from "../wire-call.ts";
import { type Asked, methodCall, toolCall } from "./asked.ts";

/** IBM ContextForge: the unified PDP's OPA engine (`subject`, `action`, `resource`, `context`), or the OPA filter (`kind`, `payload`). */
export function readContextForge(servers: readonly string[], request: WireRequest, input: JsonObject): Asked {
  const isFilter = input.kind !== undefined || input.payload !== undefined;
  const isUnified = input.action !== undefined || input.resource !== undefined;
  if (isFilter === isUnified) throw invalidAt("/input", "is neither of the unified PDP nor of the OPA filter");
  return isFilter ? readFilter(servers, request, input) : readUnified(servers, request, input);
}

function readUnified(servers: readonly string[], request: WireRequest, input: JsonObject): Asked {
  const context = optionalObject(input.context, "/input/context") ?? {};
  const resource = optionalObject(input.resource, "/input/resource") ?? {};
  const subject = unifiedSubject(optionalObject(input.subject, "/input/subject") ?? {});
  // Its address is whatever the client wrote into `X-Forwarded-For`, and its session one request: they describe, and nothing more.
  const { ip = null, session_id = null, user_agent = null } = context;
  const more: JsonObject = { contextforge: { server_id: resource.server ?? null, request_id: session_id, stated_ip: ip } };
  return asked(request, { subject, userAgent: user_agent, ...unifiedCall(input.action, { resource, context, servers, more }) });
}

interface Unified {
  readonly resource: JsonObject;
  readonly context: JsonObject;
  /** Names of gateways that a tool's name may begin with. */
  readonly servers: readonly string[];
  readonly more: JsonObject;
}

const invoke = "tools.invoke.";

function unifiedCall(action: Json | undefined, { resource, context, servers, more }: Unified): Named {
  const { type, id } = resource;
  if (typeof id !== "string") throw invalidAt("/input/resource/id", "must be a text");
  if (typeof action === "string" && action.startsWith(invoke) && type === "tool") {
    if (action.slice(invoke.length) !== id) throw invalidAt("/input/action", "names another tool than `resource.id`");
    return namedTool(id, optionalObject(context.tool_args, "/input/context/tool_args"), { servers, more });
  }
  if (action !== "resources.fetch" || type !== "resource") throw invalidAt("/input/action", "is not known for this resource");
  return { server: null, message: methodCall("resources/read", { uri: ownId(id, context.resource_metadata) }, more) };
}

/** ContextForge lays the caller's metadata over the resource: an id in it would stand for the one that is read. */
function ownId(id: string, metadata: Json | undefined): string {
  const stated = optionalObject(metadata, "/input/context/resource_metadata") ?? {};
  if (Object.hasOwn(stated, "id") || Object.hasOwn(stated, "type"))
    throw invalidAt("/input/context/resource_metadata", "would replace members of the resource");
  return id;
}

/** What ContextForge writes for nobody. */
const nobody = "anonymous@internal";

function unifiedSubject({ email, roles, team_id, mfa_verified, clearance_level }: JsonObject): ClaimedSubject | null {
  const id = optionalId(email, "/input/subject/email");
  const team = optionalId(team_id, "/input/subject/team_id");
  return subjectOf(id === nobody ? null : id, {
    roles: names(roles, "/input/subject/roles"),
    groups: team === null ? [] : [team],
    properties: { mfa_verified: mfa_verified ?? null, clearance_level: clearance_level ?? null },
  });
}

/** The filter asks before a tool, a prompt or a resource. What it asks about results has no names in it: it is refused. */
function readFilter(servers: readonly string[], request: WireRequest, { kind, mode, payload, user }: JsonObject): Asked {
  const call = optionalObject(payload, "/input/payload") ?? {};
  if (mode !== "input") throw invalidAt("/input/mode", 'must be "input"');
  const id = optionalId(user, "/input/user");
  const subject = subjectOf(id === "none" ? null : id, { roles: [], groups: [], properties: {} });
  return asked(request, { subject, userAgent: null, ...filterCall(kind, servers, call) });
}

function filterCall(kind: Json | undefined, servers: readonly string[], { name, args, prompt_id, uri }: JsonObject): Named {
  const given = optionalObject(args, "/input/payload/args") ?? {};
  if (kind === "tool_pre_invoke") return namedTool(name, given, { servers, more: {} });
  if (kind === "prompt_pre_fetch" && typeof prompt_id === "string")
    return { server: null, message: methodCall("prompts/get", { name: prompt_id, arguments: given }, {}) };
  if (kind === "resource_pre_fetch" && typeof uri === "string") return { server: null, message: methodCall("resources/read", { uri }, {}) };
  throw invalidAt("/input/kind", "is not known for this payload");
}

interface Named {
  readonly server: string | null;
  readonly message: McpMessage;
}

/** A tool is called `<gateway>-<tool>`, with a separator of the operator's choice that may be in both: only names that are configured are taken off. */
function namedTool(name: Json | undefined, args: JsonObject | null, { servers, more }: Pick<Unified, "servers" | "more">): Named {
  if (!isToolName(name)) throw invalidAt("/input", "must name the tool");
  const longest = servers.filter((server) => toolAfter(server, name) !== null).sort((a, b) => b.length - a.length);
  const [server = null] = longest;
  return { server, message: toolCall(server === null ? name : (toolAfter(server, name) ?? name), args, more) };
}

function toolAfter(server: string, name: string): string | null {
  const rest = name.startsWith(server) ? /^(?:--|[-_.])(.+)$/.exec(name.slice(server.length))?.[1] : undefined;
  return isToolName(rest) ? rest : null;
}

function isToolName(value: Json | undefined): value is string {
  return toolName.safeParse(value).success;
}

interface Parts extends Named {
  readonly subject: ClaimedSubject | null;
  readonly userAgent: Json;
}

function asked(request: WireRequest, { subject, server, userAgent, message }: Parts): Asked {
  const said = withClaims(request, { ...(subject === null ? {} : { subject }), ...(server === null ? {} : { server }) });
  return { request: { ...said, headers: typeof userAgent === "string" ? { "user-agent": userAgent } : {} }, messages: [message] };
}
