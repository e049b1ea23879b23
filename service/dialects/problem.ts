import type { JsonObject } from "../decide/json.ts";
import { errorKinds, type RemitError } from "../errors.ts";

/** Base of problem `type` URIs (RFC 9457); relative, so that it resolves in the documentation that ships with the version. */
const typeBase = "/errors";

interface ProblemOptions {
  /** Decision id or request id: what to quote to an operator. */
  readonly instance: string;
}

/** RFC 9457 problem document. 5xx never says why in detail; every problem says `"allow": false`. */
export function problemOf(error: RemitError, options: ProblemOptions): JsonObject {
  const { status, title, meaning } = errorKinds[error.code];
  return {
    type: `${typeBase}#${error.code}`,
    title,
    status,
    detail: status < 500 ? error.message : meaning,
    instance: options.instance,
    code: error.code,
    ...(error.errors.length > 0 ? { errors: error.errors.map(({ path, message }) => ({ path, message })) } : {}),
    allow: false,
  };
}
