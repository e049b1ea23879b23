import type { Json } from "../../decide/json.ts";
import { RemitError } from "../../errors.ts";
import type { WireHeaders, WireRequest } from "../dialect.ts";

/** Where the checks are; what follows it is the path of the original request. */
export const checkPrefix = "/check";

/** The request that a proxy holds back until it is told to let it pass. */
export interface Original {
  readonly method: string;
  /** As the client sent it, still percent-encoded, without the query. */
  readonly path: string;
  /** What follows `?`, as sent; "" when there is none. */
  readonly query: string;
  readonly host: string | null;
  readonly scheme: string | null;
}

interface Stated {
  readonly method: string | null;
  /** Path and query. */
  readonly target: string | null;
}

/**
 * The original request, told in one of two ways. Below `/check`, method and path are the request's own, as Envoy's `path_prefix` makes them.
 * At `/check` itself they are in `X-Forwarded-Method` and `X-Forwarded-Uri`, or `X-Original-Method` and `X-Original-URI` (or `-URL`): the
 * sub-request of other proxies has a path and a method of its own. Whoever tells it twice must tell the same, so that no header of the
 * client's can stand for the request. Throws RemitError `request_invalid`.
 */
export function originalOf(request: WireRequest): Original {
  const { headers } = request;
  const stated = statedOf(headers);
  const { method, target } = merge(ownOf(request), stated);
  if (method === null) throw invalid("x-forwarded-method", "is missing: nothing tells the method of the original request");
  if (target === null) throw invalid("x-forwarded-uri", "is missing: nothing tells the path of the original request");
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  return {
    method,
    path,
    query,
    host: plain(headers["x-forwarded-host"]) ?? plain(headers.host),
    scheme: plain(headers["x-forwarded-proto"]),
  };
}

/** What the request line of the check says, when there is something below `/check`. */
function ownOf({ path, query, method }: WireRequest): Stated {
  if (path === checkPrefix) return { method: null, target: null };
  const below = path.startsWith(`${checkPrefix}/`) ? path.slice(checkPrefix.length) : "";
  return { method: readMethod(method, "method"), target: readTarget(query === "" ? below : `${below}?${query}`, "path") };
}

const methodHeaders = ["x-forwarded-method", "x-original-method"];
const targetHeaders = ["x-forwarded-uri", "x-original-uri", "x-original-url"];

function statedOf(headers: WireHeaders): Stated {
  return {
    method: agreed(headers, methodHeaders, readMethod),
    target: agreed(headers, targetHeaders, (value, name) => readTarget(value.replace(/^https?:\/\/[^/?#]*/i, ""), name)),
  };
}

function agreed(headers: WireHeaders, names: readonly string[], read: (value: string, name: string) => string): string | null {
  let found: string | null = null;
  for (const name of names) {
    const value = headers[name];
    if (value === undefined || value === "") continue;
    if (typeof value !== "string") throw invalid(name, "sent more than once");
    const one = read(value, name);
    if (found !== null && found !== one) throw invalid(name, "differs from another header that tells the same");
    found = one;
  }
  return found;
}

function merge(own: Stated, stated: Stated): Stated {
  if (own.method !== null && stated.method !== null && own.method !== stated.method)
    throw invalid("x-forwarded-method", "differs from the method of the request");
  if (own.target !== null && stated.target !== null && own.target !== stated.target)
    throw invalid("x-forwarded-uri", "differs from the path of the request");
  return { method: own.method ?? stated.method, target: own.target ?? stated.target };
}

function readMethod(value: string, name: string): string {
  if (/^[A-Z][A-Z-]{0,31}$/.test(value)) return value;
  throw invalid(name, "is not a method");
}

/** A header that was sent twice is joined with `, `: no target holds a space, so it is noticed here. */
function readTarget(value: string, name: string): string {
  if (/^\/[\x21\x22\x24-\x7e\x80-\xff]*$/.test(value)) return value;
  throw invalid(name, "is not a path and query");
}

/** What only describes: a list of several proxies says nothing. */
function plain(value: string | readonly string[] | undefined): string | null {
  return typeof value === "string" && /^[\x21-\x2b\x2d-\x7e]{1,256}$/.test(value) ? value : null;
}

/** True when the proxy says that it sent only the beginning of the body. */
export function isPartial({ headers }: WireRequest): boolean {
  const said = headers["x-envoy-auth-partial-body"];
  return said !== undefined && said !== "false";
}

/** The body when all of it was seen and it is JSON; undefined when there is none, or only its beginning. Throws what is wrong with it otherwise. */
export function wholeBody(request: WireRequest): Json | undefined {
  const { body } = request;
  if (isPartial(request) || body.kind === "none") return undefined;
  if (body.kind === "other") throw body.error;
  return body.value;
}

const plainPath = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\/?$/;

/**
 * Whether one of the configured paths is the original's: the same text, or below one that ends with `/*`. A path that a server may
 * understand differently (dot segments, escapes, empty segments) is below none but `/*`, which is everything.
 */
export function isBelow(patterns: readonly string[], path: string): boolean {
  return patterns.some((pattern) => {
    if (!pattern.endsWith("/*")) return path === pattern;
    const folder = pattern.slice(0, -2);
    return folder === "" || (plainPath.test(path) && (path === folder || path.startsWith(`${folder}/`)));
  });
}

function invalid(name: string, message: string): RemitError {
  return new RemitError("request_invalid", `\`${name}\` ${message}`, { errors: [{ path: `header ${name}`, message }] });
}
