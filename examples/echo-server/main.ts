/** What stands behind the proxies of the examples: `npx tsx examples/echo-server/main.ts [port]`. It answers with what reached it. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { parseArgs } from "node:util";

/** An MCP server at `/mcp` that checks headers against the body as MCP 2026-07-28 demands, and says what was called; anything else is echoed. */
export function createEchoServer() {
  return createServer(async (request, response) => {
    const body = await readText(request);
    if (request.method !== "POST" || request.url !== "/mcp")
      return send(response, 200, { method: request.method, path: request.url, headers: request.headers, body });
    const message = JSON.parse(body) as { id?: unknown; method?: string; params?: { name?: string; arguments?: unknown } };
    const { "mcp-method": method, "mcp-name": name } = request.headers;
    if ((method !== undefined && method !== message.method) || (name !== undefined && name !== message.params?.name))
      return send(response, 400, { jsonrpc: "2.0", id: message.id ?? null, error: { code: -32_020, message: "headers and body differ" } });
    const called = { tool: message.params?.name, arguments: message.params?.arguments, decision: request.headers["x-remit-decision-id"] };
    return send(response, 200, {
      jsonrpc: "2.0",
      id: message.id ?? null,
      result: { content: [{ type: "text", text: JSON.stringify(called) }] },
    });
  });
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}

if (process.argv[1] === import.meta.filename) {
  const [port = "9000"] = parseArgs({ allowPositionals: true }).positionals;
  createEchoServer().listen(Number(port), "127.0.0.1", () => console.error(`listening on http://127.0.0.1:${port}`));
}
