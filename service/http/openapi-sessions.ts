import type { OpenAPIRegistry } from "@asteasolutions/zod-to-openapi";
import { z } from "zod";
import { AccessRequestList, AccessRequestSubmission, AccessRequestView, VerdictRequest } from "../dialects/access-requests.ts";
import {
  identifier,
  OutcomeRequest,
  OutcomeResponse,
  SessionEnded,
  SessionRequest,
  SessionView,
  Termination,
  TerminationRequest,
  uuid,
} from "../dialects/sessions.ts";

type PathConfig = Parameters<OpenAPIRegistry["registerPath"]>[0];
type Responses = PathConfig["responses"];

const json = (schema: z.ZodType) => ({ content: { "application/json": { schema } } });
const body = (schema: z.ZodType) => ({ body: { required: true, ...json(schema) } });
const ok = (description: string, schema: z.ZodType) => ({ description, ...json(schema) });

/** Whom a session belongs to, for requests without a body. */
const principal = {
  query: z.object({ subject: identifier.optional(), agent: identifier.optional() }),
  headers: z.object({ "x-remit-token": z.string().optional().meta({ description: "the agent's own token; it wins over the query" }) }),
};
const sessionId = z.object({ id: identifier });
const target = z.object({ kind: z.enum(["agent", "subject"]), id: identifier });
const requestId = z.object({ id: uuid });

/** Outcomes, sessions, terminations and access requests. `problems`: by status, `problem`: makes another. */
export function registerSessionPaths(
  registry: OpenAPIRegistry,
  shared: {
    readonly security: PathConfig["security"];
    readonly problems: Responses;
    readonly problem: (description: string) => Responses[string];
  },
): void {
  const { security = [], problems, problem } = shared;
  const register = (config: Omit<PathConfig, "security">) =>
    registry.registerPath({ ...config, security, responses: { ...problems, ...config.responses } });
  registerSessions(register, problem);
  registerTerminations(register, problem);
  registerAccessRequests(register, problem);
}

type Register = (config: Omit<PathConfig, "security">) => void;
type MakeProblem = (description: string) => Responses[string];

function registerSessions(register: Register, problem: MakeProblem): void {
  const path = "/sessions/{id}";
  register({
    ...{ method: "post", path: "/outcomes", summary: "Report what became of an allowed call", request: body(OutcomeRequest) },
    responses: {
      200: ok("it counts; the same report again changes nothing", OutcomeResponse),
      404: problem("no allowed call waits for an outcome under this id, or its session has expired"),
      409: problem("another outcome was reported before"),
    },
  });
  register({
    ...{ method: "get", path, summary: "Look at a session", request: { params: sessionId, ...principal } },
    responses: { 200: ok("what is known; `known` is false when there is nothing", SessionView) },
  });
  register({
    ...{ method: "put", path, summary: "Declare what a session may do", request: { params: sessionId, ...body(SessionRequest) } },
    responses: {
      200: ok("the session with its grant", SessionView),
      404: problem("`approval` is no living approval of exactly this grant"),
      409: problem("the grant widens an earlier one (`access_request` says how to have it approved), or the session has ended"),
    },
  });
  const query = principal.query.extend({ reason: z.string().optional() });
  register({
    ...{ method: "delete", path, summary: "End a session for good", request: { params: sessionId, ...principal, query } },
    responses: { 200: ok("it has ended", SessionEnded) },
  });
}

function registerTerminations(register: Register, problem: MakeProblem): void {
  const path = "/terminations/{kind}/{id}";
  register({
    ...{ method: "get", path, summary: "Is an agent or a subject terminated", request: { params: target } },
    responses: { 200: ok("yes or no", Termination) },
  });
  register({
    ...{
      method: "put",
      path,
      summary: "End all sessions of an agent or a subject, and begin none",
      request: { params: target, ...body(TerminationRequest) },
    },
    responses: { 200: ok("from the next decision on", Termination) },
  });
  register({
    ...{ method: "delete", path, summary: "Let new sessions begin again", request: { params: target } },
    responses: { 200: ok("those that were ended stay so", Termination), 404: problem("it was never terminated") },
  });
}

function registerAccessRequests(register: Register, problem: MakeProblem): void {
  const path = "/access-requests";
  const unknown = problem("no such access request");
  register({
    ...{
      method: "post",
      path,
      summary: "Ask that somebody approve a refused call or grant (AuthZEN ARAP)",
      request: body(AccessRequestSubmission),
    },
    responses: { 201: ok("the task; the same for a repeated submission", AccessRequestView) },
  });
  register({
    ...{ method: "get", path, summary: "Access requests that wait for a decision" },
    responses: { 200: ok("oldest first", AccessRequestList) },
  });
  register({
    ...{ method: "get", path: `${path}/{id}`, summary: "Status of an access request", request: { params: requestId } },
    responses: { 200: ok("the task", AccessRequestView), 404: unknown },
  });
  register({
    ...{
      method: "post",
      path: `${path}/{id}/decision`,
      summary: "Approve or refuse",
      request: { params: requestId, ...body(VerdictRequest) },
    },
    responses: { 200: ok("the task", AccessRequestView), 404: unknown, 409: problem("it was decided before, or has expired") },
  });
}
