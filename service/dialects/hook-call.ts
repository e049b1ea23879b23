import type { Json, JsonObject } from "../decide/json.ts";
import type { ToolCall } from "../decide/tool-call.ts";
import { RemitError } from "../errors.ts";
import { isObject, optionalId } from "./claimed.ts";
import { type Answered, jsonReply, type Question, type WireReply, type WireRequest } from "./dialect.ts";
import { toolName } from "./native.ts";
import { invalidAt } from "./sessions.ts";
import { decisionIdOf, passes, sentence, toCall, withClaims } from "./wire-call.ts";

/** What a hook of a coding agent says of one use of a tool. */
export interface HookUse {
  /** Name of the dialect, and of the server that the agent's own tools belong to. */
  readonly agent: string;
  readonly server: string | null;
  readonly tool: string;
  readonly arguments: Json | undefined;
  readonly sessionId: string | null;
  /** By which the agent will tell what became of it; null: it will not. */
  readonly useId: string | null;
  readonly context: JsonObject;
}

/** What an allow says: `no_opinion` leaves the agent's own permission prompt in place. */
export type HookAllow = "no_opinion" | "allow";

/** Neither a yes nor a no: the agent goes on as without a hook. */
export const noOpinion = jsonReply(200, {});

/** What was decided, as the agent's hook says a yes and a no. */
export function hookReply(answered: Answered, allow: HookAllow, say: (behavior: "allow" | "deny", reason: string) => WireReply): WireReply {
  if (!passes(answered)) return say("deny", hookReason(answered));
  return allow === "allow" ? say("allow", `allowed by policy. Decision ${decisionIdOf(answered)}`) : noOpinion;
}

/** No slash: `a/b` with tool `c` would be tool `b/c` of `a` in the catalog. */
const serverName = /^[A-Za-z0-9_][A-Za-z0-9._:-]{0,127}$/;

/** What a use is of. */
export type HookTool = Pick<HookUse, "server" | "tool">;

/** Server and tool of the name that the agent calls it by: `mcp__<server>__<tool>`, or one of its own tools. Throws RemitError `request_invalid`. */
export function namedTool(name: Json | undefined, agent: string, at: string): HookTool {
  if (typeof name !== "string" || !toolName.safeParse(name).success) throw invalidAt(at, "names no tool");
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server === undefined || tool === undefined ? { server: agent, tool: name } : serverTool(server, tool, { agent, at });
}

/** A tool of an MCP server; one that is called like the agent is refused, since its tools would pass for the agent's own. */
export function serverTool(server: string, tool: string, { agent, at }: { readonly agent: string; readonly at: string }): HookTool {
  if (server === agent) throw invalidAt(at, `\`${agent}\` is not the name of an MCP server here`);
  if (!serverName.test(server) || !toolName.safeParse(tool).success) throw invalidAt(at, "names no tool");
  return { server, tool };
}

/** One decision about the use. */
export function askAbout(request: WireRequest, use: HookUse, reply: (answered: Answered) => WireReply): Question {
  return {
    kind: "calls",
    calls: [callOf(request, use)],
    references: [use.useId === null ? null : referenceOf(use.agent, use.sessionId, use.useId)],
    reply: ([answered]) => {
      if (answered === undefined) throw new RemitError("internal", "no answer");
      return reply(answered);
    },
  };
}

function callOf(request: WireRequest, { server, tool, arguments: given, sessionId, context }: HookUse): ToolCall {
  const known = argumentsOf(request, given);
  const said = sessionId === null ? {} : { sessionId };
  return toCall(withClaims(request, { ...said, server }), {
    method: "tools/call",
    tool,
    arguments: known ?? {},
    argumentsKnown: known !== null,
    context: { hook: context },
  });
}

/** An object, or the JSON text of one; null for anything else. Throws RemitError `body_unsafe` when it can be read in two ways. */
function argumentsOf(request: WireRequest, given: Json | undefined): JsonObject | null {
  if (typeof given !== "string") return isObject(given) ? given : null;
  try {
    const parsed = request.parse(Buffer.from(given));
    return isObject(parsed) ? parsed : null;
  } catch (thrown) {
    if (thrown instanceof RemitError && thrown.code === "body_not_json") return null;
    throw thrown;
  }
}

/** What became of a use. Such events permit nothing: the reply is no opinion, whether it could be remembered or not. */
export function tellOutcome(
  { agent, sessionId, useId }: { readonly agent: string; readonly sessionId: string | null; readonly useId: string | null },
  { failed, result }: { readonly failed: boolean; readonly result: Json | undefined },
): Question {
  if (sessionId === null || useId === null) return { kind: "reply", reply: noOpinion };
  const status = failed ? "failed" : "completed";
  return { kind: "outcome", reference: referenceOf(agent, sessionId, useId), status, result, reply: () => noOpinion };
}

function referenceOf(agent: string, sessionId: string | null, useId: string): string {
  return JSON.stringify([agent, sessionId, useId]);
}

/** Id of the session that the hook names, else that of the headers. */
export function sessionOf(request: WireRequest, value: Json | undefined, at: string): string | null {
  return optionalId(value, at) ?? request.claims.sessionId;
}

/** The named members that are there, for policies that look at them. */
export function pick(body: JsonObject, members: readonly string[]): JsonObject {
  return Object.fromEntries(members.flatMap((member) => (Object.hasOwn(body, member) ? [[member, body[member] as Json]] : [])));
}

/** Why not, for the model and the person behind it; never empty. */
function hookReason(answered: Answered): string {
  const offered = answered.kind === "decided" && !answered.decision.allow && answered.decision.offer !== null;
  const offer = offered ? ". An approver may allow exactly this call; ask for it with the decision's id" : "";
  return `${sentence(answered)}${offer}. Decision ${decisionIdOf(answered) ?? "none"}`;
}
