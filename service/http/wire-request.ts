import type { IncomingMessage } from "node:http";
import { gunzip } from "node:zlib";
import type { BodyRule, WireBody, WireClaims, WireHead, WireHeaders } from "../dialects/dialect.ts";
import { invalidHeader } from "../dialects/sessions.ts";
import { describe, RemitError, toRemitError } from "../errors.ts";
import { parseStrictJson } from "../json/strict-json.ts";
import { type BodyLimits, checkJsonType, readBytes } from "./body.ts";

/** Names of the headers that say who the agent is; null or absent: none does. */
export interface IdentityHeaders {
  readonly subject?: string | undefined;
  readonly roles?: string | undefined;
  readonly agent?: string | undefined;
  readonly session?: string | undefined;
  readonly server?: string | undefined;
  readonly originIp?: string | undefined;
}

/** What the request line and headers say. */
export function headOf(request: IncomingMessage & { readonly originalUrl?: string }, requestId: string): WireHead {
  const [path = "", query = ""] = (request.originalUrl ?? request.url ?? "").split(/\?(.*)/s);
  return { method: request.method ?? "", path, query, headers: request.headers, requestId };
}

/** The body's bytes, unpacked when they are gzip. Throws RemitError `body_too_large`, `body_not_json` or `content_type_unsupported`. */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const bytes = await readBytes(request, limits.bytesMax);
  const encoding = request.headers["content-encoding"]?.toLowerCase() ?? "identity";
  if (encoding === "identity" || bytes.length === 0) return bytes;
  if (encoding !== "gzip")
    throw new RemitError("content_type_unsupported", `content encoding \`${encoding.slice(0, 100)}\` is not supported; send gzip or none`);
  return unpack(bytes, limits.bytesMax);
}

/** The limit holds for what comes out, so that a small body cannot become a large one. */
function unpack(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: bytesMax }, (error, unpacked) => {
      if (error === null) return resolve(unpacked);
      const tooLarge = "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
      const message = tooLarge ? `the unpacked body is larger than ${bytesMax} bytes` : `the body is not gzip: ${describe(error)}`;
      return reject(new RemitError(tooLarge ? "body_too_large" : "body_not_json", message));
    });
  });
}

/** Says what the body is. With the rule `json` anything that is not JSON is thrown. */
export function parseBody(request: IncomingMessage, bytes: Buffer, rule: BodyRule, limits: BodyLimits): WireBody {
  if (rule === "json") {
    checkJsonType(request);
    return { kind: "json", value: parseStrictJson(bytes, limits) };
  }
  if (bytes.length === 0) return { kind: "none" };
  try {
    return { kind: "json", value: parseStrictJson(bytes, limits) };
  } catch (thrown) {
    return { kind: "other", error: toRemitError(thrown) };
  }
}

/** Longest value of an identity header, and most roles. */
const [valueMax, rolesMax] = [256, 64];

/** Reads the configured headers. Throws RemitError `request_invalid` for one that was sent twice or is too long. */
export function claimsOf(headers: WireHeaders, names: IdentityHeaders): WireClaims {
  const [subject, agent] = [one(headers, names.subject), one(headers, names.agent)];
  const roles =
    one(headers, names.roles)
      ?.split(",")
      .map((role) => role.trim())
      .filter((role) => role !== "") ?? [];
  if (roles.length > rolesMax) throw invalidHeader(names.roles ?? "", `more than ${rolesMax} roles`);
  return {
    subject: subject === null ? null : { type: "user", id: subject, roles, groups: [], properties: {} },
    agent: agent === null ? null : { id: agent, properties: {} },
    sessionId: one(headers, names.session),
    server: one(headers, names.server),
    originIp: one(headers, names.originIp),
  };
}

function one(headers: WireHeaders, name: string | undefined): string | null {
  const value = name === undefined ? undefined : headers[name];
  if (name === undefined || value === undefined || value === "") return null;
  // Node joins a repeated header with a comma: the second one may be the client's own.
  if (typeof value !== "string") throw invalidHeader(name, "sent more than once");
  if (value.length > valueMax) throw invalidHeader(name, `longer than ${valueMax} characters`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\u0000-\u001f\u007f-\u009f]/.test(value)) throw invalidHeader(name, "control characters are not allowed");
  return value;
}
