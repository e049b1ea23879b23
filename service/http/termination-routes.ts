import type { Request } from "express";
import { type BlockTarget, block, blockOf, unblock } from "../decide/session/block.ts";
import type { Pep, PepNeeds } from "../decide/tool-call.ts";
import { identifier, parse, parseAt, TerminationRequest, terminationToWire } from "../dialects/sessions.ts";
import { RemitError } from "../errors.ts";
import { readJson } from "./body.ts";
import type { RequestInfo } from "./request-info.ts";
import { type Handler, pathParameter, type Route } from "./route.ts";
import { sendJson } from "./send.ts";
import { causeOf, type SessionRouteDeps } from "./session-routes.ts";

const mayOperate: PepNeeds = { dialect: "native", anyOf: ["operate"] };

/** The kill switch; overload protection never refuses it. */
export function terminationRoutes(deps: SessionRouteDeps): readonly Route[] {
  const path = "/terminations/{kind}/{id}";
  const route = (method: Route["method"], handle: Handler): Route => ({ method, path, sheddable: false, handle });
  return [route("get", lookRoute(deps)), route("put", terminateRoute(deps)), route("delete", liftRoute(deps))];
}

function lookRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const target = targetOf(request, await deps.authenticate(request, mayOperate));
    sendJson(response, 200, terminationToWire(target, await blockOf(deps.sessions, target, deps.clock.nowMs())), info.id);
  };
}

function terminateRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, mayOperate);
    const target = targetOf(request, pep);
    const { reason = `terminated by \`${pep.id}\`` } = parse(TerminationRequest, await readJson(request, deps.bodyLimits));
    // Stopping comes before recording: a full queue of records must not keep an agent going.
    const made = await block(deps.sessions, target, reason, deps.clock.nowMs());
    record(deps, { event: "terminated", target, reason }, pep, info);
    sendJson(response, 200, terminationToWire(target, made), info.id);
  };
}

function liftRoute(deps: SessionRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, mayOperate);
    const target = targetOf(request, pep);
    deps.events.check();
    const lifted = await unblock(deps.sessions, target, deps.clock.nowMs());
    record(deps, { event: "termination_lifted", target, reason: lifted.reason }, pep, info);
    sendJson(response, 200, terminationToWire(target, lifted), info.id);
  };
}

function targetOf(request: Request, pep: Pep): BlockTarget {
  const kind = pathParameter(request, "kind");
  if (kind !== "agent" && kind !== "subject") throw new RemitError("not_found", "only an `agent` or a `subject` can be terminated");
  return { tenant: pep.tenant, kind, id: parseAt("/terminations/{kind}/{id}", identifier, pathParameter(request, "id")) };
}

interface Happened {
  readonly event: "terminated" | "termination_lifted";
  readonly target: BlockTarget;
  readonly reason: string;
}

function record(deps: SessionRouteDeps, { event, target, reason }: Happened, pep: Pep, info: RequestInfo): void {
  const { kind, id } = target;
  deps.events.record(causeOf(pep, info), {
    ...{ event, subject: null, agent: null, session: null, status: null },
    ...{ [kind]: id },
    facts: { kind, reason },
  });
}
