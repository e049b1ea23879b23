/** One row of the error table: HTTP status, RFC 9457 title and a one-line meaning for `docs/errors.md`. */
interface ErrorKind {
  readonly status: number;
  readonly title: string;
  readonly meaning: string;
}

/**
 * Every error the service can answer with or log, by stable code.
 * 4xx: the caller is wrong. 5xx: we could not decide. A policy's "no" is never an error.
 */
export const errorKinds = {
  body_not_json: {
    status: 400,
    title: "Body is not JSON",
    meaning: "The body is not one strict JSON document: syntax, UTF-8, a byte order mark, or a second document.",
  },
  body_unsafe: {
    status: 400,
    title: "Body is ambiguous",
    meaning:
      "The JSON holds a duplicate key, a lone surrogate, an unsafe number, a forbidden key, or is nested too deep; the path says where.",
  },
  request_invalid: {
    status: 400,
    title: "Request is invalid",
    meaning: "The JSON does not match the schema; `errors[]` names every failing path.",
  },
  header_repeated: { status: 400, title: "Header is repeated", meaning: "A header that must be single was sent more than once." },
  pep_unauthenticated: {
    status: 401,
    title: "Enforcement point is not authenticated",
    meaning: "No credential, or one that matches no configured enforcement point.",
  },
  pep_forbidden: {
    status: 403,
    title: "Enforcement point may not do this",
    meaning: "The enforcement point is known, but lacks the dialect or the permission; `detail` says which.",
  },
  not_found: { status: 404, title: "Not found", meaning: "No such path." },
  method_not_allowed: { status: 405, title: "Method not allowed", meaning: "The path exists but not with this method." },
  body_too_large: { status: 413, title: "Body is too large", meaning: "The body is larger than `limits.body_bytes_max`." },
  content_type_unsupported: {
    status: 415,
    title: "Content type is not supported",
    meaning: "Only `application/json` in UTF-8 without content encoding is read.",
  },
  policy_error: { status: 500, title: "Policy could not be evaluated", meaning: "The evaluation aborted, trapped, or a builtin failed." },
  policy_timeout: {
    status: 500,
    title: "Policy ran out of fuel",
    meaning: "The evaluation used more than `engine.fuel_max` units and was stopped.",
  },
  policy_memory: {
    status: 500,
    title: "Policy ran out of memory",
    meaning: "The evaluation needed more than `engine.memory_pages_max` pages.",
  },
  policy_undefined: { status: 500, title: "Policy gave no decision", meaning: "The decision entrypoint is undefined for this input." },
  policy_result_invalid: {
    status: 500,
    title: "Policy gave no valid decision",
    meaning: "The result of the decision entrypoint is not the documented object, or does not echo the nonce.",
  },
  session_store_unavailable: {
    status: 503,
    title: "Session store is unavailable",
    meaning: "The session store did not answer. Decisions go on, and policies deny what needs the session (`session_unavailable`).",
  },
  decision_unknown: {
    status: 404,
    title: "Decision is unknown",
    meaning: "No allowed call waits for an outcome under this id: it was denied, had no session, was never made, or its time is over.",
  },
  outcome_conflict: {
    status: 409,
    title: "Outcome was reported before",
    meaning: "Another outcome of this decision was reported before; the first one stands.",
  },
  session_unknown: { status: 404, title: "Session is unknown", meaning: "This principal has no session of this id, or it has expired." },
  session_ended: { status: 409, title: "Session has ended", meaning: "The session, its agent or its subject was terminated." },
  session_conflict: {
    status: 409,
    title: "Session is busy",
    meaning: "The session was changed by others again and again meanwhile; try again.",
  },
  session_limit: {
    status: 503,
    title: "Session limit is reached",
    meaning:
      "There are `sessions.sessions_max` living sessions, none of which is forgotten for a new one, or one has become too large, or too many access requests wait; `errors` says which.",
  },
  grant_widens: {
    status: 409,
    title: "Grant widens",
    meaning: "A later grant may only narrow an earlier one; `errors[]` names what widens. An approval lifts this.",
  },
  grant_rejected: {
    status: 400,
    title: "Signed grant is rejected",
    meaning: "The signed grant failed verification, or is for another principal or session.",
  },
  approval_unknown: { status: 404, title: "Access request is unknown", meaning: "No access request has this id, or it has expired." },
  approval_forbidden: {
    status: 403,
    title: "Approver may not decide",
    meaning: "Whoever asked may not approve: not the requesting agent, not a delegated token, not the enforcement point that asked.",
  },
  approval_conflict: {
    status: 409,
    title: "Access request is decided",
    meaning: "The access request was decided, used or withdrawn before.",
  },
  record_failed: {
    status: 500,
    title: "It could not be recorded",
    meaning: "The record could not be written, so the decision does not count, and a change of a session is not made.",
  },
  internal: { status: 500, title: "Internal error", meaning: "An unexpected fault; the log has the details under the request id." },
  not_ready: { status: 503, title: "Not ready", meaning: "No bundle is active yet, or the service is shutting down." },
  overloaded: { status: 503, title: "Overloaded", meaning: "Too many requests are in flight; retry after the time in `Retry-After`." },
  token_keys_unavailable: {
    status: 503,
    title: "Issuer keys are unavailable",
    meaning: "The key set of a configured issuer could not be fetched and no earlier copy is usable.",
  },
  bundle_invalid: { status: 500, title: "Bundle is invalid", meaning: "A bundle failed the load gate; the active one stays." },
  config_invalid: {
    status: 500,
    title: "Configuration is invalid",
    meaning: "The configuration has mistakes; all of them are listed with their paths.",
  },
} as const satisfies Record<string, ErrorKind>;

/** Stable code of an error; the key of {@link errorKinds}. */
export type ErrorCode = keyof typeof errorKinds;

/** Where in the caller's document something is wrong: a JSON pointer and what is wrong there. */
export interface ErrorPath {
  readonly path: string;
  readonly message: string;
}

interface RemitErrorOptions {
  readonly cause?: unknown;
  readonly errors?: readonly ErrorPath[];
  readonly retryAfterS?: number;
}

/** The only error class: a code of the table, a detail safe to show for 4xx, and the paths that failed. */
export class RemitError extends Error {
  readonly code: ErrorCode;
  readonly errors: readonly ErrorPath[];
  readonly retryAfterS: number | undefined;

  constructor(code: ErrorCode, detail: string, options: RemitErrorOptions = {}) {
    super(detail, { cause: options.cause });
    this.name = "RemitError";
    this.code = code;
    this.errors = options.errors ?? [];
    this.retryAfterS = options.retryAfterS;
  }

  get status(): number {
    return errorKinds[this.code].status;
  }
}

/** Turns anything thrown (libraries throw strings and plain objects too) into a {@link RemitError}. */
export function toRemitError(thrown: unknown, code: ErrorCode = "internal"): RemitError {
  if (thrown instanceof RemitError) return thrown;
  return new RemitError(code, describe(thrown), { cause: thrown });
}

/** One line for a log: the message of whatever was thrown. */
export function describe(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown === "string") return thrown;
  if (typeof thrown === "object" && thrown !== null && "message" in thrown) return String(thrown.message);
  return String(thrown);
}
