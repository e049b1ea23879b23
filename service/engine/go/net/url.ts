import { BuiltinError } from "../../builtins/builtin.ts";
import { parseAddress } from "./ip.ts";

/** A URL as Go's `net/url` takes it apart; texts are bytes, a character each (latin1), and "" where there is nothing. */
export interface GoUrl {
  readonly scheme: string;
  readonly opaque: string;
  /** `name` or `name:password`, escaped. */
  readonly user: string | undefined;
  readonly host: string;
  readonly path: string;
  /** The path as it was written, if its default escaping would be another. */
  readonly rawPath: string;
  readonly omitHost: boolean;
  readonly forceQuery: boolean;
  readonly rawQuery: string;
  readonly fragment: string;
  readonly rawFragment: string;
}

/** Characters that are escaped in each part. */
const plain = {
  path: /[^A-Za-z0-9\-_.~$&+,/:;=@]/g,
  user: /[^A-Za-z0-9\-_.~$&+,;=]/g,
  fragment: /[^A-Za-z0-9\-_.~$&+,/:;=?@!()*]/g,
  host: /[^A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]/g,
} as const;

function percentEncoded(text: string, special: RegExp): string {
  return text.replace(special, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

function fault(what: string): BuiltinError {
  return new BuiltinError(`invalid URL: ${what}`);
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})?/g, (_all, digits: string | undefined) => {
    if (digits === undefined) throw fault("`%` without two digits");
    return String.fromCharCode(Number.parseInt(digits, 16));
  });
}

/** Go's `url.Parse`, over bytes as latin1. Throws a {@link BuiltinError}. */
export function parseUrl(text: string): GoUrl {
  const [body, fragment] = cut(text, "#");
  if (/\p{Cc}/u.test(body.replace(/[\x80-\xff]/g, ""))) throw fault("control character");
  const url = body === "*" ? { ...empty, path: "*" } : parseBody(body);
  const plainFragment = percentDecoded(fragment);
  return { ...url, fragment: plainFragment, rawFragment: percentEncoded(plainFragment, plain.fragment) === fragment ? "" : fragment };
}

const empty: GoUrl = {
  scheme: "",
  opaque: "",
  user: undefined,
  host: "",
  path: "",
  rawPath: "",
  omitHost: false,
  forceQuery: false,
  rawQuery: "",
  fragment: "",
  rawFragment: "",
};

/** What is before and behind the first separator. */
function cut(text: string, at: string): readonly [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ""] : [text.slice(0, index), text.slice(index + 1)];
}

function parseBody(text: string): GoUrl {
  if (text.startsWith(":")) throw fault("no scheme before `:`");
  const name = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(text)?.[0] ?? "";
  const scheme = name.slice(0, -1).toLowerCase();
  const [rest, rawQuery] = cut(text.slice(name.length), "?");
  const forceQuery = rawQuery === "" && text.endsWith("?");
  const known = { ...empty, scheme, forceQuery, rawQuery };
  if (rest.startsWith("/")) return withPath(known, rest);
  if (scheme !== "") return { ...known, opaque: rest };
  if (cut(rest, "/")[0].includes(":")) throw fault("the first segment of a relative path has a colon");
  return withPath(known, rest);
}

function withPath(known: GoUrl, rest: string): GoUrl {
  const hasAuthority = rest.startsWith("//") && (known.scheme !== "" || !rest.startsWith("///"));
  if (!hasAuthority) return { ...known, ...pathOf(rest), omitHost: known.scheme !== "" && rest.startsWith("/") };
  const slash = rest.indexOf("/", 2);
  const stop = slash < 0 ? rest.length : slash;
  return { ...known, ...authorityOf(known.scheme, rest.slice(2, stop)), ...pathOf(rest.slice(stop)) };
}

function pathOf(text: string): Pick<GoUrl, "path" | "rawPath"> {
  const path = percentDecoded(text);
  return { path, rawPath: percentEncoded(path, plain.path) === text ? "" : text };
}

function authorityOf(scheme: string, text: string): Pick<GoUrl, "host" | "user"> {
  const at = text.lastIndexOf("@");
  const host = hostOf(scheme, text.slice(at + 1));
  return { host, user: at < 0 ? undefined : userOf(text.slice(0, at)) };
}

