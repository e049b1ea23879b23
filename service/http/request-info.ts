import type { IncomingMessage } from "node:http";
import { RemitError } from "../errors.ts";
import { uuid7 } from "../ids.ts";

/** What a request says of itself before its body is read. */
export interface RequestInfo {
  readonly id: string;
  readonly traceId: string | null;
  readonly spanId: string | null;
  /** `ip:port` of the peer. */
  readonly requestedBy: string | null;
}

const requestId = /^[A-Za-z0-9._:-]{1,128}$/;
const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}/;

/** Reads `X-Request-ID` and `traceparent` (W3C Trace Context); an id that is not plain is replaced by a new one. */
export function readRequestInfo(request: IncomingMessage, nowMs: number): RequestInfo {
  const sent = request.headers["x-request-id"];
  const trace = traceparent.exec(String(request.headers.traceparent ?? ""));
  const { remoteAddress, remotePort } = request.socket;
  return {
    id: typeof sent === "string" && requestId.test(sent) ? sent : uuid7(nowMs),
    traceId: trace?.[1] ?? null,
    spanId: trace?.[2] ?? null,
    requestedBy: remoteAddress === undefined ? null : `${remoteAddress}:${remotePort}`,
  };
}

const single: ReadonlySet<string> = new Set([
  "authorization",
  "x-api-key",
  "x-remit-token",
  "content-type",
  "content-length",
  "content-encoding",
  "x-request-id",
  "traceparent",
  "mcp-method",
  "mcp-name",
  "mcp-protocol-version",
  "x-envoy-auth-partial-body",
]);

/** Node keeps the first of a repeated header, or joins them, while a proxy may have judged the last: refuse what is ambiguous, here and in `others`. */
export function refuseRepeatedHeaders(request: IncomingMessage, others: ReadonlySet<string>): void {
  const seen = new Set<string>();
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i]?.toLowerCase() ?? "";
    if (!single.has(name) && !others.has(name)) continue;
    if (seen.has(name)) throw new RemitError("header_repeated", `header \`${name}\` was sent more than once`);
    seen.add(name);
  }
}
