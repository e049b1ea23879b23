import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from "express";
import type { JsonObject } from "../decide/json.ts";
import { RemitError, toRemitError } from "../errors.ts";
import { accessRequestRoutes } from "./access-request-routes.ts";
import { decideBatchRoute, decideRoute } from "./decide-routes.ts";
import { type DialectRouteDeps, dialectRoutes } from "./dialect-routes.ts";
import type { HttpObserver } from "./observer.ts";
import { type OpaStateDeps, opaStateRoutes } from "./opa-state-routes.ts";
import { type RequestInfo, readRequestInfo, refuseRepeatedHeaders } from "./request-info.ts";
import type { Handler, Route } from "./route.ts";
import { sendJson, sendProblem } from "./send.ts";
import { sessionRoutes } from "./session-routes.ts";
import { terminationRoutes } from "./termination-routes.ts";

export interface AppDeps extends DialectRouteDeps, OpaStateDeps {
  readonly observer: HttpObserver;
  readonly inFlightMax: number;
  /** While the service ends, every answer asks the client to let go of its connection. */
  readonly draining: () => boolean;
  readonly openApi: JsonObject;
  readonly readiness: () => { readonly ready: boolean; readonly checks: Readonly<Record<string, string>> };
  readonly metrics: { render(): Promise<string>; readonly contentType: string };
}

/** Every path of the service. */
function routes(deps: AppDeps): readonly Route[] {
  const decide = decideRoute(deps);
  const batch = decideBatchRoute(deps);
  return [
    { method: "post", path: "/decide", sheddable: true, handle: decide },
    { method: "post", path: "/v1/decide", sheddable: true, handle: decide },
    { method: "post", path: "/decide/batch", sheddable: true, handle: batch },
    { method: "post", path: "/v1/decide/batch", sheddable: true, handle: batch },
    ...sessionRoutes(deps),
    ...terminationRoutes(deps),
    ...accessRequestRoutes(deps),
    ...dialectRoutes(deps),
    ...opaStateRoutes(deps),
    {
      method: "get",
      path: "/health/live",
      sheddable: false,
      handle: (_, response, info) => sendJson(response, 200, { live: true }, info.id),
    },
    { method: "get", path: "/health/ready", sheddable: false, handle: readyRoute(deps) },
    { method: "get", path: "/metrics", sheddable: false, handle: metricsRoute(deps) },
    {
      method: "get",
      path: "/openapi.json",
      sheddable: false,
      handle: (_, response, info) => sendJson(response, 200, deps.openApi, info.id),
    },
  ];
}

/** The Express app: routes, then 405 and 404, then the one error handler. */
export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", false);
  app.set("case sensitive routing", true);
  app.set("strict routing", true);
  const table = routes(deps);
  const gate = createGate(deps);
  for (const route of table) mount(app, route, gate(route));
  for (const [path, routes] of byPath(table)) {
    const [first] = routes;
    if (first.method !== "any") mount(app, { method: "any", path }, gate({ ...first, sheddable: false, handle: refuseMethod(routes) }));
  }
  app.use(gate({ method: "get", path: "", sheddable: false, handle: notFound }));
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    sendProblem(response, isBadPath(error) ? badPath() : toRemitError(error), { requestId: "unknown" });
  });
  return app;
}

/** A path that ends with `/*` stands for everything below it: whoever is on the other side chose that part, so it is not taken apart here. */
function mount(app: Express, { method, path }: Pick<Route, "method" | "path">, handler: RequestHandler): void {
  if (path.endsWith("/*")) app.use(path.slice(0, -2), method === "any" ? handler : onlyFor(method, handler));
  else app[method === "any" ? "all" : method](expressPath(path), handler);
}

function onlyFor(method: string, handler: RequestHandler): RequestHandler {
  return (request, response, next) => (request.method.toLowerCase() === method ? handler(request, response, next) : next());
}

/** `{name}` of a template is Express's `:name`. */
function expressPath(template: string): string {
  return template.replaceAll(/\{(\w+)\}/g, ":$1");
}

type Routes = [Route, ...Route[]];

function byPath(table: readonly Route[]): ReadonlyMap<string, Routes> {
  const paths = new Map<string, Routes>();
  for (const route of table) {
    const routes = paths.get(route.path);
    if (routes === undefined) paths.set(route.path, [route]);
    else routes.push(route);
  }
  return paths;
}

/** What Express throws for a parameter that is not percent-encoded UTF-8. */
function isBadPath(error: unknown): boolean {
  return error instanceof URIError;
}

function badPath(): RemitError {
  return new RemitError("request_invalid", "the path is not percent-encoded UTF-8");
}

/** What surrounds every handler: ids, counting, overload protection, and the rendering of whatever it throws. */
function createGate(deps: AppDeps): (route: Route) => RequestHandler {
  const { observer } = deps;
  const identityHeaders = new Set(Object.values(deps.identityHeaders).filter((name) => name !== undefined));
  let inFlight = 0;
  return (route) => async (request, response) => {
    const startedMs = performance.now();
    const info = readRequestInfo(request, deps.clock.nowMs());
    observer.inFlight(++inFlight);
    response.once("close", () => {
      observer.inFlight(--inFlight);
      const durationS = (performance.now() - startedMs) / 1000;
      observer.finished({ path: route.path || null, method: request.method, code: response.statusCode, durationS });
    });
    if (deps.draining()) response.setHeader("connection", "close");
    try {
      if (route.sheddable && inFlight > deps.inFlightMax) throw shed(observer);
      refuseRepeatedHeaders(request, identityHeaders);
      await route.handle(request, response, info);
    } catch (thrown) {
      failed(observer, route, { error: toRemitError(thrown), request, response, info });
    }
  };
}

interface Failure {
  readonly error: RemitError;
  readonly request: Request;
  readonly response: Response;
  readonly info: RequestInfo;
}

function failed(observer: HttpObserver, route: Route, { error, request, response, info }: Failure): void {
  if (error.status >= 500) observer.fault(error, info.id);
  if (route.refuse === undefined) sendProblem(response, error, { requestId: info.id });
  else route.refuse(error, request, response, info);
}

function shed(observer: HttpObserver): RemitError {
  observer.shed();
  return new RemitError("overloaded", "too many requests are in flight", { retryAfterS: 1 });
}

function readyRoute(deps: AppDeps): Handler {
  return (_request, response, info) => {
    const { ready, checks } = deps.readiness();
    sendJson(response, ready ? 200 : 503, { ready, checks }, info.id);
  };
}

function metricsRoute(deps: AppDeps): Handler {
  return async (_request, response) => {
    const text = await deps.metrics.render();
    response.writeHead(200, { "content-type": deps.metrics.contentType, "content-length": Buffer.byteLength(text) });
    response.end(text);
  };
}

function refuseMethod(routes: Routes): Handler {
  const allowed = routes.map(({ method }) => method.toUpperCase()).join(", ");
  return (request, response) => {
    response.setHeader("allow", allowed);
    throw new RemitError("method_not_allowed", `\`${request.method}\` is not supported here; use ${allowed}`);
  };
}

function notFound(request: Request): never {
  throw new RemitError("not_found", `no path \`${request.path.slice(0, 200)}\`; see /openapi.json`);
}