function userOf(text: string): string {
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(text)) throw fault("user");
  const [name, password] = cut(text, ":");
  const escaped = percentEncoded(percentDecoded(name), plain.user);
  return text.includes(":") ? `${escaped}:${percentEncoded(percentDecoded(password), plain.user)}` : escaped;
}

function hostOf(scheme: string, text: string): string {
  const bracket = text.lastIndexOf("[");
  if (bracket > 0) throw fault("IP literal");
  if (bracket === 0) return literalOf(text);
  // Other schemes may have a list of hosts with ports.
  const strict = scheme === "http" || scheme === "https";
  const colon = strict ? text.indexOf(":") : text.lastIndexOf(":");
  if (colon >= 0) checkPort(text.slice(colon));
  return unescapeHost(text);
}

function checkPort(text: string): void {
  if (!/^(?::\d*)?$/.test(text)) throw fault("port");
}

/** `[address]` or `[address%25zone]` with its port (RFC 6874). */
function literalOf(text: string): string {
  const close = text.lastIndexOf("]");
  if (close < 0) throw fault("no `]` in the host");
  checkPort(text.slice(close + 1));
  const inner = text.slice(1, close);
  const zoneAt = inner.indexOf("%25");
  const name = zoneAt < 0 ? unescapeHost(inner) : unescapeHost(inner.slice(0, zoneAt)) + unescapeZone(inner.slice(zoneAt));
  const address = parseAddress(name);
  if (address === undefined || address.bytes.length === 4) throw fault("IP literal");
  return `[${name}]${text.slice(close + 1)}`;
}

/** Only bytes that are not ASCII may be escaped in a host, and `%` itself. */
function unescapeHost(text: string): string {
  if (/%(?!25|[89A-Fa-f][0-9A-Fa-f])/.test(text)) throw fault("escape in the host");
  return percentDecoded(checkHost(text));
}

/** In a zone, what may stand in a host may be escaped, and `%` and spaces. */
function unescapeZone(text: string): string {
  const name = percentDecoded(checkHost(text));
  for (const [all] of text.matchAll(/%[0-9A-Fa-f]{2}/g)) {
    const character = percentDecoded(all);
    if (character !== "%" && character !== " " && percentEncoded(character, plain.host) !== character) throw fault("escape in the zone");
  }
  return name;
}

function checkHost(text: string): string {
  if (/[^\x80-\xff]/.test(text.replace(/[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"%]/g, ""))) throw fault("character in the host");
  return text;
}

/** Go's `URL.String`. */
export function urlText(url: GoUrl): string {
  const head = url.scheme === "" ? "" : `${url.scheme}:`;
  const query = url.forceQuery || url.rawQuery !== "" ? `?${url.rawQuery}` : "";
  const fragment = url.fragment === "" ? "" : `#${escapedOf(url.fragment, url.rawFragment, plain.fragment)}`;
  return head + (url.opaque === "" ? hierarchy(url) : url.opaque) + query + fragment;
}

function hierarchy(url: GoUrl): string {
  const { host, user } = url;
  const path = url.path === "*" && url.rawPath === "" ? "*" : escapedOf(url.path, url.rawPath, plain.path);
  const named = host !== "" || user !== undefined;
  const slashes = named || (url.scheme !== "" && !url.omitHost && path !== "") ? "//" : "";
  const before = slashes + (user === undefined ? "" : `${user}@`) + percentEncoded(host, plain.host);
  if (host !== "" && path !== "" && !path.startsWith("/")) return `${before}/${path}`;
  if (url.scheme === "" && before === "" && cut(path, "/")[0].includes(":")) return `./${path}`;
  return before + path;
}

/** The text as it was written, if that is a valid way to write it. */
function escapedOf(text: string, rawText: string, special: RegExp): string {
  const doubtful = rawText.replace(/[!$&'()*+,;=:@[\]%]/g, "");
  return rawText !== "" && percentEncoded(doubtful, special) === doubtful ? rawText : percentEncoded(text, special);
}
