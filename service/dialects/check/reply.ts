import type { Json } from "../../decide/json.ts";
import type { RemitError } from "../../errors.ts";
import type { Answered, WireHead, WireReply } from "../dialect.ts";
import { errorOf, statusOf } from "../mcp.ts";
import type { RpcId } from "../mcp-message.ts";
import { problemOf } from "../problem.ts";
import { decisionIdOf, isAllow, passes, refusalOf, sentence } from "../wire-call.ts";

/** What the configuration says of replies. */
export interface CheckReplyOptions {
  /** URL of the protected resource's metadata (RFC 9728), which a challenge names; null: it names none. */
  readonly resourceMetadata: string | null;
  /** What becomes of an allow under obligations. `header`: it passes, and a header tells them to the server behind the proxy. */
  readonly obligations: "deny" | "header";
}

/**
 * Only 200 lets a request pass (Envoy); the rest of the family takes any 2xx. Its headers are always there, so that a proxy which hands them
 * on replaces those of the client's own making.
 */
export function passReply({ obligations }: CheckReplyOptions, answers: readonly Answered[] = []): WireReply {
  const told = obligations === "header" ? { "x-remit-obligations": obligationsText(answers) } : {};
  return { status: 200, headers: { "x-remit-decision-id": idsOf(answers), ...told }, body: null };
}

function idsOf(answers: readonly Answered[]): string {
  return answers.flatMap((answered) => decisionIdOf(answered) ?? []).join(",") || "none";
}

interface Asked {
  readonly options: CheckReplyOptions;
  /** Whether the agent's token came with the request. */
  readonly hasToken: boolean;
  /** Ids of the JSON-RPC messages that were asked about; null: it was no JSON-RPC. */
  readonly ids: readonly (RpcId | null)[] | null;
}

/** 200 when each of `expected` calls was allowed; 401 or 403 with the reasons for the client when one was not; 5xx when we could not decide. */
export function checkReply(asked: Asked, expected: number, answers: readonly Answered[]): WireReply {
  const mayPass = testFor(asked.options, answers);
  const refused = answers.flatMap((answered, index) => (mayPass(answered) ? [] : [{ answered, id: asked.ids?.[index] ?? null }]));
  if (refused.length === 0 && answers.length === expected && expected > 0) return passReply(asked.options, answers);
  const fault = statusOf(answers);
  const challenge = fault === 403 ? challengeOf(asked, refused) : null;
  const status = challenge?.status ?? fault;
  return {
    status,
    headers: {
      "x-remit-decision-id": idsOf(answers),
      "content-type": asked.ids === null ? "application/problem+json" : "application/json",
      ...(challenge === null ? {} : { "www-authenticate": challenge.header }),
      ...(status === 503 ? { "retry-after": "1" } : {}),
    },
    body: JSON.stringify(bodyOf(asked.ids, status, refused)),
  };
}

interface Refused {
  readonly answered: Answered;
  readonly id: RpcId | null;
}

/** Obligations that would not fit into a header cannot be told, and so not be carried out. */
function testFor({ obligations }: CheckReplyOptions, answers: readonly Answered[]): (answered: Answered) => boolean {
  return obligations === "header" && obligationsText(answers).length <= headerLengthMax ? isAllow : passes;
}

/** Servers and proxies take about 8 KiB of headers. */
const headerLengthMax = 4096;

/** JSON in ASCII, as a header must be. */
function obligationsText(answers: readonly Answered[]): string {
  const obligations = answers.flatMap((answered) => (isAllow(answered) ? answered.decision.obligations : []));
  return JSON.stringify(obligations).replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** JSON-RPC errors that can be handed on, or a problem document. */
function bodyOf(ids: Asked["ids"], status: number, refused: readonly Refused[]): Json {
  const [first] = refused;
  if (first === undefined) return { type: "about:blank", title: "No decision", status, detail: "not every call was judged", allow: false };
  if (ids !== null && ids.length > 1) return refused.map(({ id, answered }) => errorOf(id, answered));
  if (ids !== null) return errorOf(first.id, first.answered);
  return {
    type: "about:blank",
    title: status < 500 ? "Not allowed" : "No decision",
    status,
    detail: sentence(first.answered),
    allow: false,
    decision_id: decisionIdOf(first.answered),
    reasons: refusalOf(first.answered).map(({ code, message, remedy }) => ({ code, message, remedy })),
  };
}

interface Challenge {
  readonly status: 401 | 403;
  readonly header: string;
}

/**
 * What a client could do about it (RFC 6750, RFC 9470): send a good token, authenticate more strongly, or get one with more scopes. Null:
 * nothing of these. 401 only where identity alone stands in the way.
 */
function challengeOf({ options, hasToken }: Asked, refused: readonly Refused[]): Challenge | null {
  const codes = refused.flatMap(({ answered }) => refusalOf(answered).map(({ code }) => code));
  const scopes = listOf(refused, "requiredScopes");
  const acrValues = listOf(refused, "acrValues");
  const identityOnly = codes.every((code) => code === "token_required" || code === "step_up_required");
  const challenge = (status: 401 | 403, error: string | null): Challenge => ({
    status,
    header: `Bearer ${parameters([
      ["error", error],
      ["scope", scopes],
      ["acr_values", acrValues],
      ["resource_metadata", options.resourceMetadata],
    ])}`.trimEnd(),
  });
  if (hasToken && codes.some((code) => code.startsWith("token_") && code !== "token_required")) return challenge(401, "invalid_token");
  if (!hasToken && identityOnly && codes.includes("token_required")) return challenge(401, null);
  if (identityOnly && acrValues !== null) return challenge(401, "insufficient_user_authentication");
  return scopes === null ? null : challenge(403, "insufficient_scope");
}

/** Scope tokens (RFC 6749) of all; a value that is none would end the quotes. */
function listOf(refused: readonly Refused[], list: "requiredScopes" | "acrValues"): string | null {
  const values = refused.flatMap(({ answered }) => (answered.kind === "decided" ? answered.decision[list] : []));
  const sound = [...new Set(values)].filter((value) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value));
  return sound.length === 0 ? null : sound.join(" ");
}

function parameters(pairs: readonly (readonly [string, string | null])[]): string {
  return pairs.flatMap(([name, value]) => (value === null ? [] : [`${name}="${value}"`])).join(", ");
}

/** A request that cannot be judged is a no; a fault of ours is a 5xx, so that the proxy does what it is configured to do without us. */
export function refuseCheck(error: RemitError, { requestId }: Pick<WireHead, "requestId">, status = statusFor(error)): WireReply {
  return {
    status,
    headers: {
      "content-type": "application/problem+json",
      ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
      ...(status === 503 ? { "retry-after": String(error.retryAfterS ?? 1) } : {}),
    },
    body: JSON.stringify({ ...problemOf(error, { instance: requestId }), status }),
  };
}

function statusFor({ code, status }: RemitError): number {
  if (status >= 500) return status;
  return code === "pep_unauthenticated" ? 401 : 403;
}
