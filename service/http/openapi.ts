import { extendZodWithOpenApi, OpenAPIRegistry, OpenApiGeneratorV31 } from "@asteasolutions/zod-to-openapi";
import { z } from "zod";
import { Obligation, Reason } from "../decide/decision.ts";
import type { JsonObject } from "../decide/json.ts";
import { BatchRequest, DecideRequest } from "../dialects/native.ts";
import { errorKinds } from "../errors.ts";
import { BatchResponse } from "./decide-routes.ts";
import { registerAuthzenPaths } from "./openapi-authzen.ts";
import { registerSessionPaths } from "./openapi-sessions.ts";

/** Answer of `POST /decide`: allow or deny, always with `allow`, and with at least one reason when it is a deny. */
const DecideResponse = z
  .strictObject({
    decision_id: z.string().meta({ description: "UUIDv7 under which the decision is recorded" }),
    allow: z.boolean(),
    reasons: z.array(Reason),
    obligations: z.array(Obligation).meta({ description: "what the enforcement point must do for the allow to hold" }),
    required_scopes: z.array(z.string()),
    acr_values: z.array(z.string()).meta({ description: "authentication contexts that would help (RFC 9470)" }),
    access_request: z.record(z.string(), z.unknown()).optional().meta({ description: "present when an approval would help" }),
    expires_at: z.iso.datetime().optional().meta({ description: "how long the answer may be reused; absent: not at all" }),
    policy: z.strictObject({ bundle: z.string(), revision: z.string(), digest: z.string() }),
  })
  .meta({ id: "DecideResponse" });

/** Every error (RFC 9457). `allow` is always false, so an enforcement point that reads only that fails closed. */
const Problem = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(Object.keys(errorKinds)),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    access_request: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: "with `grant_widens`: how to have the grant approved" }),
    allow: z.literal(false),
  })
  .meta({ id: "Problem" });

const problem = (description: string) => ({ description, content: { "application/problem+json": { schema: Problem } } });
const problems = {
  400: problem("the request is not valid; `errors` names the paths"),
  401: problem("the enforcement point is not authenticated"),
  403: problem("the enforcement point may not do this"),
  413: problem("the body is too large"),
  415: problem("the content type is not `application/json`"),
  500: problem("no decision could be made or recorded"),
  503: problem("not ready, overloaded, or issuer keys or the session store are unavailable; retry after `Retry-After`"),
};
const json = (schema: z.ZodType) => ({ content: { "application/json": { schema } } });

/** OpenAPI 3.1 document, made from the schemas that requests are checked against. */
export function createOpenApi(version: string): JsonObject {
  extendZodWithOpenApi(z);
  const registry = new OpenAPIRegistry();
  registry.registerComponent("securitySchemes", "apiKey", { type: "apiKey", in: "header", name: "x-api-key" });
  registry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  const security = [{ apiKey: [] }, { bearer: [] }];
  registry.registerPath({
    method: "post",
    path: "/decide",
    summary: "Decide one tool call",
    security,
    request: { body: { required: true, ...json(DecideRequest) } },
    responses: { 200: { description: "the decision, allow or deny", ...json(DecideResponse) }, ...problems },
  });
  registry.registerPath({
    method: "post",
    path: "/decide/batch",
    summary: "Decide many tool calls under one snapshot of the policy",
    security,
    request: { body: { required: true, ...json(BatchRequest) } },
    responses: { 200: { description: "a decision or a problem for each call, in order", ...json(BatchResponse) }, ...problems },
  });
  registerSessionPaths(registry, { security, problems, problem });
  registerAuthzenPaths(registry, security);
  registerOperation(registry);
  const generator = new OpenApiGeneratorV31(registry.definitions);
  const info = { title: "Remit", version, description: "Policy decision point for AI agents", license: { name: "Apache-2.0" } };
  return generator.generateDocument({ openapi: "3.1.0", info, servers: [{ url: "/" }] }) as unknown as JsonObject;
}

function registerOperation(registry: OpenAPIRegistry): void {
  const live = z.strictObject({ live: z.literal(true) }).meta({ id: "Live" });
  const ready = z.strictObject({ ready: z.boolean(), checks: z.record(z.string(), z.string()) }).meta({ id: "Ready" });
  const text = { content: { "text/plain": { schema: z.string() } } };
  registry.registerPath({
    method: "get",
    path: "/health/live",
    summary: "Is the process alive",
    responses: { 200: { description: "yes", ...json(live) } },
  });
  registry.registerPath({
    method: "get",
    path: "/health/ready",
    summary: "May it be asked",
    responses: { 200: { description: "yes", ...json(ready) }, 503: { description: "no; `checks` says why", ...json(ready) } },
  });
  registry.registerPath({
    method: "get",
    path: "/metrics",
    summary: "Prometheus metrics",
    responses: { 200: { description: "text format", ...text } },
  });
}
