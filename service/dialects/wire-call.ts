import type { DecidedOutcome } from "../decide/decide.ts";
import type { Reason } from "../decide/decision.ts";
import type { ToolCall } from "../decide/tool-call.ts";
import { errorKinds, type RemitError } from "../errors.ts";
import type { Answered, WireClaims, WireRequest } from "./dialect.ts";
import type { McpAsk } from "./mcp-message.ts";

/** What is asked for, with who asks as the request's headers say; `known` wins over them. */
export function toCall(request: WireRequest, ask: McpAsk, known: Partial<ToolCall> = {}): ToolCall {
  const { claims } = request;
  const agentHeader = request.headers["user-agent"];
  return {
    server: claims.server,
    annotations: {},
    definitionDigest: null,
    subject: claims.subject,
    agent: claims.agent,
    token: request.token,
    sessionId: claims.sessionId,
    request: {
      id: request.requestId,
      path: request.path.slice(0, 2048),
      origin: { ip: claims.originIp, userAgent: typeof agentHeader === "string" ? agentHeader.slice(0, 512) : null },
    },
    ...ask,
    ...known,
  };
}

/** The request with what its body says of who asks; what it does not say, the headers may. */
export function withClaims(request: WireRequest, said: Partial<WireClaims>): WireRequest {
  return { ...request, claims: { ...request.claims, ...said } };
}

/** The one test for an allow: everything else is a no. */
export function isAllow(answered: Answered): answered is DecidedOutcome {
  return answered.kind === "decided" && answered.decision.allow;
}

/** An allow where the wire has no place for obligations: one that depends on them is a no. */
export function passes(answered: Answered): answered is DecidedOutcome {
  return isAllow(answered) && answered.decision.obligations.length === 0;
}

/** Why it does not pass, for people; of what passes, why it does. */
export function refusalOf(answered: Answered): readonly Pick<Reason, "code" | "message" | "remedy">[] {
  if (!isAllow(answered) || answered.decision.obligations.length === 0) return reasonsOf(answered);
  const types = answered.decision.obligations.map(({ type }) => `\`${type}\``).join(", ");
  const message = `allowed only under obligations that this enforcement point cannot be told: ${types}`;
  return [{ code: "obligation_unknown", message, remedy: "call through an enforcement point that can carry them out" }];
}

/** Reasons of a no for people: those of the policy, or the error that stands for them. */
export function reasonsOf(answered: Answered): readonly Pick<Reason, "code" | "message" | "remedy">[] {
  if (answered.kind === "decided") return answered.decision.reasons;
  return [errorReason(answered.error)];
}

/** An error in the shape of a reason: of a fault of ours only what it means, never its detail. */
export function errorReason(error: RemitError): Pick<Reason, "code" | "message" | "remedy"> {
  return { code: error.code, message: error.status < 500 ? error.message : errorKinds[error.code].meaning, remedy: "" };
}

const sentenceMax = 2000;

/** Why it does not pass, a line for people for each reason: with its code, and what would help. */
export function refusalLines(answered: Answered): readonly string[] {
  return refusalOf(answered).map(({ code, message, remedy }) =>
    `${message} (${code})${remedy === "" ? "" : `; ${remedy}`}`.slice(0, sentenceMax),
  );
}

/** The same as one line. */
export function sentence(answered: Answered): string {
  return refusalLines(answered).join(". ").slice(0, sentenceMax);
}

/** An error as one line for people. */
export function errorSentence(error: RemitError): string {
  return `${errorReason(error).message} (${error.code})`;
}

/** The id under which it is recorded; null for what was not understood. */
export function decisionIdOf(answered: Answered): string | null {
  return answered.kind === "invalid" ? null : answered.decisionId;
}
