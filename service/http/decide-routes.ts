import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import type { Decide } from "../decide/decide.ts";
import type { JsonObject } from "../decide/json.ts";
import type { Clock, PolicyEngine } from "../decide/ports.ts";
import type { DecideContext } from "../decide/run.ts";
import type { Pep, PepNeeds } from "../decide/tool-call.ts";
import { BatchRequest, invalid, toToolCall, toWire } from "../dialects/native.ts";
import { problemOf } from "../dialects/problem.ts";
import { RemitError, toRemitError } from "../errors.ts";
import { type BodyLimits, readJson } from "./body.ts";
import type { RequestInfo } from "./request-info.ts";
import { sendJson, sendProblem } from "./send.ts";

export interface DecideRouteDeps {
  readonly decide: Decide;
  readonly engine: PolicyEngine;
  readonly clock: Clock;
  /** Who is asking; throws `pep_unauthenticated` or `pep_forbidden`. */
  readonly authenticate: (request: IncomingMessage, needs: PepNeeds) => Pep | Promise<Pep>;
  readonly deadline: (nowMs: number) => AbortSignal;
  readonly newId: (nowMs: number) => string;
  readonly bodyLimits: BodyLimits;
  readonly batchMax: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse, info: RequestInfo) => Promise<void>;

const dialect = "native";
const needs: PepNeeds = { dialect, anyOf: ["decide"] };

/** `POST /decide`: 200 with allow or deny, 4xx when the caller is wrong, 5xx when there is no decision. */
export function decideRoute(deps: DecideRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, needs);
    const call = toToolCall(await readJson(request, deps.bodyLimits));
    const outcome = await deps.decide(call, pep, contextOf(deps, info));
    if (outcome.kind === "decided") sendJson(response, 200, toWire(outcome), info.id);
    else sendProblem(response, outcome.error, { requestId: info.id, instance: outcome.decisionId });
  };
}

function contextOf(deps: DecideRouteDeps, info: RequestInfo): DecideContext {
  const { id, requestedBy, traceId, spanId } = info;
  return { dialect, requestId: id, requestedBy, traceId, spanId, signal: deps.deadline(deps.clock.nowMs()), batchId: null, snapshot: null };
}

/** `POST /decide/batch`: one snapshot of the policy for all; answers in the order of the calls, each a decision or a problem. */
export function decideBatchRoute(deps: DecideRouteDeps): Handler {
  return async (request, response, info) => {
    const pep = await deps.authenticate(request, needs);
    const calls = readCalls(await readJson(request, deps.bodyLimits), deps.batchMax);
    const snapshot = deps.engine.current();
    if (snapshot === undefined) throw new RemitError("not_ready", "no bundle is active");
    const batchId = deps.newId(deps.clock.nowMs());
    const context = { ...contextOf(deps, info), batchId, snapshot };
    const decisions: JsonObject[] = [];
    // One after the other: the calls of a batch see each other's session effects in order.
    for (const call of calls) {
      const signal = deps.deadline(deps.clock.nowMs());
      decisions.push(await decideItem(deps, { call, pep, context: { ...context, signal } }));
      // A decision rarely waits for anything: without this a batch would keep everybody else waiting.
      await setImmediate();
      if (response.destroyed) return;
    }
    sendJson(response, 200, { batch_decision_id: batchId, decisions }, info.id);
  };
}

function readCalls(body: unknown, batchMax: number): readonly unknown[] {
  const parsed = BatchRequest.safeParse(body);
  if (!parsed.success) throw invalid(parsed.error);
  const { calls } = parsed.data;
  if (calls.length <= batchMax) return calls;
  const message = `more than ${batchMax} calls; split them`;
  throw new RemitError("request_invalid", `${message} at \`/calls\``, { errors: [{ path: "/calls", message }] });
}

interface BatchItem {
  readonly call: unknown;
  readonly pep: Pep;
  readonly context: DecideContext;
}

/** A wrong item is a problem in its place and spoils no other. */
async function decideItem(deps: DecideRouteDeps, item: BatchItem): Promise<JsonObject> {
  try {
    return toWire(await deps.decide(toToolCall(item.call), item.pep, item.context));
  } catch (thrown) {
    return problemOf(toRemitError(thrown), { instance: item.context.requestId });
  }
}

/** Shape of the batch answer, for the OpenAPI document. */
export const BatchResponse = z.object({ batch_decision_id: z.string(), decisions: z.array(z.unknown()) }).meta({ id: "BatchResponse" });
