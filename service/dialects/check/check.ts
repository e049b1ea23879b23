import { type QueryAnswer, queryValue } from "../../decide/query.ts";
import { RemitError } from "../../errors.ts";
import type { Dialect, Question, WireReply, WireRequest } from "../dialect.ts";
import { httpCall } from "../http-call.ts";
import { askMessages } from "../mcp.ts";
import { compareHeaders, messageFromHeaders } from "../mcp-headers.ts";
import { type McpMessage, readMessages } from "../mcp-message.ts";
import { envoyInput } from "./envoy-input.ts";
import { type EnvoyVerdict, readEnvoyResult } from "./envoy-result.ts";
import { checkPrefix, isBelow, type Original, originalOf, wholeBody } from "./original.ts";
import { type CheckReplyOptions, checkReply, passReply, refuseCheck } from "./reply.ts";

/** What the configuration says of checks. */
export interface CheckOptions extends CheckReplyOptions {
  /** Original paths at which an MCP server is; everything below one that ends with `/*`. What is elsewhere is a plain HTTP request. */
  readonly mcpPaths: readonly string[];
  /** Whether `Mcp-*` headers alone are judged where no body is to be seen. */
  readonly mcpHeaders: boolean;
}

/** The decision of opa-envoy-plugin; a bundle that has it is asked in that plugin's words. */
const envoyEntrypoint = "envoy/authz/allow";

/**
 * Any request at or below `/check`: the proxy asks about the request that it holds back, and lets it pass on 200 only (Envoy's ext_authz over
 * HTTP, `auth_request`, ForwardAuth, forward_auth). 403 is a no, 401 one that a better token would change, 5xx no decision.
 */
export function createCheck(options: CheckOptions): Dialect {
  return {
    name: "check",
    routes: [
      {
        method: "any",
        path: `${checkPrefix}/*`,
        summary: "Decide a request that a proxy holds back: 200 lets it pass",
        body: "any",
        translate: (request) => translate(options, request),
      },
    ],
    refuse: refuseCheck,
  };
}

function translate(options: CheckOptions, request: WireRequest): Question {
  const original = originalOf(request);
  if (request.policy.entrypoints.has(envoyEntrypoint)) return askEnvoy(request, original);
  const asked = { ...request, path: original.path };
  // A client talks to an MCP server by POST; GET opens a stream of its messages, DELETE ends the session.
  if (original.method === "POST" && isBelow(options.mcpPaths, original.path)) return askMcp(options, asked);
  return ask(options, asked, { messages: [plainCall(asked, original)], rpc: false });
}

function askMcp(options: CheckOptions, request: WireRequest): Question {
  const body = wholeBody(request);
  if (body === undefined) return ask(options, request, { messages: [fromHeaders(options, request)], rpc: true });
  const messages = readMessages(body);
  compareHeaders(request.headers, messages);
  return ask(options, request, { messages, rpc: true });
}

function fromHeaders({ mcpHeaders }: CheckOptions, { headers }: WireRequest): McpMessage {
  const message = messageFromHeaders(headers, mcpHeaders);
  if (message !== null) return message;
  throw new RemitError("request_invalid", "not the whole of an MCP message is to be seen; have the proxy forward the body");
}

function ask(options: CheckOptions, request: WireRequest, { messages, rpc }: { messages: readonly McpMessage[]; rpc: boolean }): Question {
  return askMessages(request, messages, {
    pass: passReply(options),
    decided: (ids, answers) => checkReply({ options, hasToken: request.token !== null, ids: rpc ? ids : null }, ids.length, answers),
  });
}

function plainCall(request: WireRequest, original: Original): McpMessage {
  const { host, scheme } = original;
  return httpCall({ ...original, headers: request.headers }, () => wholeBody(request), { http: { host, scheme } });
}

function askEnvoy(request: WireRequest, original: Original): Question {
  return {
    kind: "queries",
    // In the plugin a builtin that fails is undefined, which a rule that forbids something takes for nothing to forbid.
    queries: [{ entrypoint: envoyEntrypoint, input: envoyInput(request, original), builtinErrors: "deny" }],
    reply: ([answer]) => envoyReply(request, answer),
  };
}

function envoyReply(request: WireRequest, answer: QueryAnswer | undefined): WireReply {
  const verdict = verdictOf(answer);
  const id = { "x-remit-decision-id": answer?.decisionId ?? "" };
  if (verdict instanceof RemitError) {
    // What a client can bring about by what it sends is a no, whatever the proxy does without us.
    const refused = refuseCheck(verdict, request, verdict.code.startsWith("policy_") ? 403 : verdict.status);
    return { ...refused, headers: { ...refused.headers, ...id } };
  }
  if (verdict.allowed) return { status: 200, headers: { ...verdict.headers, ...id }, body: null };
  return {
    status: verdict.status,
    headers: { "content-type": "text/plain; charset=utf-8", ...verdict.headers, ...id },
    body: verdict.body ?? "",
  };
}

function verdictOf(answer: QueryAnswer | undefined): EnvoyVerdict | RemitError {
  if (answer === undefined) return new RemitError("internal", "the policy was not asked");
  const value = queryValue(answer);
  if (value instanceof RemitError) return value;
  try {
    return readEnvoyResult(value);
  } catch (thrown) {
    return thrown instanceof RemitError ? thrown : new RemitError("internal", "the result of the policy cannot be read", { cause: thrown });
  }
}
