import type { Json, JsonObject } from "../../decide/json.ts";
import { RemitError } from "../../errors.ts";
import { isObject } from "../claimed.ts";

/** What a policy written for opa-envoy-plugin says. */
export interface EnvoyVerdict {
  readonly allowed: boolean;
  /** For the server on an allow, for the client on a deny; lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Status of a deny. */
  readonly status: number;
  readonly body: string | null;
}

const headersMax = 64;
const headerBytesMax = 8192;
const bodyCharactersMax = 65_536;

/**
 * Reads a result as opa-envoy-plugin (envoyauth/response.go) does: a boolean, or an object with a boolean `allowed`. What cannot be carried
 * out over HTTP is an error, and so a no. A deny never has a status that a proxy could take for an allow, a redirect or a fault.
 * Throws RemitError `policy_result_invalid`.
 */
export function readEnvoyResult(result: Json): EnvoyVerdict {
  if (typeof result === "boolean") return { allowed: result, headers: {}, status: 403, body: null };
  if (!isObject(result) || typeof result.allowed !== "boolean")
    throw invalid("is neither a boolean nor an object with a boolean `allowed`");
  return result.allowed ? readAllow(result) : readDeny(result);
}

function readAllow(result: JsonObject): EnvoyVerdict {
  for (const name of ["query_parameters_to_set", "query_parameters_to_remove"])
    if (!isEmpty(result[name])) throw invalid(`has \`${name}\`, which cannot be told over HTTP`);
  const removed = readNames(result.request_headers_to_remove);
  const headers = {
    ...readHeaders(result.response_headers_to_add),
    ...readHeaders(result.headers),
    ...(removed.length === 0 ? {} : { "x-envoy-auth-headers-to-remove": removed.join(",") }),
  };
  return { allowed: true, headers: bounded(headers), status: 200, body: null };
}

function readDeny(result: JsonObject): EnvoyVerdict {
  const { body = null, http_status: status = 403 } = result;
  if (body !== null && typeof body !== "string") throw invalid("has a `body` that is not a text");
  if (typeof status !== "number" || !Number.isInteger(status) || status < 100 || status > 599)
    throw invalid("has an `http_status` that is not one");
  return {
    allowed: false,
    headers: bounded(readHeaders(result.headers)),
    status: status >= 400 && status < 500 ? status : 403,
    body: body === null ? null : body.slice(0, bodyCharactersMax),
  };
}

/** Of the connection, of the body's length, or ours to set. */
const kept: ReadonlySet<string> = new Set([
  ...["connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding"],
  ...["upgrade", "host", "content-length", "content-encoding", "date", "cache-control", "x-request-id"],
  ...["x-envoy-auth-headers-to-remove", "x-remit-decision-id", "x-remit-obligations"],
]);
const token = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/** An object, or a list of objects, of texts or lists of texts. Later ones win over earlier ones of the same name. */
function readHeaders(value: Json | undefined): Record<string, string> {
  if (value === undefined) return {};
  const found = new Map<string, string>();
  for (const object of Array.isArray(value) ? value : [value]) {
    if (!isObject(object)) throw invalid("has headers that are not an object");
    for (const [given, texts] of Object.entries(object)) {
      const name = readName(given);
      found.set(name, readValue(name, texts));
    }
  }
  return Object.fromEntries(found);
}

function readValue(name: string, given: Json): string {
  const texts = Array.isArray(given) ? given : [given];
  if (name === "set-cookie" && texts.length > 1) throw invalid("sets more than one cookie, which cannot be told in one header");
  for (const text of texts)
    if (typeof text !== "string" || !/^[\t\x20-\x7e\x80-\xff]*$/.test(text))
      throw invalid(`has a value of \`${name}\` that no header can have`);
  return texts.join(", ");
}

function readName(given: Json): string {
  const name = typeof given === "string" ? given.toLowerCase() : "";
  if (!token.test(name)) throw invalid("names a header that cannot be one");
  if (kept.has(name)) throw invalid(`sets or removes \`${name}\`, which is not the policy's`);
  return name;
}

function readNames(value: Json | undefined): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid("has `request_headers_to_remove` that are not a list");
  return value.map(readName);
}

function bounded(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(headers);
  const size = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (entries.length > headersMax || size > headerBytesMax) throw invalid("has too many headers, or too large ones");
  return headers;
}

function isEmpty(value: Json | undefined): boolean {
  if (value === undefined) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function invalid(what: string): RemitError {
  return new RemitError("policy_result_invalid", `the result of the policy ${what}`);
}
