import { createServer, IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Express } from "express";

export interface ServerLimits {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
}

/**
 * An HTTP server for an Express app. Express swaps the prototype of every request and response, which on Node 20 and 22 costs more
 * than all the rest of HTTP (expressjs/express#5998); giving node the app's prototypes at construction makes the swap a no-op.
 */
export function createHttpServer(app: Express, limits: ServerLimits): Server {
  return createServer(
    {
      IncomingMessage: withPrototype(IncomingMessage, app.request),
      ServerResponse: withPrototype(ServerResponse, app.response),
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: 16_384,
    },
    app,
  );
}

/** A constructor that runs `base` but makes objects whose prototype is `prototype`. */
function withPrototype<T extends typeof IncomingMessage | typeof ServerResponse>(base: T, prototype: object): T {
  function Construct(this: object, first: Socket, second?: object): void {
    (base as unknown as (this: object, a: Socket, b?: object) => void).call(this, first, second);
  }
  Construct.prototype = prototype;
  return Construct as unknown as T;
}
