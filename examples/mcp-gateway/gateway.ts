import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  type CallToolRequest,
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  type ServerNotification,
  type ServerRequest,
  type Tool,
} from "@modelcontextprotocol/sdk/types.js";
import type { DecideClient, Outcome } from "./decide-client.ts";
import type { CallOptions, Upstream } from "./upstream.ts";
import { unknownTool, type Verdict } from "./verdict.ts";

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** What every question to Remit says besides the tool: members of the body of `POST /decide`. */
export interface Caller {
  readonly subject?: object | undefined;
  readonly agent?: object | undefined;
  readonly session: object;
  readonly token?: string | undefined;
  readonly origin?: object | undefined;
}

export interface GatewayDeps {
  readonly remit: DecideClient;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** Read anew for each question, since tokens are short-lived; a caller that cannot be read throws, and nothing runs. */
  readonly caller: () => Caller;
  readonly log: (line: string) => void;
}

/** Between the server's and the tool's name: `filesystem__read_file`. */
const separator = "__";

/** Key in `_meta` of every result: the id under which Remit recorded the decision. */
export const decisionIdKey = "remit/decision_id";

/** An MCP server that offers the tools of all upstreams as far as Remit allows them, and asks before each call. */
export function createGateway(deps: GatewayDeps): Server {
  const server = new Server({ name: "remit-mcp-gateway", version: "0.1.0" }, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler(ListToolsRequestSchema, async (_request, extra) => {
    const lists = await Promise.all([...deps.upstreams.values()].map((upstream) => allowedTools(deps, upstream, extra)));
    return { tools: lists.flat() };
  });
  server.setRequestHandler(CallToolRequestSchema, (request, extra) => callTool(deps, request, extra));
  return server;
}

/** Tools that the caller may use at all; none when the server or Remit does not answer. */
async function allowedTools(deps: GatewayDeps, upstream: Upstream, extra: Extra): Promise<Tool[]> {
  const listed = await upstream.listTools().catch((error: unknown) => {
    deps.log(`\`${upstream.name}\` does not list its tools: ${String(error)}`);
    return [];
  });
  // A tool that runs only as a task cannot be called through this gateway.
  const tools = listed.filter((tool) => tool.execution?.taskSupport !== "required");
  // May it be called at all? Without `arguments` Remit would take them as hidden from us, and deny what needs to be seen.
  const ask = (tool: Tool) => ({ ...question(deps, upstream.name, tool, { method: "tools/list", id: extra.requestId }), arguments: {} });
  const calls = tools.map(ask);
  const verdicts = await deps.remit.decideAll(calls, extra.signal);
  const allowed = tools.filter((_tool, index) => verdicts[index]?.allow === true);
  return allowed.map((tool) => ({ ...tool, name: `${upstream.name}${separator}${tool.name}` }));
}

async function callTool(deps: GatewayDeps, { params }: CallToolRequest, extra: Extra): Promise<CallToolResult> {
  const target = await findTarget(deps, params.name);
  if (target === undefined) return refusal(params.name, unknownTool(params.name));
  const { upstream, tool } = target;
  const args = params.arguments ?? {};
  const call = { ...question(deps, upstream.name, tool, { method: "tools/call", id: extra.requestId }), arguments: args };
  const verdict = await deps.remit.decide(call, extra.signal);
  if (!verdict.allow) return refusal(params.name, verdict);
  const result = await runReported(deps, verdict.decisionId, () => upstream.callTool(tool.name, args, callOptions(deps, extra)));
  return { ...result, _meta: { ...result._meta, [decisionIdKey]: verdict.decisionId } };
}

/** Runs an allowed call and tells Remit what became of it before the agent reads the result: the next call is judged by what this one returned. */
async function runReported(deps: GatewayDeps, id: string, run: () => Promise<CallToolResult>): Promise<CallToolResult> {
  const report = async (outcome: Omit<Outcome, "decision_id">): Promise<void> => {
    if (!(await deps.remit.report({ decision_id: id, ...outcome }))) deps.log(`the outcome of \`${id}\` was not taken`);
  };
  try {
    const result = await run();
    const status = result.isError === true ? "failed" : "completed";
    const { content, structuredContent } = result;
    await report({ status, result: { content, ...(structuredContent === undefined ? {} : { structuredContent }) } });
    return result;
  } catch (thrown) {
    await report({ status: "failed" });
    throw thrown;
  }
}

interface Target {
  readonly upstream: Upstream;
  readonly tool: Tool;
}

async function findTarget(deps: GatewayDeps, name: string): Promise<Target | undefined> {
  const at = name.indexOf(separator);
  const upstream = at < 0 ? undefined : deps.upstreams.get(name.slice(0, at));
  const tool = await upstream?.findTool(name.slice(at + separator.length));
  return upstream === undefined || tool === undefined ? undefined : { upstream, tool };
}

function question(deps: GatewayDeps, server: string, tool: Tool, request: { method: string; id: string | number }) {
  const { subject, agent, session, token, origin } = deps.caller();
  return {
    tool: { server, name: tool.name, annotations: tool.annotations ?? {} },
    subject,
    agent,
    token,
    session,
    request: { method: request.method, id: String(request.id), origin },
  };
}

function callOptions(deps: GatewayDeps, { signal, _meta, sendNotification }: Extra): CallOptions {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return { signal };
  return {
    signal,
    onProgress: (progress) => {
      const params = { ...progress, progressToken };
      sendNotification({ method: "notifications/progress", params }).catch((error: unknown) => deps.log(`progress: ${String(error)}`));
    },
  };
}

/** An error result, not a protocol error, so that the agent reads why and what it can do. */
function refusal(name: string, verdict: Verdict & { allow: false }): CallToolResult {
  const reasons = verdict.reasons.map(
    ({ code, message, remedy }) => `- ${code}: ${message}${remedy === "" ? "" : `\n  remedy: ${remedy}`}`,
  );
  const id = verdict.decisionId;
  const lines = [`not allowed; \`${name}\` did not run`, ...reasons, `decision_id: ${id ?? "none"}`];
  return { isError: true, content: [{ type: "text", text: lines.join("\n") }], ...(id === null ? {} : { _meta: { [decisionIdKey]: id } }) };
}
