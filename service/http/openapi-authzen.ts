import type { OpenAPIRegistry } from "@asteasolutions/zod-to-openapi";
import { z } from "zod";
import { EvaluationRequest, EvaluationsRequest, SearchRequests } from "../dialects/authzen/request.ts";

type PathConfig = Parameters<OpenAPIRegistry["registerPath"]>[0];

const object = z.record(z.string(), z.unknown());
const Decision = z
  .strictObject({
    decision: z.boolean(),
    context: object.optional().meta({ description: "what the policy adds; of a deny `reason_user` and `reason_admin` by reason code" }),
  })
  .meta({ id: "AuthzenDecision" });
const Decisions = z.strictObject({ evaluations: z.array(Decision) }).meta({ id: "AuthzenDecisions" });
const Found = z
  .strictObject({
    page: z.strictObject({ next_token: z.string(), count: z.number().int(), total: z.number().int() }).optional(),
    context: object.optional(),
    results: z.array(object).meta({ description: "entities `{type, id}`, or actions `{name}`" }),
  })
  .meta({ id: "AuthzenSearchResponse" });

const json = (schema: z.ZodType) => ({ content: { "application/json": { schema } } });
const reply = (description: string, schema: z.ZodType) => ({ description, ...json(schema) });
const message = (description: string) => reply(description, z.string());
const errors = {
  400: message("the request is not valid"),
  401: message("the enforcement point is not authenticated"),
  403: message("the enforcement point may not do this"),
  413: message("the body is too large"),
  500: message("no decision could be made or recorded"),
  503: message("not ready or overloaded; retry after `Retry-After`"),
};

/** AuthZEN Authorization API 1.0: evaluations, searches and metadata. Errors are texts. */
export function registerAuthzenPaths(registry: OpenAPIRegistry, security: NonNullable<PathConfig["security"]>): void {
  const post = (path: string, summary: string, schema: z.ZodType, responses: PathConfig["responses"]) =>
    registry.registerPath({
      ...{ method: "post", path, summary, security, request: { body: { required: true, ...json(schema) } } },
      responses: { ...errors, ...responses },
    });
  post("/access/v1/evaluation", "AuthZEN: one access evaluation", EvaluationRequest, { 200: reply("permit or deny", Decision) });
  post("/access/v1/evaluations", "AuthZEN: many access evaluations", EvaluationsRequest, {
    200: reply("in order, up to where the semantic stops; without `evaluations` one decision", z.union([Decisions, Decision])),
  });
  for (const kind of ["subject", "resource", "action"] as const)
    post(`/access/v1/search/${kind}`, `AuthZEN: ${kind} search`, SearchRequests[kind], {
      200: reply("what was found, or a page of it", Found),
      404: message("the active bundle has no entrypoint for it"),
    });
  registry.registerPath({
    ...{ method: "get", path: "/.well-known/authzen-configuration", summary: "AuthZEN: metadata" },
    responses: {
      200: reply("the endpoints that there are", object),
      404: { description: "`dialects.authzen.base_url` is not configured" },
      503: message("no bundle is active"),
    },
  });
}
