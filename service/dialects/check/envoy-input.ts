import { isUtf8 } from "node:buffer";
import type { Json, JsonObject } from "../../decide/json.ts";
import { RemitError } from "../../errors.ts";
import type { WireHeaders, WireRequest } from "../dialect.ts";
import { isPartial, type Original, wholeBody } from "./original.ts";

/**
 * `input` as opa-envoy-plugin (envoyauth/request.go) makes it of Envoy's CheckRequest in protojson, as far as a check over HTTP tells it:
 * without `destination`, ports and `protocol`; `source` is there where `identity_headers.origin_ip` names it. Throws RemitError
 * `request_invalid`, `body_not_json` or `body_unsafe` for what two readers may understand differently.
 */
export function envoyInput(request: WireRequest, original: Original): JsonObject {
  const { originIp } = request.claims;
  return {
    attributes: {
      ...(originIp === null ? {} : { source: { address: { socketAddress: { address: originIp } } } }),
      request: { time: new Date(request.nowMs).toISOString(), http: httpOf(request, original) },
    },
    parsed_path: parsePath(original.path),
    parsed_query: parsePairs(original.query, "query"),
    parsed_body: parseBody(request),
    truncated_body: isPartial(request),
    version: { ext_authz: "v3", encoding: "protojson" },
  };
}

function httpOf(request: WireRequest, { method, path, query, host, scheme }: Original): JsonObject {
  const target = query === "" ? path : `${path}?${query}`;
  const pseudo = { ":method": method, ":path": target, ...named(":authority", host), ...named(":scheme", scheme) };
  return {
    id: request.requestId,
    method,
    path: target,
    ...named("host", host),
    ...named("scheme", scheme),
    headers: { ...pseudo, ...headersOf(request.headers) },
    // An int64, which protojson writes as text; -1: not known.
    size: isPartial(request) ? "-1" : String(request.bytes.length),
    ...bodyOf(request.bytes),
  };
}

function named(name: string, value: string | null): JsonObject {
  return value === null ? {} : { [name]: value };
}

function bodyOf(bytes: Buffer): JsonObject {
  if (bytes.length === 0) return {};
  return isUtf8(bytes) ? { body: bytes.toString("utf8") } : { rawBody: bytes.toString("base64") };
}

const ownHeaders: ReadonlySet<string> = new Set(["host", "x-api-key", "x-remit-token"]);

/** Without the enforcement point's own credential. */
function headersOf(headers: WireHeaders): JsonObject {
  const known = Object.entries(headers).flatMap(([name, value]): [string, Json][] => {
    if (value === undefined || ownHeaders.has(name)) return [];
    const text = typeof value === "string" ? value : value.join(", ");
    return name === "authorization" && /^bearer +rk_/i.test(text) ? [] : [[name, text]];
  });
  return Object.fromEntries(known);
}

/** Go takes what follows `//` for a host, and cuts at `#`: what it would read differently than a server is refused. */
function parsePath(path: string): Json {
  if (path.startsWith("//")) throw invalid("the path starts with `//`");
  return decodeText(path.slice(1), "path").split("/");
}

/** Go's url.ParseQuery, but what it leaves out (bad escapes, semicolons) is refused: the server behind may see it. */
function parsePairs(text: string, what: string): JsonObject {
  if (text.includes(";")) throw invalid(`the ${what} holds a \`;\``);
  const found = new Map<string, Json[]>();
  for (const pair of text.split("&").filter((part) => part !== "")) {
    const [key = "", value = ""] = pair.split(/=(.*)/s).map((part) => decodeText(part.replaceAll("+", " "), what));
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return Object.fromEntries(found);
}

function decodeText(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`the ${what} is not percent-encoded UTF-8`);
  }
}

/** By the content type; null for one that is not parsed, for no body, and for the beginning of one. */
function parseBody(request: WireRequest): Json {
  const type = String(request.headers["content-type"] ?? "").toLowerCase();
  if (request.bytes.length === 0 || isPartial(request)) return null;
  if (type.includes("application/json")) return wholeBody(request) ?? null;
  if (type.includes("application/x-www-form-urlencoded")) return parsePairs(request.bytes.toString("utf8"), "body");
  // The plugin parses these. A policy that finds nothing in them must not take that for nothing being there.
  if (type.includes("multipart/form-data")) throw invalid("a body of `multipart/form-data` is not parsed");
  return null;
}

function invalid(message: string): RemitError {
  return new RemitError("request_invalid", message);
}
