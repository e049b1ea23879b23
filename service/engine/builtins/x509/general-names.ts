import { contextTag, type Der, enter, malformed, tags, takeAny, takeEach } from "../../go/asn1/der.ts";
import { type GoUrl, parseUrl } from "../../go/net/url.ts";
import { BuiltinError } from "../builtin.ts";
import { ia5Text } from "./name.ts";

/** Names of the kinds that Go knows (RFC 5280, 4.2.1.6). */
export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  /** 4 or 16 bytes each. */
  readonly ips: readonly Buffer[];
  readonly uris: readonly GoUrl[];
}

/** The tags of GeneralName. */
export const nameTags = { email: contextTag(1), dns: contextTag(2), uri: contextTag(6), ip: contextTag(7) } as const;

/** GeneralNames; other kinds are left out. Throws a {@link BuiltinError}. */
export function parseAlternativeNames(der: Der): AlternativeNames {
  const elements = takeEach(enter(der, tags.sequence, "alternative names"), takeAny);
  const of = (tag: number) => elements.flatMap((element) => (element.tag === tag ? [element.content] : []));
  return {
    dns: of(nameTags.dns).map((content) => ia5Text(content, "DNS name")),
    emails: of(nameTags.email).map((content) => ia5Text(content, "email address")),
    ips: of(nameTags.ip).map(ipOf),
    uris: of(nameTags.uri).map((content) => uriOf(ia5Text(content, "URI"))),
  };
}

function ipOf(content: Buffer): Buffer {
  if (content.length !== 4 && content.length !== 16) throw malformed("IP address");
  return content;
}

function uriOf(text: string): GoUrl {
  const url = parseUrl(text);
  if (!isDomain(url.host, false)) throw new BuiltinError("the host of a URI is not a domain name");
  return url;
}

/** Whether a text is a list of labels with dots between them, as loosely as Go takes it; a constraint may begin with a dot. */
export function isDomain(text: string, constraint: boolean): boolean {
  if (text === "") return true;
  const labels = constraint && text.startsWith(".") ? text.slice(1) : text;
  return labels !== "" && !labels.startsWith(".") && !labels.endsWith(".") && !labels.includes("..") && isPrintable(labels);
}

function isPrintable(text: string): boolean {
  return !/[^!-~]/.test(text);
}

/** An email address (RFC 2821, 4.1.2) with its local part unescaped. */
export interface Mailbox {
  readonly local: string;
  readonly domain: string;
}

/** Undefined when the text is no address. */
export function parseMailbox(text: string): Mailbox | undefined {
  const read = text.startsWith('"') ? quotedLocal(text) : plainLocal(text);
  if (read === undefined || text[read.next] !== "@") return undefined;
  const domain = text.slice(read.next + 1);
  return isDomain(domain, false) ? { local: read.local, domain } : undefined;
}

interface Local {
  readonly local: string;
  readonly next: number;
}

/** What may not be between quotes, and what not behind a backslash there. */
const notQuoted = "\0\t\n\r";
const notEscaped = "\0\n\r";

function quotedLocal(text: string): Local | undefined {
  const parts: string[] = [];
  for (let at = 1; at < text.length; at++) {
    if (text[at] === '"') return { local: parts.join(""), next: at + 1 };
    const escaped = text[at] === "\\";
    if (escaped) at++;
    const character = text[at];
    if (character === undefined || (escaped ? notEscaped : notQuoted).includes(character)) return undefined;
    parts.push(character);
  }
  return undefined;
}

const atom = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]$/;

/** Atoms with dots between them; a backslash lets any character in. */
function plainLocal(text: string): Local | undefined {
  const parts: string[] = [];
  let at = 0;
  for (; at < text.length; at++) {
    const escaped = text[at] === "\\";
    if (!escaped && !atom.test(text[at] ?? "")) break;
    if (escaped) at++;
    if (at === text.length) return undefined;
    parts.push(text[at] ?? "");
  }
  const local = parts.join("");
  const valid = local !== "" && !local.startsWith(".") && !local.endsWith(".") && !local.includes("..");
  return valid ? { local, next: at } : undefined;
}
