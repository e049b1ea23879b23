import { Buffer } from "node:buffer";
import { parseAddress } from "../../go/net/ip.ts";
import { type GoUrl, parseUrl, urlText } from "../../go/net/url.ts";
import { bytesOf, textOf } from "../../value/bytes.ts";
import { quote } from "../../value/write.ts";
import { BuiltinError } from "../builtin.ts";
import { SchemaError } from "./document.ts";

/** A reference to a schema: its URL without the fragment, and the JSON pointer that the fragment may be. */
export interface Reference {
  readonly url: GoUrl;
  /** The whole reference; where it leads is known by this. */
  readonly text: string;
}

/** Reads a reference; fails with Go's message when it is no URL. */
export function referenceOf(text: string): Reference {
  const bytes = bytesOf(text).toString("latin1");
  try {
    const url = parseUrl(bytes);
    return { url, text: textOfBytes(urlText(url)) };
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error;
    throw new SchemaError(problemOf(bytes), { cause: error });
  }
}

/** The text of bytes that are a character each, as in a URL. */
export function textOfBytes(bytes: string): string {
  return textOf(Buffer.from(bytes, "latin1"));
}

/** The reference as it is meant inside of another one, whose fragment does not count. */
export function inherit(base: Reference, reference: Reference): Reference {
  return referenceOf(textOfBytes(urlText(resolve({ ...base.url, fragment: "" }, reference.url))));
}

/** The reference without its fragment. */
export function withoutFragment({ url }: Reference): Reference {
  const bare = { ...url, fragment: "" };
  return { url: bare, text: textOfBytes(urlText(bare)) };
}

/** Go's `URL.ResolveReference` (RFC 3986, section 5.2). */
function resolve(base: GoUrl, reference: GoUrl): GoUrl {
  const scheme = reference.scheme || base.scheme;
  if (reference.scheme !== "" || reference.host !== "" || reference.user !== undefined)
    return { ...reference, scheme, ...pathOf(resolvePath(escapedPath(reference), "")) };
  const bare = { ...reference, scheme, user: undefined, host: "", path: "", rawPath: "" };
  if (reference.opaque !== "") return bare;
  const inherits = reference.path === "" && !reference.forceQuery && reference.rawQuery === "";
  const rawQuery = inherits ? base.rawQuery : reference.rawQuery;
  if (reference.path === "" && base.opaque !== "") return { ...bare, rawQuery, opaque: base.opaque };
  const path = pathOf(resolvePath(escapedPath(base), escapedPath(reference)));
  return { ...reference, scheme, rawQuery, host: base.host, user: base.user, ...path };
}

const noUrl = parseUrl("");

/** The path as it stands in the URL's text. */
function escapedPath({ path, rawPath }: GoUrl): string {
  return urlText({ ...noUrl, scheme: "x", omitHost: true, path, rawPath }).slice("x:".length);
}

function pathOf(escaped: string): Pick<GoUrl, "path" | "rawPath"> {
  const { path, rawPath } = parseUrl(`x://y${escaped}`);
  return { path, rawPath };
}

function resolvePath(base: string, reference: string): string {
  const full = reference === "" ? base : reference.startsWith("/") ? reference : base.slice(0, base.lastIndexOf("/") + 1) + reference;
  if (full === "") return "";
  const parts = full.split("/");
  const segments: string[] = [];
  for (const part of parts) addSegment(segments, part);
  const end = parts.at(-1) === "." || parts.at(-1) === ".." ? "/" : "";
  const path = segments.join("/") + end;
  return path.startsWith("/") ? path : `/${path}`;
}

/** Go remembers that there was a dot at the start, and forgets an empty start that is left. */
function addSegment(segments: string[], part: string): void {
  if (part === "..") {
    segments.pop();
    if (segments.length === 1 && segments[0] === "") segments.pop();
  } else if (part !== ".") segments.push(part);
  else if (segments.length === 0) segments.push("");
}

/** Why Go's `url.Parse` refuses these bytes, in its words. */
function problemOf(bytes: string): string {
  const [body = "", ...fragment] = bytes.split("#");
  const problem = bodyProblem(body);
  if (problem !== undefined) return `parse ${quoted(body)}: ${problem}`;
  return `parse ${quoted(bytes)}: ${tokenProblem(fragment.join("#"), "")}`;
}

function quoted(bytes: string): string {
  return quote(textOfBytes(bytes));
}

function bodyProblem(body: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are the problem.
  if (/[\0-\x1f\x7f]/.test(body)) return "net/url: invalid control character in URL";
  if (body.startsWith(":")) return "missing protocol scheme";
  const [scheme = ""] = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(body) ?? [];
  const rest = body.slice(scheme.length).split("?")[0] ?? "";
  if (!rest.startsWith("/") && scheme !== "") return undefined;
  if (/^[^/]+:/.test(rest)) return "first path segment in URL cannot contain colon";
  const hasHost = rest.startsWith("//") && (scheme !== "" || !rest.startsWith("///"));
  const [authority = ""] = hasHost ? rest.slice(2).split("/", 1) : [];
  const path = hasHost ? rest.slice(2 + authority.length) : rest;
  return authorityProblem(scheme.toLowerCase(), authority) ?? tokenProblem(path, "");
}

function authorityProblem(scheme: string, authority: string): string | undefined {
  const at = authority.lastIndexOf("@");
  const problem = hostProblem(scheme, authority.slice(at + 1));
  if (problem !== undefined || at < 0) return problem;
  const user = authority.slice(0, at);
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) return "net/url: invalid userinfo";
  const [name = ""] = user.split(":", 1);
  return tokenProblem(name, "") ?? tokenProblem(user.slice(name.length), "");
}

function hostProblem(scheme: string, host: string): string | undefined {
  const open = host.lastIndexOf("[");
  if (open > 0) return "invalid IP-literal";
  if (open === 0) return literalProblem(host);
  const colon = scheme === "http:" || scheme === "https:" ? host.indexOf(":") : host.lastIndexOf(":");
  return (colon < 0 ? undefined : portProblem(host.slice(colon))) ?? tokenProblem(host, hostBytes);
}

function portProblem(port: string): string | undefined {
  return /^(?::[0-9]*)?$/.test(port) ? undefined : `invalid port ${quoted(port)} after host`;
}

function literalProblem(host: string): string | undefined {
  const close = host.lastIndexOf("]");
  if (close < 0) return "missing ']' in host";
  const name = host.slice(1, close);
  const problem = portProblem(host.slice(close + 1)) ?? tokenProblem(name, hostBytes);
  if (problem !== undefined) return problem;
  const text = name.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  const address = parseAddress(text);
  if (address === undefined) return `invalid host: ParseAddr(${quoted(text)}): unable to parse IP`;
  return address.bytes.length === 4 ? "invalid IP-literal" : undefined;
}

/** What may stand in a host besides letters, digits and bytes that are not ASCII. */
const hostBytes = "-_.~!$&'()*+,;=:[]<>\"";

/** The first escape or, in a host, the first byte that must not be there. */
function tokenProblem(bytes: string, allowed: string): string | undefined {
  for (const [token] of bytes.matchAll(/%.{0,2}|[^%]/gs)) {
    const inHost = allowed !== "";
    if (!token.startsWith("%")) {
      if (inHost && !/[A-Za-z0-9\x80-\xff]/.test(token) && !allowed.includes(token))
        return `invalid character ${quoted(token)} in host name`;
    } else if (!/^%[0-9A-Fa-f]{2}$/.test(token) || (inHost && /^%(?!25)[0-7]/.test(token))) return `invalid URL escape ${quoted(token)}`;
  }
  return undefined;
}
