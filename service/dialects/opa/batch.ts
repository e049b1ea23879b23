import type { Json, JsonObject } from "../../decide/json.ts";
import type { QueryAnswer } from "../../decide/query.ts";
import { RemitError } from "../../errors.ts";
import { isObject } from "../claimed.ts";
import type { WireReply, WireRequest } from "../dialect.ts";
import { membersOfBody } from "./data-request.ts";
import { answerObject, type Form, failureObject, opaReply } from "./render.ts";

/** The inputs of a batch under the caller's keys; null when the body has none. */
export interface Batch {
  readonly inputs: readonly (readonly [string, Json])[];
  readonly given: boolean;
}

/** `{inputs, common_input?}`: common members are put under those of every input. Throws RemitError `request_invalid`. */
export function readBatch(request: WireRequest): Batch {
  const { inputs = null, common_input: common = null } = membersOfBody(request, ["inputs", "common_input"]);
  if (inputs === null) return { inputs: [], given: false };
  if (!isObject(inputs)) throw new RemitError("request_invalid", "body contains malformed input document: `inputs` is not an object");
  return { inputs: Object.entries(inputs).map(([key, input]) => [key, merge(common, input)] as const), given: true };
}

/** Of two objects the members of both, of anything else the second. */
function merge(under: Json | undefined, over: Json): Json {
  if (!isObject(under) || !isObject(over)) return over;
  const entries = Object.entries(over).map(([key, value]) => [key, Object.hasOwn(under, key) ? merge(under[key], value) : value] as const);
  return { ...under, ...Object.fromEntries(entries) };
}

interface BatchForm extends Form {
  readonly batchId: string | null;
}

/** 200 when all were evaluated, 500 when none was, 207 with a status of each in between. */
export function renderBatch({ inputs, given }: Batch, answers: readonly QueryAnswer[], form: BatchForm): WireReply {
  if (answers.length !== inputs.length) throw new RemitError("internal", "not every input was evaluated");
  const failed = answers.filter(({ kind }) => kind === "error").length;
  const mixed = failed > 0 && failed < answers.length;
  const responses = answers.map((answer, index) => [inputs[index]?.[0] ?? "", responseOf(answer, form, mixed)] as const);
  const evalNs = answers.reduce((sum, answer) => sum + answer.evalNs, 0);
  const body: JsonObject = {
    ...(form.metrics ? { metrics: { timer_rego_query_eval_ns: evalNs } } : {}),
    ...(responses.length > 0 ? { responses: Object.fromEntries(responses) } : {}),
    ...(given ? {} : { warning: { code: "api_usage_warning", message: "'inputs' key missing from the request" } }),
    ...(form.batchId === null ? {} : { batch_decision_id: form.batchId }),
  };
  if (mixed) return opaReply(207, body, form.pretty);
  return opaReply(failed > 0 ? 500 : 200, body, form.pretty);
}

function responseOf(answer: QueryAnswer, form: Form, mixed: boolean): JsonObject {
  const object = answer.kind === "error" ? failureObject(answer) : answerObject(answer, form);
  return mixed ? { ...object, http_status_code: answer.kind === "error" ? "500" : "200" } : object;
}
