import { z } from "zod";
import type { Outcome } from "../decide/decide.ts";
import type { Json, JsonObject } from "../decide/json.ts";
import { escapedPart } from "../decide/pointer.ts";
import type { ToolCall } from "../decide/tool-call.ts";
import { RemitError } from "../errors.ts";
import { problemOf } from "./problem.ts";

/** Identifiers may hold anything printable; control characters hide things from people who read logs. */
const identifier = z
  .string()
  .min(1)
  .max(256)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  .regex(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/, "control characters are not allowed");
export const toolName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._:/-]{0,127}$/, "must be 1 to 128 of A-Z a-z 0-9 . _ : / - and start with a letter, digit or _");
const shortList = z.array(identifier).max(256);
const object = z.record(z.string(), z.unknown());

const Tool = z.strictObject({
  server: toolName.optional().meta({ description: "name of the MCP server or tool provider" }),
  name: toolName.meta({ description: "name of the tool" }),
  annotations: object.optional().meta({ description: "MCP tool annotations: claims, believed only from a PEP configured so" }),
  definition_digest: z
    .string()
    .regex(/^sha256:[0-9a-f]{64}$/, "must be `sha256:` and 64 hex digits")
    .optional(),
});

const Origin = z.strictObject({
  ip: z.union([z.ipv4(), z.ipv6()]).optional().meta({ description: "address of the agent as the PEP saw it" }),
  user_agent: z.string().max(512).optional(),
});

/** Body of `POST /decide` (DESIGN section 3). Unknown members are refused with their path. */
export const DecideRequest = z
  .strictObject({
    tool: Tool,
    arguments: object.optional(),
    arguments_known: z
      .boolean()
      .optional()
      .meta({ description: "false when the PEP cannot see the arguments; left out: whether `arguments` is there" }),
    subject: z
      .strictObject({
        type: identifier.optional(),
        id: identifier,
        roles: shortList.optional(),
        groups: shortList.optional(),
        properties: object.optional(),
      })
      .optional(),
    agent: z.strictObject({ id: identifier, properties: object.optional() }).optional(),
    token: z.string().min(1).max(16_384).optional().meta({ description: "the agent's own token; its claims win over subject and agent" }),
    session: z.strictObject({ id: identifier }).optional(),
    request: z
      .strictObject({
        id: identifier.optional(),
        method: z.string().max(64).optional(),
        path: z.string().max(2048).optional(),
        origin: Origin.optional(),
      })
      .optional(),
    context: object.optional().meta({ description: "free form, untrusted" }),
  })
  .meta({ id: "DecideRequest" });
export type DecideRequest = z.infer<typeof DecideRequest>;

/** Body of `POST /decide/batch`; its items are checked one by one, so that one bad item spoils no other. */
export const BatchRequest = z.strictObject({ calls: z.array(z.unknown()).min(1) }).meta({ id: "BatchRequest" });

/** Body to tool call. Throws RemitError `request_invalid` naming every failing path. */
export function toToolCall(body: Json | unknown): ToolCall {
  const parsed = DecideRequest.safeParse(body);
  if (!parsed.success) throw invalid(parsed.error);
  const { tool, subject, agent, request, session, token, context } = parsed.data;
  return {
    method: request?.method ?? "tools/call",
    server: tool.server ?? null,
    tool: tool.name,
    arguments: (parsed.data.arguments ?? {}) as JsonObject,
    argumentsKnown: parsed.data.arguments_known ?? parsed.data.arguments !== undefined,
    annotations: (tool.annotations ?? {}) as JsonObject,
    definitionDigest: tool.definition_digest ?? null,
    subject: subject === undefined ? null : claimedSubject(subject),
    agent: agent === undefined ? null : { id: agent.id, properties: (agent.properties ?? {}) as JsonObject },
    token: token ?? null,
    sessionId: session?.id ?? null,
    request: claimedRequest(request),
    context: (context ?? {}) as JsonObject,
  };
}

function claimedRequest(request: DecideRequest["request"]): ToolCall["request"] {
  return {
    id: request?.id ?? null,
    path: request?.path ?? null,
    origin: { ip: request?.origin?.ip ?? null, userAgent: request?.origin?.user_agent ?? null },
  };
}

function claimedSubject(subject: NonNullable<DecideRequest["subject"]>): ToolCall["subject"] {
  return {
    type: subject.type ?? "user",
    id: subject.id,
    roles: subject.roles ?? [],
    groups: subject.groups ?? [],
    properties: (subject.properties ?? {}) as JsonObject,
  };
}

/** A zod failure as a 400 that names every path. */
export function invalid(error: z.ZodError): RemitError {
  const errors = error.issues.flatMap(issuePaths).slice(0, 50);
  const first = errors[0];
  const detail = first === undefined ? "the request does not match the schema" : `${first.message} at \`${first.path}\``;
  return new RemitError("request_invalid", detail, { errors });
}

function issuePaths(issue: z.core.$ZodIssue): { path: string; message: string }[] {
  const base = issue.path.map((part) => `/${escapedPart(String(part))}`).join("");
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => ({ path: `${base}/${key}`, message: "unknown member" }));
  return [{ path: base || "/", message: lowerFirst(issue.message) }];
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

/** Where an access request is sent; relative to this service, whatever name it is reached by. */
export const accessRequestsPath = "/access-requests";

/** Outcome to the answer's body. An error is a problem document, which always carries `"allow": false`. */
export function toWire(outcome: Outcome): JsonObject {
  if (outcome.kind === "error") return problemOf(outcome.error, { instance: outcome.decisionId });
  const { decision } = outcome;
  return {
    decision_id: outcome.decisionId,
    allow: decision.allow,
    reasons: decision.reasons,
    obligations: decision.obligations,
    required_scopes: decision.requiredScopes,
    acr_values: decision.acrValues,
    ...(!decision.allow && decision.offer !== null ? { access_request: { endpoint: accessRequestsPath, ...decision.offer } } : {}),
    ...(decision.allow && decision.ttlS > 0 ? { expires_at: new Date(outcome.timeMs + decision.ttlS * 1000).toISOString() } : {}),
    policy: { bundle: outcome.bundle.name, revision: outcome.bundle.revision, digest: outcome.bundle.digest },
  } as unknown as JsonObject;
}
