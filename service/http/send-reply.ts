import { gzip } from "node:zlib";
import type { Response } from "express";
import type { WireReply } from "../dialects/dialect.ts";

/** Sends a dialect's reply. Nothing of an answer may be kept by a cache, whatever the dialect says. */
export function sendReply(response: Response, reply: WireReply, requestId: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = Buffer.from(reply.body ?? "");
  const send = (bytes: Buffer, encoding: Readonly<Record<string, string>>) => {
    response.writeHead(reply.status, {
      "x-request-id": requestId,
      ...reply.headers,
      ...encoding,
      "content-length": bytes.length,
      "cache-control": "no-store",
    });
    response.end(bytes);
  };
  const large = body.length >= (reply.gzipFromBytes ?? Number.POSITIVE_INFINITY);
  if (large && acceptsGzip(response.req.headers["accept-encoding"]))
    gzip(body, (error, packed) => (error === null ? send(packed, { "content-encoding": "gzip" }) : send(body, {})));
  else send(body, {});
}

/** `gzip` by its name, with any weight but zero. */
function acceptsGzip(accepted: string | string[] | undefined): boolean {
  if (typeof accepted !== "string") return false;
  const weight = /(?:^|,)\s*gzip\s*(?:;\s*q=([\d.]+)\s*)?(?:,|$)/i.exec(accepted);
  return weight !== null && Number(weight[1] ?? 1) > 0;
}
