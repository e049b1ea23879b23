import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  type CallToolResult,
  CallToolResultSchema,
  type Progress,
  type Tool,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { UpstreamServer } from "./config.ts";

/** Options of one forwarded call; `onProgress` only when the client asked for progress. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** One MCP server behind the gateway. */
export interface Upstream {
  readonly name: string;
  /** Its tools as it lists them now. Rejects when it does not answer. */
  listTools(): Promise<readonly Tool[]>;
  /** A tool of its latest list; undefined when it has none of that name. */
  findTool(name: string): Promise<Tool | undefined>;
  callTool(name: string, args: Readonly<Record<string, unknown>>, options: CallOptions): Promise<CallToolResult>;
  close(): Promise<void>;
}

interface UpstreamOptions {
  readonly callTimeoutMs: number;
  readonly onToolsChanged: () => void;
  readonly onClosed: (name: string) => void;
}

const pagesMax = 100;

/** Starts the server as a child process. It gets a minimal environment and what `env` adds, so it never sees the gateway's API key. */
export async function connectUpstream(name: string, server: UpstreamServer, options: UpstreamOptions): Promise<Upstream> {
  // No capabilities: a server cannot use the gateway to sample, elicit or read roots, past the decision.
  const client = new Client({ name: "remit-mcp-gateway", version: "0.1.0" }, { capabilities: {} });
  let known: Promise<readonly Tool[]> | undefined;
  const list = () => {
    const listing = listAll(client, options.callTimeoutMs);
    known = listing;
    listing.catch(() => {
      if (known === listing) known = undefined;
    });
    return listing;
  };
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    known = undefined;
    options.onToolsChanged();
  });
  client.onclose = () => options.onClosed(name);
  await client.connect(new StdioClientTransport({ command: server.command, args: server.args, env: server.env, stderr: "inherit" }));
  return {
    name,
    listTools: list,
    findTool: async (tool) => (await (known ?? list())).find((candidate) => candidate.name === tool),
    callTool: (tool, args, call) => forward(client, { name: tool, arguments: args }, { ...call, timeoutMs: options.callTimeoutMs }),
    close: () => client.close(),
  };
}

async function listAll(client: Client, timeout: number): Promise<readonly Tool[]> {
  const tools: Tool[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const result = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout });
    tools.push(...result.tools);
    cursor = result.nextCursor;
    if (cursor === undefined) return tools;
  }
  throw new Error(`a server lists more than ${pagesMax} pages of tools`);
}

/** Only name and arguments travel on: they are what was decided. `_meta` of the client is not. */
function forward(
  client: Client,
  params: { name: string; arguments: Readonly<Record<string, unknown>> },
  options: CallOptions & { timeoutMs: number },
) {
  const { signal, onProgress, timeoutMs } = options;
  const progress = onProgress === undefined ? {} : { onprogress: onProgress, resetTimeoutOnProgress: true };
  return client.request({ method: "tools/call", params }, CallToolResultSchema, { signal, timeout: timeoutMs, ...progress });
}
