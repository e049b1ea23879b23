import { createHash, createHmac } from "node:crypto";
import { toLower } from "../go/case.ts";
import { marshalJson } from "../go/json/marshal.ts";
import { type GoUrl, parseUrl, urlText } from "../go/net/url.ts";
import { bytesOf, textOf } from "../value/bytes.ts";
import { compare, objectOf, type RegoObject, type Value } from "../value/value.ts";
import { type BuiltinContext, BuiltinError, type Family } from "./builtin.ts";
import { booleanOf, intOf, objectOperand, stringOf } from "./operands.ts";

/** What a request to sign may say; most of it is for `http.send`. */
const requestKeys: ReadonlySet<Value> = new Set([
  "method",
  "url",
  "body",
  "enable_redirect",
  "force_json_decode",
  "force_yaml_decode",
  "headers",
  "raw_body",
  "tls_use_system_certs",
  "tls_ca_cert",
  "tls_ca_cert_file",
  "tls_ca_cert_env_variable",
  "tls_client_cert",
  "tls_client_cert_file",
  "tls_client_cert_env_variable",
  "tls_client_key",
  "tls_client_key_file",
  "tls_client_key_env_variable",
  "tls_insecure_skip_verify",
  "tls_server_name",
  "timeout",
  "cache",
  "force_cache",
  "force_cache_duration_seconds",
  "raise_error",
  "caching_mode",
  "max_retry_attempts",
  "cache_ignored_headers",
]);

/** Headers that a proxy may change are not signed. */
const unsigned: ReadonlySet<string> = new Set(["authorization", "user-agent", "x-amzn-trace-id"]);
/** Services that want the hash of the body in a header. */
const hashing: ReadonlySet<string> = new Set(["s3", "glacier"]);
/** Units for a request, for one character of its URL and one header of it, and bytes of the body that one unit hashes. */
const cost = { request: 10_000, character: 40, header: 200, bytesPerUnit: 4 } as const;

interface Request {
  readonly method: string;
  readonly url: GoUrl;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

interface Signer {
  readonly service: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly token: string;
  readonly hashBody: boolean;
}

/** The text, or an empty one for what is none: so OPA reads what it does not check. */
function textIn(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}

function requestOf(request: RegoObject): Request {
  const other = request.entries.find(([key]) => !requestKeys.has(key));
  if (other !== undefined) throw new BuiltinError("the request has a parameter that is not known");
  const headers = request.get("headers");
  const entries = headers === undefined ? [] : objectOperand(headers).entries;
  return {
    method: stringOf(request.get("method")),
    url: parseUrl(bytesOf(stringOf(request.get("url"))).toString("latin1")),
    headers: new Map(entries.map(([name, value]) => [textIn(name), textIn(value)] as const)),
    body: bodyOf(request),
  };
}

function bodyOf(request: RegoObject): Buffer {
  const [body, raw] = [request.get("body"), request.get("raw_body")];
  if (raw !== undefined) return bytesOf(textIn(raw));
  return body === undefined ? Buffer.alloc(0) : Buffer.from(marshalJson(body));
}

function signerOf(config: RegoObject): Signer {
  const unhashed = config.get("disable_payload_signing");
  return {
    service: stringOf(config.get("aws_service")),
    accessKey: stringOf(config.get("aws_access_key")),
    secretKey: stringOf(config.get("aws_secret_access_key")),
    region: stringOf(config.get("aws_region")),
    token: textIn(config.get("aws_session_token")),
    hashBody: unhashed === undefined || !booleanOf(unhashed),
  };
}

function sha256(text: string | Buffer): string {
  return createHash("sha256")
    .update(typeof text === "string" ? bytesOf(text) : text)
    .digest("hex");
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(bytesOf(text)).digest();
}

/** `20260102T030405Z`, from nanoseconds. */
function timeText(ns: bigint): string {
  const millisecond = ns >= 0n ? ns / 1_000_000n : (ns + 1n) / 1_000_000n - 1n;
  return new Date(Number(millisecond)).toISOString().replace(/[-:]|\.\d+/g, "");
}

/** A part of a URL, whose characters are bytes. */
function decoded(latin: string): string {
  return textOf(Buffer.from(latin, "latin1"));
}

/** Go's `URL.EscapedPath`: the text of a URL that has a path only. */
function escapedPath({ path, rawPath }: GoUrl): string {
  const bare = { opaque: "", user: undefined, host: "", forceQuery: false, rawQuery: "", fragment: "", rawFragment: "" };
  return decoded(urlText({ ...bare, scheme: "path", omitHost: true, path, rawPath }).slice("path:".length));
}

/** The headers that signing adds, without the signature itself. */
function addedHeaders({ url }: Request, signer: Signer, time: string, bodyHash: string): ReadonlyMap<string, string> {
  return new Map([
    ["host", decoded(url.host)],
    ["x-amz-date", time],
    ...(hashing.has(signer.service) ? ([["x-amz-content-sha256", bodyHash]] as const) : []),
    ...(signer.token === "" ? [] : ([["x-amz-security-token", signer.token]] as const)),
  ]);
}

/** The value of the `Authorization` header (AWS Signature Version 4). */
function authorization(request: Request, signer: Signer, added: ReadonlyMap<string, string>, time: string, bodyHash: string): string {
  const own = [...request.headers].map(([name, value]) => [toLower(name), value] as const).filter(([name]) => !unsigned.has(name));
  const signed = new Map([...added, ...own]);
  const names = [...signed.keys()].sort(compare);
  const { method, url } = request;
  const lines = names.map((name) => `${name}:${signed.get(name) ?? ""}\n`).join("");
  const canonical = [method, escapedPath(url), decoded(url.rawQuery), lines, names.join(";"), bodyHash].join("\n");
  const date = time.slice(0, 8);
  const scope = [date, signer.region, signer.service, "aws4_request"];
  const key = scope.reduce(hmac, bytesOf(`AWS4${signer.secretKey}`));
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope.join("/"), sha256(canonical)].join("\n")).toString("hex");
  return `AWS4-HMAC-SHA256 Credential=${[signer.accessKey, ...scope].join("/")},SignedHeaders=${names.join(";")},Signature=${signature}`;
}

function sign(operand: RegoObject, signer: Signer, ns: bigint, context: BuiltinContext): RegoObject {
  context.spend(cost.request + textIn(operand.get("url")).length * cost.character);
  const request = requestOf(operand);
  context.spend(request.headers.size * cost.header + request.body.length / cost.bytesPerUnit);
  const time = timeText(ns);
  const bodyHash = signer.hashBody ? sha256(request.body) : "UNSIGNED-PAYLOAD";
  const added = addedHeaders(request, signer, time, bodyHash);
  const proof = authorization(request, signer, added, time, bodyHash);
  const headers = objectOf([...new Map([...request.headers, ["Authorization", proof] as const, ...added])]);
  return objectOf([...operand.entries, ["headers", headers]]);
}

/** `providers.aws.sign_req`: the request with the headers of AWS Signature Version 4, for the given time. */
export const aws: Family = {
  "providers.aws.sign_req": ([request, config, ns], context) =>
    sign(objectOperand(request), signerOf(objectOperand(config)), intOf(ns), context),
};
