import type { ServerResponse } from "node:http";
import type { JsonObject } from "../decide/json.ts";
import { problemOf } from "../dialects/problem.ts";
import type { RemitError } from "../errors.ts";

/** Ends a response with JSON; nothing of it may be kept by a cache. */
export function sendJson(response: ServerResponse, status: number, body: JsonObject, requestId: string, type = "application/json"): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
    "x-request-id": requestId,
  });
  response.end(text);
}

/** The one place that renders errors: RFC 9457 problem documents. */
export function sendProblem(
  response: ServerResponse,
  error: RemitError,
  ids: { readonly requestId: string; readonly instance?: string },
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error.code === "pep_unauthenticated") response.setHeader("www-authenticate", "Bearer");
  if (error.status === 503) response.setHeader("retry-after", String(error.retryAfterS ?? 1));
  // The rest of an oversized body is not read, so the connection cannot be used again.
  if (error.code === "body_too_large") response.setHeader("connection", "close");
  sendJson(
    response,
    error.status,
    problemOf(error, { instance: ids.instance ?? ids.requestId }),
    ids.requestId,
    "application/problem+json",
  );
}
