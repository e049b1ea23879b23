import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

/** A real MCP server over Streamable HTTP with two tools of the catalog's `crm`. */
export interface CrmServer {
  readonly url: string;
  /** Every tool that ran, with its arguments. */
  readonly ran: { readonly tool: string; readonly args: unknown }[];
  close(): Promise<void>;
}

export async function startCrm(): Promise<CrmServer> {
  const ran: { tool: string; args: unknown }[] = [];
  const http = createServer((request, response) => {
    // Without sessions: a server for each request, as the SDK has it.
    const server = crm(ran);
    // Required by the SDK's types: undefined means stateless.
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined } as never);
    response.on("close", () => void server.close());
    void server.connect(transport as never).then(() => transport.handleRequest(request, response));
  });
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`, ran, close: () => close(http) };
}

function crm(ran: { tool: string; args: unknown }[]): McpServer {
  const server = new McpServer({ name: "crm", version: "0" });
  const tool = (name: string, inputSchema: z.ZodRawShape) =>
    server.registerTool(name, { inputSchema }, (args: unknown) => {
      ran.push({ tool: name, args });
      return { content: [{ type: "text" as const, text: `${name} ran` }] };
    });
  tool("search_customers", { q: z.string() });
  tool("delete_customer", { id: z.string() });
  return server;
}

function close(http: Server): Promise<void> {
  http.closeAllConnections();
  return new Promise((done) => http.close(() => done()));
}
