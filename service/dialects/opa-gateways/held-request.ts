import { z } from "zod";
import type { Json, JsonObject } from "../../decide/json.ts";
import { RemitError } from "../../errors.ts";
import { subjectOf } from "../claimed.ts";
import type { WireHeaders, WireRequest } from "../dialect.ts";
import { askFromHeaders, compareHeaders } from "../mcp-headers.ts";
import { type McpMessage, passing, readMessages } from "../mcp-message.ts";
import { toolName } from "../native.ts";
import type { Asked } from "./asked.ts";

/** What the configuration says of requests that a gateway holds back. */
export interface HeldOptions {
  /** What is behind the gateway: an MCP server, to which clients talk by `POST`, or any HTTP server. */
  readonly protocol: "mcp" | "http";
  /** Whether `Mcp-*` headers alone are judged where no body is to be seen. */
  readonly mcpHeaders: boolean;
  /** Names of what is behind the gateway: a single one is the server where nothing else tells it. */
  readonly servers: readonly string[];
}

/** A request that an HTTP gateway holds back, whatever its words for it are. */
export interface Held {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Json;
  readonly headers: WireHeaders;
  /** `later`: the gateway asks again with the body. `unseen`: there may be one. */
  readonly body:
    | { readonly kind: "unseen" | "later" }
    | { readonly kind: "text"; readonly bytes: Buffer }
    | { readonly kind: "json"; readonly value: Json };
  /** Whom the gateway authenticated. */
  readonly consumer: string | null;
  /** The gateway's name for what is behind it. */
  readonly server: string | null;
  readonly ip: string | null;
}

/** Who asks is told by the headers of the held request, as far as the configuration names them, and by the gateway itself. */
export function askedOfHeld(options: HeldOptions, request: WireRequest, held: Held): Asked {
  const { claims, token } = request.identityIn(held.headers);
  const asked: WireRequest = {
    ...request,
    path: held.path,
    headers: held.headers,
    token: request.token ?? token,
    claims: {
      ...claims,
      subject: claims.subject ?? subjectOf(held.consumer, { roles: [], groups: [], properties: {} }),
      server: claims.server ?? serverName(held.server) ?? onlyOf(options.servers),
      originIp: claims.originIp ?? address(held.ip),
    },
  };
  const isMcp = options.protocol === "mcp" && held.method === "POST";
  return { request: asked, messages: isMcp ? mcpMessages(options, request, held) : [httpCall(request, held)] };
}

function mcpMessages({ mcpHeaders }: HeldOptions, request: WireRequest, { headers, body }: Held): readonly McpMessage[] {
  const message = wholeBody(request, body);
  if (message === undefined) return [fromHeaders(headers, mcpHeaders)];
  const messages = readMessages(message);
  compareHeaders(headers, messages);
  return messages;
}

/** Undefined: it is not to be seen. Throws RemitError `body_not_json` or `body_unsafe`. */
function wholeBody(request: WireRequest, body: Held["body"]): Json | undefined {
  if (body.kind === "json") return body.value;
  return body.kind === "text" ? request.parse(body.bytes) : undefined;
}

function fromHeaders(headers: WireHeaders, mcpHeaders: boolean): McpMessage {
  const asked = mcpHeaders ? askFromHeaders(headers) : null;
  if (asked === null)
    throw new RemitError("request_invalid", "the MCP message is not to be seen; have the gateway send the body of the request");
  return passing.has(asked.method) ? { kind: "pass", id: null, method: asked.method, params: {} } : { kind: "call", id: null, ask: asked };
}

/** A request that is not MCP is a call of tool `http.get`, `http.post` …, as in the dialect `check`. */
function httpCall(request: WireRequest, held: Held): McpMessage {
  const { method, path, query } = held;
  if (!/^[A-Z][A-Z-]{0,31}$/.test(method)) throw new RemitError("request_invalid", "the method of the request is none");
  const body = jsonBody(request, held);
  const args: JsonObject = { path, query, ...(body === undefined ? {} : { body }) };
  return {
    kind: "call",
    id: null,
    ask: { method: "http", tool: `http.${method.toLowerCase()}`, arguments: args, argumentsKnown: body !== undefined, context: {} },
  };
}

const jsonType = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

function jsonBody(request: WireRequest, { headers, body }: Held): Json | undefined {
  return jsonType.test(String(headers["content-type"] ?? "")) ? wholeBody(request, body) : undefined;
}

function serverName(name: string | null): string | null {
  return name !== null && toolName.safeParse(name).success ? name : null;
}

function onlyOf(servers: readonly string[]): string | null {
  const [server = null, ...more] = servers;
  return more.length === 0 ? server : null;
}

const addresses = z.union([z.ipv4(), z.ipv6()]);

function address(ip: string | null): string | null {
  return addresses.safeParse(ip).success ? ip : null;
}
