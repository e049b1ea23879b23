import type { Json, JsonObject } from "../../decide/json.ts";
import type { QueryAnswer } from "../../decide/query.ts";
import { decisionEntrypoint } from "../../decide/run.ts";
import { RemitError } from "../../errors.ts";
import type { Dialect, Question, WireHead, WireReply, WireRequest } from "../dialect.ts";
import type { Gateway } from "../opa-gateways/gateway.ts";
import { readBatch, renderBatch } from "./batch.ts";
import { type DataPath, readDataPath, referenceText, resolveDataPath } from "./data-path.ts";
import { hasFlag, inputOfBody, inputOfQuery, type Parameters, readParameters, wholeBody } from "./data-request.ts";
import { answerObject, errorObject, type Form, failureObject, opaReply, refusal } from "./render.ts";

export interface OpaOptions {
  /** Path of `POST /`, with `/` between its parts. */
  readonly defaultDecision: string;
  /** By data path: a `POST` to v1 at such a path is a gateway's, and no plain question. */
  readonly gateways: ReadonlyMap<string, Gateway>;
  /** Of the service, for `?provenance`. */
  readonly version: string;
}

/**
 * OPA's data API over the entrypoints of the bundle: `/v1/data/*`, `/v0/data/*`, `POST /` and EOPA's `/v1/batch/data/*`. What no
 * entrypoint answers is undefined.
 */
export function createOpa(options: OpaOptions): Dialect {
  const v1 = "/v1/data/*";
  return {
    name: "opa",
    routes: [
      { method: "get", path: v1, summary: "Value of an entrypoint (OPA)", body: "any", translate: (request) => fromGet(options, request) },
      {
        method: "post",
        path: v1,
        summary: "Value of an entrypoint (OPA)",
        body: "any",
        translate: (request) => fromPost(options, request),
      },
      { method: "post", path: "/v0/data/*", summary: "Bare value of an entrypoint (OPA)", body: "any", translate: fromV0 },
      {
        method: "post",
        path: "/",
        summary: "Value of the default decision (OPA)",
        body: "any",
        translate: (request) => fromRoot(options, request),
      },
      {
        method: "post",
        path: "/v1/batch/data/*",
        summary: "Values of an entrypoint for many inputs (EOPA)",
        body: "any",
        translate: (request) => fromBatch(options, request),
      },
    ],
    refuse: (error, head) => gatewayOf(options, head)?.refuse(error) ?? refusal(error),
  };
}

/** Undefined, too, for a path that cannot be read. */
function gatewayOf({ gateways }: OpaOptions, { method, path }: WireHead): Gateway | undefined {
  if (method !== "POST" || !path.startsWith("/v1/data/")) return undefined;
  try {
    return gateways.get(readDataPath(path, "/v1/data").join("/"));
  } catch {
    return undefined;
  }
}

function fromGet(options: OpaOptions, request: WireRequest): Question {
  const parameters = readParameters(request.query);
  const path = resolveDataPath(readDataPath(request.path, "/v1/data"), request.policy.entrypoints);
  return askOne({ path, input: inputOfQuery(request, parameters), strict: isStrict(parameters) }, (answer) =>
    renderV1(answer, formOf(options, request, parameters), {}),
  );
}

function fromPost(options: OpaOptions, request: WireRequest): Question {
  const parameters = readParameters(request.query);
  const parts = readDataPath(request.path, "/v1/data");
  const input = inputOfBody(request);
  const gateway = options.gateways.get(parts.join("/"));
  if (gateway !== undefined) return gateway.translate(request, input);
  const path = resolveDataPath(parts, request.policy.entrypoints);
  const warning: JsonObject = input === undefined ? { warning: inputMissing } : {};
  return askOne({ path, input, strict: isStrict(parameters) }, (answer) => renderV1(answer, formOf(options, request, parameters), warning));
}

const inputMissing = { code: "api_usage_warning", message: "'input' key missing from the request" };

function fromV0(request: WireRequest): Question {
  return askBare(request, readDataPath(request.path, "/v0/data"));
}

function fromRoot({ defaultDecision }: OpaOptions, request: WireRequest): Question {
  return askBare(request, defaultDecision.split("/"));
}

/** The body is the input, and the value alone is the answer; undefined is an error. */
function askBare(request: WireRequest, parts: readonly string[]): Question {
  const pretty = hasFlag(readParameters(request.query), "pretty");
  const path = resolveDataPath(parts, request.policy.entrypoints);
  return askOne({ path, input: wholeBody(request), strict: false }, (answer) => {
    if (answer.kind === "value") return opaReply(200, answer.value, pretty);
    if (answer.kind === "error") return opaReply(answer.error.status, failureObject(answer), true);
    const message = `document ${path.known ? "undefined" : "missing"}: ${referenceText(parts)}`;
    return opaReply(404, errorObject("undefined_document", message), true);
  });
}

function fromBatch(options: OpaOptions, request: WireRequest): Question {
  const parameters = readParameters(request.query);
  const { entrypoint, below = [] } = resolveDataPath(readDataPath(request.path, "/v1/batch/data"), request.policy.entrypoints);
  const batch = readBatch(request);
  const builtinErrors = builtinErrorsOf(entrypoint, isStrict(parameters));
  return {
    kind: "queries",
    queries: batch.inputs.map(([, input]) => ({ entrypoint, below, input, builtinErrors })),
    reply: (answers, batchId) => renderBatch(batch, answers, { ...formOf(options, request, parameters), batchId }),
  };
}

interface Asked {
  readonly path: DataPath;
  readonly input: Json | undefined;
  readonly strict: boolean;
}

function askOne({ path, input, strict }: Asked, render: (answer: QueryAnswer) => WireReply): Question {
  const { entrypoint, below = [] } = path;
  return {
    kind: "queries",
    queries: [{ entrypoint, below, input, builtinErrors: builtinErrorsOf(entrypoint, strict) }],
    reply([answer]) {
      if (answer === undefined) throw new RemitError("internal", "a query was not answered");
      return render(answer);
    },
  };
}

/** As OPA, but for decisions: a deny that falls silent must not become an allow because it was asked for in this way. */
function builtinErrorsOf(entrypoint: string, strict: boolean): "deny" | "undefined" {
  return strict || entrypoint === decisionEntrypoint ? "deny" : "undefined";
}

function renderV1(answer: QueryAnswer, form: Form, warning: JsonObject): WireReply {
  if (answer.kind === "error") return opaReply(answer.error.status, failureObject(answer), true);
  return opaReply(200, { ...answerObject(answer, form), ...warning }, form.pretty);
}

function isStrict(parameters: Parameters): boolean {
  return hasFlag(parameters, "strict-builtin-errors");
}

/** `explain` is taken and ignored: there is no trace of a compiled policy. */
function formOf({ version }: OpaOptions, { policy }: WireRequest, parameters: Parameters): Form {
  const { name, revision } = policy.bundle;
  const build = { version, build_commit: "", build_timestamp: "", build_hostname: "" };
  return {
    pretty: hasFlag(parameters, "pretty"),
    metrics: hasFlag(parameters, "metrics") || hasFlag(parameters, "instrument"),
    provenance: hasFlag(parameters, "provenance") ? { provenance: { ...build, bundles: { [name]: { revision } } } } : {},
  };
}
