import type { Json } from "../../decide/json.ts";
import { RemitError, toRemitError } from "../../errors.ts";
import { bodyValue } from "../claimed.ts";
import type { Dialect, DialectRoute, Question, WireHead, WireReply, WireRequest } from "../dialect.ts";
import { jsonReply } from "../dialect.ts";
import { errorReason } from "../wire-call.ts";
import { allowEntrypoint, createMetadata, type MetadataOptions, metadataPaths, paths } from "./metadata.ts";
import {
  type Evaluation,
  type Evaluations,
  readEvaluation,
  readEvaluations,
  readSearch,
  type SearchKind,
  type Semantic,
} from "./request.ts";
import { pageOf, searchEntrypoints, windowOf } from "./search.ts";
import { toToolCall } from "./tool-call.ts";
import { errorVerdict, isPermit, type Verdict, verdictOfCall, verdictOfQuery } from "./verdict.ts";

export interface AuthzenOptions {
  /** Null: there is no metadata. */
  readonly metadata: MetadataOptions | null;
  readonly batchMax: number;
}

/**
 * AuthZEN Authorization API 1.0. A bundle with entrypoint `authzen/allow` gets each request as it was sent; any other judges the tool call
 * that it means (COAZ-MCP's default mapping, or an action of the enforcement point's own).
 */
export function createAuthzen({ metadata, batchMax }: AuthzenOptions): Dialect {
  const baseUrl = metadata?.baseUrl ?? "";
  const evaluation = (request: WireRequest) => askOne(request, readEvaluation(bodyValue(request)), baseUrl);
  const evaluations = (request: WireRequest) => {
    const read = readEvaluations(bodyValue(request), batchMax);
    return "items" in read ? askMany(request, read, baseUrl) : askOne(request, read, baseUrl);
  };
  return {
    name: "authzen",
    routes: [
      route(paths.evaluation, "AuthZEN: one access evaluation", evaluation),
      route(paths.evaluations, "AuthZEN: many access evaluations", evaluations),
      ...(["subject", "resource", "action"] as const).map((kind) =>
        route(paths[kind], `AuthZEN: ${kind} search, where the bundle answers it`, (request) => search(request, kind)),
      ),
      ...(metadata === null ? [] : metadataRoutes(metadata)),
    ],
    refuse,
  };
}

function route(path: string, summary: string, translate: DialectRoute["translate"]): DialectRoute {
  return { method: "post", path, summary, body: "json", translate };
}

function metadataRoutes(options: MetadataOptions): readonly DialectRoute[] {
  const metadata = createMetadata(options);
  const translate = (request: WireRequest): Question => ({ kind: "reply", reply: json(request, 200, metadata(request.policy)) });
  const rest = { summary: "AuthZEN: metadata", body: "any", published: true, translate } as const;
  return metadataPaths(options.baseUrl).map((path) => ({ method: "get", path, ...rest }));
}

/** An error message string, in JSON. A media type that is not read is 400, as AuthZEN's certification asks. */
function refuse(error: RemitError, head: WireHead): WireReply {
  return json(head, error.status === 415 ? 400 : error.status, errorReason(error).message, {
    ...(error.status === 401 ? { "www-authenticate": "Bearer" } : {}),
    ...(error.status === 503 ? { "retry-after": String(error.retryAfterS ?? 1) } : {}),
    // The rest of an oversized body is not read, so the connection cannot be used again.
    ...(error.status === 413 ? { connection: "close" } : {}),
  });
}

/** The enforcement point's own request id goes back as it is, whatever it looks like. */
function json({ headers }: WireHead, status: number, body: Json, more: Readonly<Record<string, string>> = {}): WireReply {
  const id = headers["x-request-id"];
  return jsonReply(status, body, { ...more, ...(typeof id === "string" && id !== "" ? { "x-request-id": id } : {}) });
}

function askOne(request: WireRequest, evaluation: Evaluation, baseUrl: string): Question {
  const reply = ([verdict = missing()]: readonly Verdict[]) =>
    verdict instanceof RemitError ? refuse(verdict, request) : json(request, 200, verdict);
  if (request.policy.entrypoints.has(allowEntrypoint)) return askPolicy([evaluation], "execute_all", reply);
  const call = toToolCall(request, evaluation);
  return { kind: "calls", calls: [call], reply: (answers) => reply(answers.map((answered) => verdictOfCall(answered, baseUrl))) };
}

function askMany(request: WireRequest, { items, semantic }: Evaluations, baseUrl: string): Question {
  const reply = (verdicts: readonly Verdict[]) =>
    json(request, 200, { evaluations: verdicts.map((verdict) => (verdict instanceof RemitError ? errorVerdict(verdict) : verdict)) });
  if (request.policy.entrypoints.has(allowEntrypoint)) return askPolicy(items, semantic, reply);
  return {
    kind: "calls",
    calls: items.map((item) => (item instanceof RemitError ? item : attempt(() => toToolCall(request, item)))),
    until: (answered) => stops[semantic](verdictOfCall(answered, baseUrl)),
    reply: (answers) => reply(answers.map((answered) => verdictOfCall(answered, baseUrl))),
  };
}

function attempt<T>(act: () => T): T | RemitError {
  try {
    return act();
  } catch (thrown) {
    return toRemitError(thrown);
  }
}

/** After which verdict nothing more is asked (AuthZEN 1.0, "Evaluations semantics"). */
const stops: Readonly<Record<Semantic, (verdict: Verdict) => boolean>> = {
  execute_all: () => false,
  deny_on_first_deny: (verdict) => !isPermit(verdict),
  permit_on_first_permit: isPermit,
};

/** Asks the policy about each item that is well formed; the others keep their place. */
function askPolicy(
  items: readonly (Evaluation | RemitError)[],
  semantic: Semantic,
  reply: (verdicts: readonly Verdict[]) => WireReply,
): Question {
  const stop = items.findIndex((item) => item instanceof RemitError && stops[semantic](item));
  const asked = stop === -1 ? items : items.slice(0, stop + 1);
  const queries = asked.flatMap((item) =>
    item instanceof RemitError ? [] : [{ entrypoint: allowEntrypoint, input: item.sent, builtinErrors: "deny" as const }],
  );
  if (queries.length === 0) return { kind: "reply", reply: reply(asked.filter((item) => item instanceof RemitError)) };
  return {
    kind: "queries",
    queries,
    until: (answer) => stops[semantic](verdictOfQuery(answer)),
    reply(answers) {
      const rest = answers.map(verdictOfQuery);
      const verdicts: Verdict[] = [];
      for (const item of asked) {
        const verdict = item instanceof RemitError ? item : (rest.shift() ?? missing());
        verdicts.push(verdict);
        if (stops[semantic](verdict)) break;
      }
      return reply(verdicts);
    },
  };
}

function missing(): RemitError {
  return new RemitError("internal", "an evaluation was not answered");
}

function search(request: WireRequest, kind: SearchKind): Question {
  const entrypoint = searchEntrypoints[kind];
  if (!request.policy.entrypoints.has(entrypoint))
    throw new RemitError("not_found", `the active bundle has no entrypoint \`${entrypoint}\``);
  const asked = readSearch(kind, bodyValue(request));
  const window = windowOf(request, asked);
  return {
    kind: "queries",
    queries: [{ entrypoint, input: asked.input, builtinErrors: "deny" }],
    reply: ([answer]) => {
      if (answer === undefined) throw missing();
      return json(request, 200, pageOf(answer, asked, window));
    },
  };
}
