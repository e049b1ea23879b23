import type { ErrorCode } from "../errors.ts";
import type { DenyDecision, Reason } from "./decision.ts";

const controls = ["NIST-800-207", "OWASP-ASI02"];

/** Why an evaluation that failed is answered no; the engine's codes are the only ones that come without a policy. */
const engineReasons: Partial<Record<ErrorCode, { message: string; remedy: string }>> = {
  policy_timeout: {
    message: "the policy used up its evaluation budget",
    remedy: "tell the operator: a policy rule is too expensive for this input",
  },
  policy_memory: {
    message: "the policy used up its memory",
    remedy: "tell the operator: a policy rule needs too much memory for this input",
  },
  policy_undefined: { message: "the policy gave no decision", remedy: "tell the operator: the decision rule is undefined for this input" },
  policy_result_invalid: {
    message: "the policy gave no valid decision",
    remedy: "tell the operator: the decision rule returns the wrong shape",
  },
  policy_error: { message: "the policy failed", remedy: "tell the operator: see the service log under the decision id" },
};

/** Deny for an evaluation that failed: never an allow, and never without a reason. */
export function engineDeny(code: ErrorCode): DenyDecision {
  const known = engineReasons[code] ?? {
    message: "the policy failed",
    remedy: "tell the operator: see the service log under the decision id",
  };
  return deny({ code, ...known, rule: "remit.engine", controls });
}

/** Deny for an allow that came with a token that failed verification, whatever the policy says. */
export function tokenDeny(code: string): DenyDecision {
  const message = "the agent's token failed verification";
  return deny({ code, message, remedy: "get a new token from the configured issuer and try again", rule: "remit.identity", controls });
}

const sessionReasons = {
  session_conflict: { message: "the session was changed by other calls again and again", remedy: "try again, with fewer calls at a time" },
  session_limit: {
    message: "there are too many sessions, or this one has become too large",
    remedy: "end sessions that are done, or tell the operator to raise `sessions.sessions_max`",
  },
  session_ended: { message: "the session, its agent or its subject was terminated", remedy: "stop; a person ended this" },
} as const;

/** Deny for a call that could not be reserved, or whose session has ended, whatever the policy says. */
export function sessionDeny(code: keyof typeof sessionReasons): DenyDecision {
  return deny({ code, ...sessionReasons[code], rule: "remit.sessions", controls });
}

function deny(reason: Reason): DenyDecision {
  return { allow: false, reasons: [reason], obligations: [], requiredScopes: [], acrValues: [], ttlS: 0, accessRequest: null, offer: null };
}
