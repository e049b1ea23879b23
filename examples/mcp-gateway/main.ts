import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { apiKeyOf, type GatewayConfig, loadConfig } from "./config.ts";
import { createDecideClient } from "./decide-client.ts";
import { type Caller, createGateway } from "./gateway.ts";
import { connectUpstream, type Upstream } from "./upstream.ts";

/** Standard output belongs to the protocol. */
function log(line: string): void {
  process.stderr.write(`mcp-gateway: ${line}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  if (values.config === undefined) throw new Error("say which configuration: --config FILE");
  const config = loadConfig(values.config);
  const upstreams = new Map<string, Upstream>();
  const apiKey = apiKeyOf(config, process.env);
  const remit = createDecideClient({ url: config.remit.url, apiKey, timeoutMs: config.remit.timeout_ms, onFault: log });
  const server = createGateway({ remit, upstreams, caller: callerOf(config), log });
  await connectAll(config, upstreams, server);
  stopWith(server, upstreams);
  await server.connect(new StdioServerTransport());
}

/** One start of the gateway is one session, unless the configuration names it. */
function callerOf({ caller }: GatewayConfig): () => Caller {
  const { token_file: tokenFile, session = { id: randomUUID() }, ...rest } = caller;
  return () => ({ ...rest, session, token: tokenFile === undefined ? undefined : readToken(tokenFile) });
}

/** The client gets the thrown message, so the path stays in the log. */
function readToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (thrown) {
    log(`the agent's token: ${String(thrown)}`);
    throw new Error("the agent's token cannot be read; tell the operator");
  }
}

async function connectAll(config: GatewayConfig, upstreams: Map<string, Upstream>, server: Server): Promise<void> {
  const options = {
    callTimeoutMs: config.call_timeout_ms,
    onToolsChanged: () => {
      // Before the client has connected there is nobody to tell.
      server.sendToolListChanged().catch(() => undefined);
    },
    onClosed: (name: string) => log(`\`${name}\` has ended`),
  };
  for (const [name, command] of Object.entries(config.servers)) {
    const upstream = await connectUpstream(name, command, options).catch((error: unknown) => {
      throw new Error(`the server \`${name}\` does not start; check \`servers.${name}\`: ${String(error)}`);
    });
    upstreams.set(name, upstream);
  }
}

/** Ends when the client closes standard input or on a signal, and ends the servers with it. */
function stopWith(server: Server, upstreams: ReadonlyMap<string, Upstream>): void {
  const stop = () => {
    // In this order: closing the server aborts calls in flight, so that none is forwarded any more.
    const closing = server.close().then(() => Promise.allSettled([...upstreams.values()].map((upstream) => upstream.close())));
    closing.then(() => process.exit(0)).catch(() => process.exit(1));
  };
  process.stdin.once("end", stop);
  process.once("SIGTERM", stop).once("SIGINT", stop);
}

main().catch((error: unknown) => {
  log(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
