import { z } from "zod";
import type { Json, JsonObject } from "../../decide/json.ts";
import { RemitError } from "../../errors.ts";
import { isObject } from "../claimed.ts";
import { invalid } from "../native.ts";
import { invalidAt, parse } from "../sessions.ts";

const object = z.record(z.string(), z.unknown());
const entity = z.looseObject({ type: z.string(), id: z.string(), properties: object.optional() });
const action = z.looseObject({ name: z.string(), properties: object.optional() });
const kind = z.looseObject({ type: z.string(), properties: object.optional() });

/** Body of `POST /access/v1/evaluation` (AuthZEN 1.0). Unknown members are ignored everywhere. */
export const EvaluationRequest = z
  .looseObject({ subject: entity, action, resource: entity, context: object.optional() })
  .meta({ id: "AuthzenEvaluationRequest" });

const semantics = ["execute_all", "deny_on_first_deny", "permit_on_first_permit"] as const;
export type Semantic = (typeof semantics)[number];

/** Body of `POST /access/v1/evaluations`; its items are checked one by one, with the defaults in them. */
export const EvaluationsRequest = z
  .looseObject({
    subject: object.optional(),
    action: object.optional(),
    resource: object.optional(),
    context: object.optional(),
    evaluations: z.array(z.unknown()).optional().meta({ description: "left out or empty: the body is one evaluation" }),
    options: z.looseObject({ evaluations_semantic: z.enum(semantics).optional() }).optional(),
  })
  .meta({ id: "AuthzenEvaluationsRequest" });

const page = z.looseObject({ token: z.string().max(512).optional(), limit: z.number().int().min(0).optional() }).optional();

/** Bodies of `POST /access/v1/search/…`: of what is searched for only the type counts. */
export const SearchRequests = {
  subject: z
    .looseObject({ subject: kind, action, resource: entity, context: object.optional(), page })
    .meta({ id: "AuthzenSubjectSearchRequest" }),
  resource: z
    .looseObject({ subject: entity, action, resource: kind, context: object.optional(), page })
    .meta({ id: "AuthzenResourceSearchRequest" }),
  action: z.looseObject({ subject: entity, resource: entity, context: object.optional(), page }).meta({ id: "AuthzenActionSearchRequest" }),
} as const;
export type SearchKind = keyof typeof SearchRequests;

/** One question: who wants to do what to which resource. */
export interface Evaluation {
  readonly subject: z.infer<typeof entity>;
  readonly action: z.infer<typeof action>;
  readonly resource: z.infer<typeof entity>;
  readonly context: JsonObject;
  /** As it was sent, with the defaults in it. */
  readonly sent: JsonObject;
}

/** Many questions in order; one that is not well formed stands as its error. */
export interface Evaluations {
  readonly items: readonly (Evaluation | RemitError)[];
  readonly semantic: Semantic;
}

/** Body to question. Throws RemitError `request_invalid` naming every failing path. */
export function readEvaluation(body: Json): Evaluation {
  return toEvaluation(parse(EvaluationRequest, body), body as JsonObject);
}

function toEvaluation({ subject, action, resource, context = {} }: z.infer<typeof EvaluationRequest>, sent: JsonObject): Evaluation {
  return { subject, action, resource, context: context as JsonObject, sent };
}

/** Body to questions, or to a single one when it names none. Throws RemitError `request_invalid`. */
export function readEvaluations(body: Json, batchMax: number): Evaluations | Evaluation {
  const { evaluations = [], options } = parse(EvaluationsRequest, body);
  const { evaluations: _items, options: _options, ...rest } = body as JsonObject;
  if (evaluations.length === 0) return readEvaluation(rest);
  if (evaluations.length > batchMax)
    throw new RemitError("request_invalid", `more than ${batchMax} evaluations in one request; split them`);
  return {
    items: evaluations.map((item, index) => readItem(item as Json, defaults(rest), index)),
    semantic: options?.evaluations_semantic ?? "execute_all",
  };
}

/** A member of an item replaces the whole default: members of an entity are never mixed. */
function readItem(item: Json, given: JsonObject, index: number): Evaluation | RemitError {
  if (!isObject(item)) return invalidAt(`/evaluations/${index}`, "expected an object");
  const sent = { ...given, ...item };
  const parsed = EvaluationRequest.safeParse(sent);
  return parsed.success ? toEvaluation(parsed.data, sent) : invalid(parsed.error);
}

function defaults(body: JsonObject): JsonObject {
  const names = ["subject", "action", "resource", "context"].filter((name) => Object.hasOwn(body, name));
  return Object.fromEntries(names.map((name) => [name, body[name] as Json]));
}

/** What is searched for, and which part of it. */
export interface Search {
  readonly kind: SearchKind;
  /** The type of the entities that are searched for; null: actions have none. */
  readonly type: string | null;
  /** The request without its page, and without an id of what is searched for, which must not count. */
  readonly input: JsonObject;
  readonly page: { readonly token: string | null; readonly limit: number | null };
}

/** Body to search. Throws RemitError `request_invalid`. */
export function readSearch(kind: SearchKind, body: Json): Search {
  const parsed = SearchRequests[kind].safeParse(body);
  if (!parsed.success) throw invalid(parsed.error);
  const { page } = parsed.data;
  const { page: _page, [kind]: wanted, ...rest } = body as JsonObject;
  const asked = { token: page?.token ?? null, limit: page?.limit ?? null };
  if (kind === "action") return { kind, type: null, input: rest, page: asked };
  const { id: _id, ...searched } = wanted as JsonObject;
  return { kind, type: searched.type as string, input: { ...rest, [kind]: searched }, page: asked };
}
