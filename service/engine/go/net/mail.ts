import { parseIp } from "./ip.ts";

/** A text that is read from `at` on. */
interface Reader {
  readonly text: string;
  at: number;
}

const blanks = /[ \t]*/y;
/** RFC 5322's atext with dots, and all characters that are not ASCII (RFC 6532). */
const atoms = /[!#-'*+\-./0-9=?A-Z^_`a-z{|}~\u0080-\uffff]+/y;
const quotedString = /"[ \t!#-[\]-~\u0080-\uffff]*(?:\\[ \t!-~\u0080-\uffff][ \t!#-[\]-~\u0080-\uffff]*)*"/y;
const domainLiteral = /\[([!-Z^-~\u0080-\uffff]*)\]/y;

/** Whether Go's `mail.ParseAddress` takes a text for one address (RFC 5322). */
export function isMailAddress(text: string): boolean {
  const reader = { text, at: 0 };
  return addresses(reader, true) === 1 && skipComments(reader) && reader.at === text.length;
}

function take(reader: Reader, pattern: RegExp): string {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0] ?? "";
  reader.at += found.length;
  return found;
}

function skip(reader: Reader, character: string): boolean {
  if (reader.text.charAt(reader.at) !== character) return false;
  reader.at++;
  return true;
}

/** Reads an address, or a group of them; how many there were, or undefined when it is neither. */
function addresses(reader: Reader, groups: boolean): number | undefined {
  take(reader, blanks);
  const start = reader.at;
  if (isAddrSpec(reader)) {
    take(reader, blanks);
    return isDisplayComment(reader) ? 1 : undefined;
  }
  reader.at = start;
  if (reader.text.charAt(start) !== "<" && !isPhrase(reader)) return undefined;
  take(reader, blanks);
  if (groups && skip(reader, ":")) return group(reader);
  return skip(reader, "<") && isAddrSpec(reader) && skip(reader, ">") ? 1 : undefined;
}

function group(reader: Reader): number | undefined {
  take(reader, blanks);
  if (skip(reader, ";")) return skipComments(reader) ? 0 : undefined;
  for (let count = 1; ; count++) {
    if (addresses(reader, false) === undefined || !skipComments(reader)) return undefined;
    if (skip(reader, ";")) return skipComments(reader) ? count : undefined;
    if (!skip(reader, ",")) return undefined;
  }
}

function isAddrSpec(reader: Reader): boolean {
  take(reader, blanks);
  const local = reader.text.charAt(reader.at) === '"' ? take(reader, quotedString).length > 2 : isDotAtom(take(reader, atoms));
  if (!local || !skip(reader, "@")) return false;
  take(reader, blanks);
  if (reader.text.charAt(reader.at) !== "[") return isDotAtom(take(reader, atoms));
  return parseIp(take(reader, domainLiteral).slice(1, -1)) !== undefined;
}

function isDotAtom(atom: string): boolean {
  return atom !== "" && !atom.startsWith(".") && !atom.endsWith(".") && !atom.includes("..");
}

/** Words with comments between them; what stops it is left for later, unless there was no word at all. */
function isPhrase(reader: Reader): boolean {
  let words = 0;
  let encoded = 0;
  for (;;) {
    if (words > 0 && !skipComments(reader)) return false;
    take(reader, blanks);
    if (reader.at === reader.text.length) return true;
    const length = word(reader);
    if (length === "none") return words + encoded > 0;
    if (length === undefined) words++;
    else encoded += length;
  }
}

/** Reads a word: undefined for a plain one, bytes for one of RFC 2047, and `none` where there is none that can be read. */
function word(reader: Reader): number | "none" | undefined {
  const quoted = reader.text.charAt(reader.at) === '"';
  const found = take(reader, quoted ? quotedString : atoms);
  if (found === "") return "none";
  const length = quoted ? undefined : encodedLength(found);
  return length === "unknown" ? "none" : length;
}

/** A comment behind an address is its name: the charsets of its words must be known. */
function isDisplayComment(reader: Reader): boolean {
  const start = reader.at;
  if (!skip(reader, "(")) return true;
  if (!skipComment(reader)) return false;
  const comment = reader.text.slice(start + 1, reader.at - 1).replace(/\\([\s\S])/g, "$1");
  return comment.split(/[ \t]+/).every((part) => encodedLength(part) !== "unknown");
}

function skipComments(reader: Reader): boolean {
  take(reader, blanks);
  while (skip(reader, "(")) {
    if (!skipComment(reader)) return false;
    take(reader, blanks);
  }
  return true;
}

const commentText = /[^()\\]+/y;

/** Goes behind the comment that is open. */
function skipComment(reader: Reader): boolean {
  for (let depth = 1; depth > 0; ) {
    take(reader, commentText);
    if (reader.at >= reader.text.length) return false;
    const character = reader.text.charAt(reader.at++);
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else reader.at++;
  }
  return reader.at <= reader.text.length;
}

const encodedWord = /^=\?([^?]+)\?([^?])\?([^?]*)\?=$/;
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const quotedPrintable = /^(?:[ -<>-~]|=[0-9A-Fa-f]{2})*$/;

/** Bytes of a word of RFC 2047; undefined when it is none, and `unknown` when only its charset is not known. */
function encodedLength(text: string): number | "unknown" | undefined {
  const [matched, charset = "", encoding = "", content = ""] = encodedWord.exec(text) ?? [];
  if (matched === undefined) return undefined;
  const valid = /^[bB]$/.test(encoding) ? base64.test(content) : /^[qQ]$/.test(encoding) && quotedPrintable.test(content);
  if (!valid) return undefined;
  return /^(?:utf-8|iso-8859-1|us-ascii)$/i.test(charset) ? content.length : "unknown";
}
