import type { Json, JsonObject } from "../../decide/json.ts";
import type { RemitError } from "../../errors.ts";
import { isObject } from "../claimed.ts";
import type { Question, WireReply, WireRequest } from "../dialect.ts";
import { askMessages, type MessageReplies } from "../mcp.ts";
import { invalidAt } from "../sessions.ts";
import { readAgt } from "./agt.ts";
import type { Asked } from "./asked.ts";
import { readApisix, readHigress, readKong } from "./bodies.ts";
import { readContextForge } from "./contextforge.ts";
import { askedOfHeld, type Held, type HeldOptions } from "./held-request.ts";
import { decided, type GatewayKind, passed, refused } from "./results.ts";

/** What the configuration says of one data path at which a gateway asks. */
export interface GatewayOptions extends HeldOptions {
  readonly kind: GatewayKind;
  /** Higress: whether it holds the request until it was asked about the body, too. */
  readonly asksAgain: boolean;
  /** Roles of a subject whose roles the gateway does not tell. */
  readonly roles: readonly string[];
}

/** One path of the data API: the body is a gateway's own, and so is the form of every answer. */
export interface Gateway {
  /** Throws RemitError `request_invalid` or `body_unsafe`. */
  readonly translate: (request: WireRequest, input: Json | undefined) => Question;
  /** What that gateway takes for a no, whatever went wrong. */
  readonly refuse: (error: RemitError) => WireReply;
}

export function createGateway(options: GatewayOptions): Gateway {
  return {
    translate: (request, input) => translateGateway(options, request, input),
    refuse: (error) => refused(options.kind, error),
  };
}

function translateGateway(options: GatewayOptions, request: WireRequest, input: Json | undefined): Question {
  if (!isObject(input)) throw invalidAt("/input", "must be an object");
  const asked = read(options, request, input);
  const replies: MessageReplies = { pass: passed(options.kind), decided: (ids, answers) => decided(options.kind, ids.length, answers) };
  // Nothing is decided of a request whose body is still to come.
  if (asked === "later") return { kind: "reply", reply: replies.pass };
  return askMessages(withRoles(asked.request, options.roles), asked.messages, replies);
}

function read(options: GatewayOptions, request: WireRequest, input: JsonObject): Asked | "later" {
  switch (options.kind) {
    case "kong":
      return held(options, request, readKong(input));
    case "apisix":
      return held(options, request, readApisix(input));
    case "higress":
      return held(options, request, readHigress(input, options.asksAgain));
    case "contextforge":
      return readContextForge(options.servers, request, input);
    default:
      return readAgt(request, input);
  }
}

function held(options: GatewayOptions, request: WireRequest, found: Held): Asked | "later" {
  return found.body.kind === "later" ? "later" : askedOfHeld(options, request, found);
}

function withRoles(request: WireRequest, roles: readonly string[]): WireRequest {
  const { subject } = request.claims;
  if (subject === null || subject.roles.length > 0) return request;
  return { ...request, claims: { ...request.claims, subject: { ...subject, roles } } };
}
