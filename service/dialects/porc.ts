import type { Json, JsonObject } from "../decide/json.ts";
import { bodyObject, names, optionalId, optionalObject, subjectOf } from "./claimed.ts";
import type { Answered, Dialect, Question, WireClaims, WireReply, WireRequest } from "./dialect.ts";
import { jsonReply } from "./dialect.ts";
import type { McpAsk } from "./mcp-message.ts";
import { toolName } from "./native.ts";
import { invalidAt } from "./sessions.ts";
import { decisionIdOf, errorReason, passes, refusalOf, toCall, withClaims } from "./wire-call.ts";

/**
 * `POST /decision`: principal, operation, resource and context, as ToolHive's authorizer `httpv1` asks. Anything but a 200 is a no to it, and
 * every body says `allow`.
 */
export const porc: Dialect = {
  name: "porc",
  routes: [{ method: "post", path: "/decision", summary: "Decide a PORC expression", body: "json", translate }],
  refuse: (error) => jsonReply(error.status, { allow: false, reasons: [errorReason(error)] }),
};

/** By feature and operation: the method of MCP, and the member of its parameters that the resource is. */
const operations: Readonly<Record<string, { readonly method: string; readonly member: "name" | "uri" }>> = {
  "tool:call": { method: "tools/call", member: "name" },
  "prompt:get": { method: "prompts/get", member: "name" },
  "resource:read": { method: "resources/read", member: "uri" },
};
const lists: ReadonlySet<string> = new Set(["tool:list", "prompt:list", "resource:list"]);

function translate(request: WireRequest): Question {
  const body = bodyObject(request);
  const { operation, resource } = body;
  const kind = typeof operation === "string" ? /^mcp:([a-z]+:[a-z]+)$/.exec(operation)?.[1] : undefined;
  // Each entry of a list is asked about on its own.
  if (kind !== undefined && lists.has(kind)) return { kind: "reply", reply: jsonReply(200, { allow: true }) };
  const meant = kind === undefined || !Object.hasOwn(operations, kind) ? undefined : operations[kind];
  if (kind === undefined || meant === undefined) throw invalidAt("/operation", "is not known");
  const { server, id } = partsOf(resource, kind);
  const ask = toAsk(meant, id, checked(body, kind, id));
  return { kind: "calls", calls: [toCall(withClaims(request, claimsOf(request.claims, body, server)), ask)], reply: render };
}

/** `mrn:mcp:<server>:<feature>:<id>`; names of servers have no colon, ids may have some. */
function partsOf(resource: Json | undefined, kind: string): { readonly server: string; readonly id: string } {
  const [, server, feature, id] = typeof resource === "string" ? (/^mrn:mcp:([^:]+):([a-z]+):(.+)$/s.exec(resource) ?? []) : [];
  if (server === undefined || id === undefined || !toolName.safeParse(server).success) throw invalidAt("/resource", "is no `mrn:mcp:…`");
  if (feature !== kind.split(":")[0]) throw invalidAt("/resource", "is of another feature than the operation");
  return { server, id };
}

/** The arguments, when they are there; what else `context.mcp` says must be what operation and resource say. */
function checked(body: JsonObject, kind: string, id: string): JsonObject | null {
  const mcp = optionalObject(optionalObject(body.context, "/context")?.mcp, "/context/mcp") ?? {};
  const [feature, operation] = kind.split(":");
  for (const [key, expected] of Object.entries({ feature, operation, resource_id: id }))
    if (mcp[key] !== undefined && mcp[key] !== expected) throw invalidAt(`/context/mcp/${key}`, "differs from operation or resource");
  return optionalObject(mcp.args, "/context/mcp/args");
}

/** ToolHive leaves empty arguments out, and all of them unless it is told to send them: which of both is not to be seen. */
function toAsk(
  { method, member }: { readonly method: string; readonly member: "name" | "uri" },
  id: string,
  args: JsonObject | null,
): McpAsk {
  if (method !== "tools/call") {
    const given = args === null ? {} : { arguments: args };
    return { method, tool: method, arguments: { [member]: id, ...given }, argumentsKnown: member === "uri" || args !== null, context: {} };
  }
  if (!toolName.safeParse(id).success) throw invalidAt("/resource", "names no tool");
  return { method, tool: id, arguments: args ?? {}, argumentsKnown: args !== null, context: {} };
}

/** Mapped by ToolHive from the claims of a token that it verified. */
function claimsOf(claims: WireClaims, body: JsonObject, server: string): Partial<WireClaims> {
  const principal = optionalObject(body.principal, "/principal") ?? {};
  const { sub, roles, mroles, groups, mgroups, ...properties } = principal;
  const subject = subjectOf(optionalId(sub, "/principal/sub"), {
    roles: names(mroles ?? roles, "/principal/roles"),
    groups: names(mgroups ?? groups, "/principal/groups"),
    properties,
  });
  return { server, subject: subject ?? claims.subject };
}

function render([answered]: readonly Answered[]): WireReply {
  if (answered === undefined) return jsonReply(500, { allow: false, reasons: [] });
  const body = {
    decision_id: decisionIdOf(answered),
    reasons: refusalOf(answered).map(({ code, message, remedy }) => ({ code, message, remedy })),
  };
  if (passes(answered)) return jsonReply(200, { allow: true, ...body });
  return jsonReply(answered.kind === "error" ? answered.error.status : 200, { allow: false, ...body });
}
