import { Buffer } from "node:buffer";

/** A PEM block (RFC 7468, with headers as in RFC 1421); texts have a character for each byte. */
export interface PemBlock {
  readonly type: string;
  readonly bytes: Buffer;
}

/** The bytes of padded standard base64 (RFC 4648), line breaks anywhere; undefined when it is not. */
export function base64Bytes(text: string): Buffer | undefined {
  const digits = text.replace(/[\r\n]/g, "");
  const padding = digits.endsWith("==") ? 2 : Number(digits.endsWith("="));
  if (digits.length % 4 !== 0 || /[^A-Za-z0-9+/]/.test(digits.slice(0, digits.length - padding))) return undefined;
  return Buffer.from(digits, "base64");
}

const begin = "-----BEGIN ";
const end = "\n-----END ";
const dashes = "-----";

/** What is known of a block while it is read; places count from the start of `rest`. */
interface Candidate {
  /** Undefined when its line does not end as it must. */
  readonly type: string | undefined;
  readonly rest: string;
  /** Where the line of the end begins, with the line break before it; below 0 it is before `rest`. */
  readonly endAt: number;
  readonly headers: boolean;
}

/** Go's `pem.Decode`: the first block that is well formed, and the text behind it; undefined when there is none. */
export function decodePem(text: string): { readonly block: PemBlock; readonly rest: string } | undefined {
  let left = text;
  let skip = 0;
  while (skip >= 0 && skip <= left.length) {
    left = left.slice(skip);
    const endAt = left.indexOf(end);
    if (endAt < 0) return undefined;
    skip = endAt + end.length;
    const beginAt = left.lastIndexOf(begin, endAt);
    if (beginAt < 0 || (beginAt > 0 && left[beginAt - 1] !== "\n")) continue;
    const candidate = candidateAt(left.slice(beginAt + begin.length), endAt - beginAt - begin.length);
    if (candidate === "nothing left") return undefined;
    left = candidate.rest;
    skip = candidate.endAt + end.length;
    const block = blockOf(candidate);
    if (block !== undefined) return { block, rest: lineOf(left.slice(candidate.endAt + end.length - 1)).rest };
  }
  return undefined;
}

/** Reads the line of the beginning and the headers, which are lines with a colon. */
function candidateAt(text: string, endAt: number): Candidate | "nothing left" {
  const first = lineOf(text);
  const type = first.line.endsWith(dashes) ? first.line.slice(0, -dashes.length) : undefined;
  let at = first.size;
  if (type === undefined) return { type, rest: text.slice(at), endAt: endAt - at, headers: false };
  for (;;) {
    if (at === text.length) return "nothing left";
    const lineEnd = text.indexOf("\n", at);
    const next = lineEnd < 0 ? text.length : lineEnd + 1;
    if (!text.slice(at, next).includes(":")) break;
    at = next;
  }
  return { type, rest: text.slice(at), endAt: endAt - at, headers: at > first.size };
}

/** The block, if its end fits its beginning and its content is base64. */
function blockOf({ type, rest, endAt, headers }: Candidate): PemBlock | undefined {
  if (type === undefined || (headers && endAt < 0)) return undefined;
  const trailer = rest.slice(endAt + end.length);
  if (!trailer.startsWith(type + dashes)) return undefined;
  if (lineOf(trailer.slice(type.length + dashes.length)).line !== "") return undefined;
  const bytes = base64Bytes(rest.slice(0, Math.max(endAt, 0)).replace(/[ \t]/g, ""));
  return bytes === undefined ? undefined : { type, bytes };
}

/** The first line without the blanks at its end, what is behind it, and how many characters it took. */
function lineOf(text: string): { readonly line: string; readonly rest: string; readonly size: number } {
  const at = text.indexOf("\n");
  const size = at < 0 ? text.length : at + 1;
  const stop = at > 0 && text[at - 1] === "\r" ? at - 1 : at < 0 ? size : at;
  return { line: withoutBlanks(text.slice(0, stop)), rest: text.slice(size), size };
}

function withoutBlanks(line: string): string {
  let stop = line.length;
  while (stop > 0 && (line[stop - 1] === " " || line[stop - 1] === "\t")) stop--;
  return line.slice(0, stop);
}
