import { z } from "zod";

/**
 * Replies as the JSON schemas of the AuthZEN repository (`api/schemas/`) and the text of the specification have them. The context of a
 * decision is free-form, as the text says: its schema forbids every member.
 */
const object = z.record(z.string(), z.unknown());
const obligation = z.looseObject({ id: z.string(), type: z.string(), properties: object });
const accessRequest = z.looseObject({ endpoint: z.string(), expires_at: z.iso.datetime(), binding_token: z.string() });
const decision = z.strictObject({
  decision: z.boolean(),
  context: z
    .looseObject({
      reason_user: z.record(z.string(), z.string()).optional(),
      reason_admin: z.record(z.string(), z.string()).optional(),
      acr_values: z.string().optional(),
      obligations: z.array(obligation).optional(),
      access_request: accessRequest.optional(),
      error: z.strictObject({ status: z.number().int().min(400).max(599), message: z.string() }).optional(),
    })
    .optional(),
});
const page = z.strictObject({
  next_token: z.string(),
  count: z.number().int().min(0).optional(),
  total: z.number().int().min(0).optional(),
  properties: object.optional(),
});
const entity = z.looseObject({ type: z.string(), id: z.string(), properties: object.optional() });
const action = z.looseObject({ name: z.string(), properties: object.optional() });
const found = (item: z.ZodType) => z.strictObject({ page: page.optional(), context: object.optional(), results: z.array(item) });
const url = z.url({ protocol: /^https$/ }).regex(/^[^?#]*$/);

const schemas = {
  evaluation: decision,
  evaluations: z.strictObject({ evaluations: z.array(decision) }),
  subject: found(entity),
  resource: found(entity),
  action: found(action),
  error: z.string().min(1),
  metadata: z.strictObject({
    policy_decision_point: url,
    access_evaluation_endpoint: url,
    access_evaluations_endpoint: url.optional(),
    search_subject_endpoint: url.optional(),
    search_resource_endpoint: url.optional(),
    search_action_endpoint: url.optional(),
    access_request_endpoint: url.optional(),
    signed_metadata: z.string().optional(),
  }),
} as const;
export type ReplyKind = keyof typeof schemas;

/** What is wrong with a body, each with its path; nothing when it is as it must be. */
export function replyProblems(kind: ReplyKind, body: unknown): readonly string[] {
  const issues = schemas[kind].safeParse(body).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join("/")}: ${message}`);
}
