import { z } from "zod";
import type { Json } from "../../decide/json.ts";
import { RemitError } from "../../errors.ts";
import { subjectOf } from "../claimed.ts";
import type { WireHeaders, WireRequest } from "../dialect.ts";
import { httpCall } from "../http-call.ts";
import { compareHeaders, messageFromHeaders } from "../mcp-headers.ts";
import { type McpMessage, readMessages } from "../mcp-message.ts";
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
  return { request: asked, messages: isMcp ? mcpMessages(options, request, held) : [plainCall(request, held)] };
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
  const message = messageFromHeaders(headers, mcpHeaders);
  if (message !== null) return message;
  throw new RemitError("request_invalid", "the MCP message is not to be seen; have the gateway send the body of the request");
}

function plainCall(request: WireRequest, held: Held): McpMessage {
  if (!/^[A-Z][A-Z-]{0,31}$/.test(held.method)) throw new RemitError("request_invalid", "the method of the request is none");
  return httpCall(held, () => wholeBody(request, held.body), {});
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
