import { z } from "zod";
import type { Json, JsonObject } from "../decide/json.ts";
import type { RemitError } from "../errors.ts";
import { agentOf, bodyObject, isObject, names, optionalId, optionalObject, subjectOf } from "./claimed.ts";
import type { Answered, Dialect, Question, WireClaims, WireHead, WireReply, WireRequest, WireSignature } from "./dialect.ts";
import { jsonReply } from "./dialect.ts";
import { askMessages } from "./mcp.ts";
import { readMessages } from "./mcp-message.ts";
import { invalidAt } from "./sessions.ts";
import { macOf, pepOf, unsigned } from "./webhook-signature.ts";
import { decisionIdOf, errorReason, passes, refusalOf, sentence, withClaims } from "./wire-call.ts";

const version = "v0.1.0";
const known = /^v0\.1\.\d{1,4}$/;

/**
 * ToolHive's validating webhook (API v0.1). Any status but 200 and 422 is left to its `failure_policy`, which may be to go on: so every
 * failure is a 200 that says no.
 */
export const toolhive: Dialect = {
  name: "toolhive",
  routes: [
    { method: "post", path: "/hooks/toolhive", summary: "Decide an MCP request for ToolHive's webhook", body: "json", translate },
    {
      method: "post",
      path: "/hooks/toolhive/{pep}",
      summary: "The same, signed",
      body: "json",
      signed,
      translate,
    },
  ],
  refuse: (error: RemitError) => {
    const { code, message } = errorReason(error);
    return jsonReply(200, { version, uid: "", allowed: false, code: error.status >= 500 ? 503 : 403, message, reason: code });
  },
};

/** `X-ToolHive-Signature: sha256=…` is the HMAC of `<timestamp>.<body>`. */
function signed(head: WireHead): WireSignature {
  const mac = macOf(head, "x-toolhive-signature", /^sha256=([0-9a-f]{64})$/);
  const timestamp = head.headers["x-toolhive-timestamp"];
  if (typeof timestamp !== "string" || !/^\d{1,12}$/.test(timestamp)) throw unsigned("header `x-toolhive-timestamp` holds no time");
  return {
    pepId: pepOf(head, "/hooks/toolhive/"),
    mac,
    signedBytes: (body) => Buffer.concat([Buffer.from(`${timestamp}.`), body]),
    signedAtMs: Number(timestamp) * 1000,
  };
}

function translate(request: WireRequest): Question {
  const body = bodyObject(request);
  if (typeof body.version !== "string" || !known.test(body.version)) throw invalidAt("/version", `must be \`${version}\``);
  const uid = optionalId(body.uid, "/uid") ?? "";
  const asked = withClaims(request, claimsOf(request.claims, body));
  return askMessages(asked, readMessages(body.mcp_request ?? null), {
    pass: jsonReply(200, { version, uid, allowed: true }),
    decided: (ids, answers) => render(uid, ids.length, answers),
  });
}

/** ToolHive has verified the user's token; what it says of it is still believed only from a PEP that asserts subjects. */
function claimsOf(claims: WireClaims, body: JsonObject): Partial<WireClaims> {
  const principal = optionalObject(body.principal, "/principal");
  const context = optionalObject(body.context, "/context") ?? {};
  return {
    server: serverOf(context) ?? claims.server,
    originIp: addressOf(context.source_ip) ?? claims.originIp,
    ...(principal === null ? {} : whoIs(principal)),
  };
}

/** Behind a virtual server the one that runs the tool is meant. */
function serverOf({ backend_server: backend, server_name: name }: JsonObject): string | null {
  return optionalId(backend, "/context/backend_server") ?? optionalId(name, "/context/server_name");
}

const address = z.union([z.ipv4(), z.ipv6()]);

/** `ip:port` as Go writes it, with brackets around IPv6, or the bare address. */
function addressOf(value: Json | undefined): string | null {
  if (typeof value !== "string") return null;
  const bare = /^\[([^\]]*)\]:\d+$/.exec(value)?.[1] ?? /^([^:]*):\d+$/.exec(value)?.[1] ?? value;
  return address.safeParse(bare).success ? bare : null;
}

function whoIs(principal: JsonObject): Pick<WireClaims, "subject" | "agent"> {
  const claims = optionalObject(principal.claims, "/principal/claims") ?? {};
  const { name = null, email = null, platform_user_id: platformUserId = null } = principal;
  const subject = subjectOf(optionalId(principal.sub, "/principal/sub"), {
    roles: names(claims.roles, "/principal/claims/roles"),
    groups: names(principal.groups ?? claims.groups, "/principal/groups"),
    properties: { name, email, platform_user_id: platformUserId, claims },
  });
  return { subject, agent: actorOf(principal, claims) };
}

/** The outermost actor is the one that calls (RFC 8693 section 4.1); without delegation it is the client. */
function actorOf(principal: JsonObject, claims: JsonObject): WireClaims["agent"] {
  const at = "/principal/delegation";
  const delegation = optionalObject(principal.delegation, at);
  if (delegation === null) {
    const actor = optionalObject(claims.act, "/principal/claims/act");
    if (actor !== null) return agentOf(actorId(actor.sub, "/principal/claims/act/sub"), { act: actor });
    return agentOf(optionalId(claims.client_id ?? claims.azp, "/principal/claims/client_id"), {});
  }
  const { chain, malformed } = delegation;
  // Who acts would be a guess, and nobody's limits would hold.
  if (malformed === true || !Array.isArray(chain)) throw invalidAt(at, "is malformed");
  const [outermost] = chain;
  return agentOf(actorId(isObject(outermost) ? outermost.sub : undefined, `${at}/chain/0/sub`), { delegation });
}

function actorId(value: Json | undefined, at: string): string {
  const id = optionalId(value, at);
  if (id === null) throw invalidAt(at, "names no actor");
  return id;
}

/** `details` holds texts only. */
function render(uid: string, asked: number, answers: readonly Answered[]): WireReply {
  const decisions = answers.flatMap((answered) => decisionIdOf(answered) ?? []).join(",");
  if (answers.length === asked && answers.every(passes)) return jsonReply(200, { version, uid, allowed: true });
  const refused = answers.filter((answered) => !passes(answered));
  const message = refused.map(sentence).join(". ").slice(0, 2000);
  const reason = refused.flatMap(refusalOf)[0]?.code ?? "internal";
  return jsonReply(200, { version, uid, allowed: false, code: 403, message, reason, details: { decision_ids: decisions } });
}
