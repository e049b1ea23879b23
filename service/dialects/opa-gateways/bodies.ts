import type { Json, JsonObject } from "../../decide/json.ts";
import { isObject, optionalId, optionalObject } from "../claimed.ts";
import type { WireHeaders } from "../dialect.ts";
import { invalidAt } from "../sessions.ts";
import type { Held } from "./held-request.ts";

/**
 * Kong's `opa` plugin: `request.http`, `client_ip`, and what it is configured to add. The raw body is what the server gets; of the parsed one
 * Kong has already chosen between two members of one name.
 */
export function readKong(input: JsonObject): Held {
  const request = optionalObject(input.request, "/input/request") ?? {};
  const http = required(request.http, "/input/request/http");
  const consumer = optionalObject(input.consumer, "/input/consumer") ?? {};
  return {
    ...lineOf(http, "/input/request/http"),
    query: http.querystring ?? {},
    headers: headersOf(http.headers, "/input/request/http/headers"),
    body: kongBody(http),
    consumer: firstId([consumer.username, consumer.custom_id, consumer.id], "/input/consumer"),
    server: textOf(optionalObject(input.service, "/input/service")?.name),
    ip: textOf(input.client_ip),
  };
}

function kongBody({ body, body_size, parsed_body }: JsonObject): Held["body"] {
  if (typeof body === "string") {
    const bytes = Buffer.from(body);
    // Of another size it is not what the client sent: cut, or no UTF-8.
    const whole = body_size === undefined || body_size === bytes.length;
    return whole ? { kind: "text", bytes } : { kind: "unseen" };
  }
  return parsed_body === undefined || parsed_body === null ? { kind: "unseen" } : { kind: "json", value: parsed_body };
}

/** APISIX's `opa` plugin: the body is never sent. */
export function readApisix(input: JsonObject): Held {
  if (input.type !== "http") throw invalidAt("/input/type", 'must be "http"');
  const request = required(input.request, "/input/request");
  const consumer = optionalObject(input.consumer, "/input/consumer") ?? {};
  return {
    ...lineOf(request, "/input/request"),
    query: request.query ?? {},
    headers: headersOf(request.headers, "/input/request/headers"),
    body: { kind: "unseen" },
    consumer: firstId([consumer.username, consumer.consumer_name], "/input/consumer"),
    server: textOf(optionalObject(input.service, "/input/service")?.name),
    ip: textOf(optionalObject(input.var, "/input/var")?.remote_addr),
  };
}

/**
 * Higress's `opa` plugin: it asks when it has the headers, and once more when it has the body, which it sends in base64. `asksAgain` false:
 * the first answer may let the request go before the second is there, as in versions that return `ActionPause` for the headers.
 */
export function readHigress(input: JsonObject, asksAgain: boolean): Held {
  const request = required(input.request, "/input/request");
  const headers = headersOf(request.headers, "/input/request/headers");
  const { method, path } = lineOf(request, "/input/request");
  return {
    method,
    path: path.split("?", 1)[0] ?? "",
    query: request.query ?? {},
    headers,
    body: higressBody(request.body, headers, asksAgain),
    consumer: null,
    server: null,
    ip: null,
  };
}

function higressBody(body: Json | undefined, headers: WireHeaders, asksAgain: boolean): Held["body"] {
  if (body === undefined || body === null) return { kind: asksAgain && bodyFollows(headers) ? "later" : "unseen" };
  if (typeof body !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(body)) throw invalidAt("/input/request/body", "must be base64");
  return { kind: "text", bytes: Buffer.from(body, "base64") };
}

const jsonType = /^application\/json\s*(?:;|$)/i;

/** Higress reads no body that is encoded or of some types, and then asks no second time; nor does it when there is none. */
function bodyFollows(headers: WireHeaders): boolean {
  const { "content-length": length, "transfer-encoding": transfer, "content-encoding": encoding, "content-type": type } = headers;
  if (transfer !== undefined || encoding !== undefined) return false;
  return typeof length === "string" && /^[1-9]\d{0,8}$/.test(length) && typeof type === "string" && isJsonOnly(type);
}

function isJsonOnly(type: string): boolean {
  return jsonType.test(type) && !/octet-stream|grpc/i.test(type);
}

function lineOf({ method, path }: JsonObject, at: string): { readonly method: string; readonly path: string } {
  if (typeof method !== "string") throw invalidAt(`${at}/method`, "must be a text");
  if (typeof path !== "string") throw invalidAt(`${at}/path`, "must be a text");
  return { method, path };
}

const headersMax = 200;

/** As node:http gives them, of an object or of pairs; a header that was sent twice stays a list, so that it is noticed. */
function headersOf(value: Json | undefined, at: string): WireHeaders {
  const pairs = Array.isArray(value) ? value.map((pair: Json) => pairOf(pair, at)) : Object.entries(required(value, at));
  if (pairs.length > headersMax) throw invalidAt(at, `more than ${headersMax} headers`);
  const found = new Map<string, readonly string[]>();
  for (const [name, content] of pairs) {
    const key = name.toLowerCase();
    found.set(key, [...(found.get(key) ?? []), ...textsOf(content, at)]);
  }
  return Object.fromEntries([...found].map(([name, texts]) => [name, texts.length === 1 ? texts[0] : texts]));
}

function pairOf(pair: Json, at: string): [string, Json] {
  const [name, content] = Array.isArray(pair) ? (pair as Json[]) : [];
  if (typeof name !== "string" || content === undefined) throw invalidAt(at, "must be pairs of name and value");
  return [name, content];
}

/** Lua gives a header that was sent twice as a list, and one without a value as `true`. */
function textsOf(content: Json, at: string): readonly string[] {
  const list: readonly Json[] = Array.isArray(content) ? content : [content];
  return list.map((text) => {
    if (typeof text === "string") return text;
    if (text === true) return "";
    throw invalidAt(at, "holds what is no text");
  });
}

function required(value: Json | undefined, at: string): JsonObject {
  if (isObject(value)) return value;
  throw invalidAt(at, "must be an object");
}

function firstId(values: readonly (Json | undefined)[], at: string): string | null {
  return values.map((value) => optionalId(value, at)).find((id) => id !== null) ?? null;
}

function textOf(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}
