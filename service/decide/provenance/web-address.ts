import { looseForms } from "./folding.ts";
import { unicodeLabel } from "./punycode.ts";
import { isTopLevelDomain } from "./top-level-domains.ts";

/** Where a URL or a bare host name leads. */
export interface WebAddress {
  /** One spelling for all that lead to the same place: no scheme for HTTP, no `www.`, default port, fragment or last slash. */
  readonly strict: string;
  /** Host and, when it is not the default one, port; `null` when it is not certain who would be contacted. */
  readonly party: string | null;
  /** Host name as WHATWG reads it; `null` when it cannot. */
  readonly host: string | null;
  /** The path and query, without a last slash: empty when only a host is named. */
  readonly path: string;
  readonly query: string;
}

const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i;
const oddSigns = /[\\\s\p{Default_Ignorable_Code_Point}]/u;
const http = /^https?:$/;

/** Reads a URL with a scheme, or a host name with or without port and path. Total: what cannot be read has no party, and equals only itself. */
export function readAddress(text: string, hasScheme: boolean): WebAddress {
  const url = parse(hasScheme ? text : `http://${text}`);
  if (url === null) return { strict: text, party: null, host: null, path: "", query: "" };
  const host = url.hostname === "" ? null : plainHost(url.hostname);
  const path = unreserved(url.pathname).replace(/\/$/, "");
  const query = unreserved(url.search);
  const written = hasScheme ? authority.exec(text)?.[1] : "";
  // Clients do not agree on whom these contact: user information, backslashes, white space, invisible characters, `https:host`.
  const odd = host === null || written === undefined || written.includes("@") || oddSigns.test(text);
  if (odd) return { strict: text, party: null, host, path, query };
  const party = url.port === "" || url.port === "80" || url.port === "443" ? host : `${host}:${url.port}`;
  if (http.test(url.protocol)) return { strict: party + path + query, party, host, path, query };
  return { strict: `${url.protocol}//${party}${path}${query}`, party: null, host, path, query };
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** `www.` and the dot of the root say nothing about whose host it is. */
function plainHost(host: string): string {
  const bare = host.endsWith(".") ? host.slice(0, -1) : host;
  return bare.startsWith("www.") && bare.includes(".", 4) ? bare.slice(4) : bare;
}

const escaped = /%[0-9a-f]{2}/gi;
const unreservedSign = /[A-Za-z0-9._~-]/;

/** Percent-encoding that means nothing is taken away (RFC 3986 section 6.2.2.2). */
function unreserved(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(escaped, (code) => {
    const sign = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return unreservedSign.test(sign) ? sign : code.toUpperCase();
  });
}

const plainDomain = /^[A-Za-z0-9.-]*[A-Za-z]$/;

/** The domain of an e-mail address in strict form: as a URL would have it, in lower case. */
export function strictDomain(domain: string): string {
  if (plainDomain.test(domain)) return domain.toLowerCase();
  const url = parse(`http://${domain}`);
  return url === null || url.hostname === "" ? domain.toLowerCase() : url.hostname;
}

const labelsMax = 10;
const numeric = /^[0-9]+$/;

/** Skeletons of a host and of its parents down to two labels: `a.evil.com` and `evil.com`. */
export function looseHosts(host: string): string[] {
  const labels = host.split(".");
  if (host.startsWith("[") || numeric.test(labels.at(-1) ?? "")) return [...looseForms(host)];
  const shown = labels.map(unicodeLabel).slice(-labelsMax);
  const names = labels.length > labelsMax ? [...looseForms(host)] : [];
  for (let from = 0; from === 0 || from < shown.length - 1; from += 1) names.push(...looseForms(shown.slice(from).join(".")));
  return names;
}

// Endings of files that are top-level domains too, and short words that start a sentence after a forgotten space.
const fileEndings = new Set("md py sh rs pl pm ps so tf ml mm cc vi ms mk st ai am in ac zip mov java".split(" "));
const sentenceWords = new Set("Am As At Be Do Here In Is It Me My New No Now So To Us You".split(" "));

/**
 * Whether a dotted name is a host name: `sure`, or perhaps (`report.md`, `done.So`), or not at all (`null`: `e.g`, `readme.txt`).
 */
export function hostLikeness(name: string): "sure" | "perhaps" | null {
  const labels = name.split(/[.\u3002\uff0e\uff61]/);
  const ending = labels.at(-1) ?? "";
  if (labels.length < 2 || labels.some((label) => label === "" || label.length > 63)) return null;
  if (labels.length === 4 && labels.every((label) => numeric.test(label)))
    return labels.every((label) => Number(label) < 256) ? "sure" : null;
  const lower = ending.toLowerCase();
  if (/[\u0080-\uffff]/.test(lower)) return /\p{L}/u.test(lower) ? "sure" : null;
  if (!isTopLevelDomain(lower)) return null;
  return sentenceWords.has(ending) || (fileEndings.has(lower) && labels.length === 2) ? "perhaps" : "sure";
}

const hostRun = /[\p{L}\p{N}.-]+/gu;
const insideMax = 64;

/**
 * Skeletons of the hosts that stand anywhere inside a URL (`?next=http://evil.com`, `https://good.com@evil.com`), percent-encoding resolved;
 * `null` when there are too many of them to look at.
 */
export function hostsInside(text: string): string[] | null {
  const plain = text.includes("%") ? plainText(plainText(text)) : text;
  const found = new Set<string>();
  for (const { 0: run, index } of plain.matchAll(hostRun)) {
    const name = run.replace(/^[.-]+/, "").replace(/[.-]$/, "");
    const before = plain.slice(Math.max(0, index - 2), index);
    const announced = before === "//" || before === "\\\\" || before.endsWith("@");
    if (hostLikeness(name) === "sure" || (announced && name.includes("."))) found.add(name.toLowerCase());
    if (found.size > insideMax) return null;
  }
  return [...found].flatMap(looseHosts);
}

function plainText(text: string): string {
  return text.replace(escaped, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}
