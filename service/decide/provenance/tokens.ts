import { Effort } from "./effort.ts";
import { foldedForm, isAscii, looseForms } from "./folding.ts";
import { lately } from "./lately.ts";
import { readAccount, readIban } from "./numbers.ts";
import { hostLikeness, hostsInside, looseHosts, readAddress, strictDomain, type WebAddress } from "./web-address.ts";
import { trimEnd } from "./words.ts";

/** A value in a text that names a destination by its form. */
export interface Token {
  readonly kind: "url" | "email" | "iban" | "account";
  /** As it was written. */
  readonly text: string;
  /** One spelling for all that mean the same. */
  readonly strict: string;
  /** False for a host name that is perhaps a file (`report.md`) or the end of a sentence (`done.So`). */
  readonly sure: boolean;
  readonly address: WebAddress | null;
}

export interface Scan {
  readonly tokens: readonly Token[];
  /** What is left of the text, with a mark in place of each sure token. */
  readonly rest: string;
  /** There were too many: `rest` holds others. The same is true when the effort is spent. */
  readonly partial: boolean;
}

/** Stand for an e-mail address, and for any other token, in what is left of a text. They are white space, and not let in from outside. */
export const emailMark = "\u2029";
const otherMark = "\u2028";
export const tokenMarks = /[\u2028\u2029]/g;

const schemes = String.raw`(?:[a-z][a-z0-9+.-]{1,30}:\/\/|(?:https?|wss?|ftp|file|javascript|vbscript|blob):[\\/]*|data:(?=[a-z]+\/))`;
const url = new RegExp(String.raw`(?<![a-z0-9+.-])${schemes}[^\s"<>\x60]+`, "gi");
const tail = /(?::\d{1,5})?(?:[\\/?#][^\s"<>`]*)?/y;

/** The patterns of names, for texts with ASCII only (fast) and for all others. No quantifier stands inside another one that could share its work. */
function namePatterns(letter: string, flags: string) {
  const local = String.raw`${letter}!#$&'*/=?^_{|}~%+.\-`;
  return {
    email: new RegExp(String.raw`(?<![${local}])([${local}]{1,64})@([${letter}.\-]{1,255})`, flags),
    run: new RegExp(String.raw`[${letter}_.\-]+`, flags),
  };
}

const ascii = namePatterns("A-Za-z0-9", "g");
const unicode = namePatterns(String.raw`\p{L}\p{N}\p{M}\u3002\uff0e\uff61`, "gu");

/** Finds URLs, host names, e-mail addresses, IBANs and other long account numbers in a text. Linear in the length of the text. */
export function scan(text: string, effort = new Effort(Number.POSITIVE_INFINITY)): Scan {
  const found = new Tokens(effort);
  const patterns = isAscii(text) ? ascii : unicode;
  let rest = text.replace(tokenMarks, " ");
  if (rest.includes(":")) rest = take(rest, url, (match) => found.add(readUrl(match[0])), found);
  if (rest.includes("@")) rest = take(rest, patterns.email, (match) => found.add(readEmail(match)), found, { mark: emailMark, step: 0 });
  if (dot.test(rest)) rest = take(rest, patterns.run, (match, whole) => found.add(readHost(match[0], match.index, whole)), found);
  if (/\d/.test(rest)) rest = takeNumbers(rest, found);
  return { tokens: found.list, rest, partial: found.isFull };
}

/** The same, with its latest answers for short texts kept. */
export const scanShort = lately((text) => scan(text));

const dot = /[.\u3002\uff0e\uff61]/;

interface Found {
  readonly token: Token;
  /** Characters before the token that belong to the match, and all that are used up, from the start of the match. */
  readonly used: number;
}

const [tokensMax, matchUnits, tokenUnits] = [2048, 3, 20];

/** What was found, while there is room for it and effort left. */
class Tokens {
  readonly list: Token[] = [];
  readonly #effort: Effort;

  constructor(effort: Effort) {
    this.#effort = effort;
  }

  get isFull(): boolean {
    return this.list.length >= tokensMax;
  }

  /** Whether another match may be looked at. */
  next(): boolean {
    return !this.isFull && this.#effort.spend(matchUnits);
  }

  add(found: Found | null): number {
    if (found === null) return 0;
    this.#effort.spend(tokenUnits);
    this.list.push(found.token);
    return found.token.sure ? found.used : 0;
  }
}

const other = { mark: otherMark, step: 0 };

type Read = (match: RegExpExecArray, text: string) => number;

/** Replaces what `read` uses of each match. Unused characters are looked at again only where a pattern may begin anew, so this stays linear. */
function take(text: string, pattern: RegExp, read: Read, found: Tokens, { mark, step } = other): string {
  let [rest, from] = ["", 0];
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null && found.next(); match = pattern.exec(text)) {
    const used = read(match, text);
    if (used > 0) {
      rest += text.slice(from, match.index) + mark;
      from = match.index + used;
      pattern.lastIndex = from;
    } else if (step > 0) pattern.lastIndex = match.index + step;
  }
  return from === 0 ? text : rest + text.slice(from);
}

function takeNumbers(text: string, found: Tokens): string {
  const folded = foldedForm(text);
  const number =
    (kind: "iban" | "account", read: (match: string) => { strict: string; used: number } | null) => (match: RegExpExecArray) => {
      const number = read(match[0]);
      if (number === null) return 0;
      const token: Token = { kind, text: match[0].slice(0, number.used), strict: number.strict, sure: true, address: null };
      return found.add({ token, used: number.used });
    };
  const withoutIbans = take(folded, iban, number("iban", readIban), found, { mark: otherMark, step: 4 });
  return take(withoutIbans, account, number("account", readAccount), found, { mark: otherMark, step: 1 });
}

const iban = /(?<![a-z0-9])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,40}/g;
const account = /(?<![a-z0-9.,+])\+?[0-9(][0-9 ()-]{5,30}[0-9](?![a-z0-9]|[.,][0-9])/g;

function readUrl(match: string): Found {
  const list = match.search(/[,;|](?=[a-z]{2,6}:\/\/)/i);
  const text = trimAddress(list > 0 ? match.slice(0, list) : match);
  const address = readAddress(text, true);
  return { token: { kind: "url", text, strict: address.strict, sure: true, address }, used: text.length };
}

const brackets = [
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
] as const;

/** Signs at the end belong to the sentence around it; a bracket too, unless it was opened within. */
function trimAddress(text: string): string {
  let signs = ".,;:!?'*_…";
  for (const [open, close] of brackets) if (!text.includes(open)) signs += close;
  return trimEnd(text, signs);
}

const leadingSigns = /^['*{|/~=#!&$?^.]+/;

function readEmail(match: RegExpExecArray): Found | null {
  const [whole, written = "", after = ""] = match;
  const local = written.replace(leadingSigns, "");
  const domain = trimEnd(after, ".-");
  if (local === "" || !/[^.-][.\u3002\uff0e\uff61][^.]/.test(domain)) return null;
  const used = whole.length - after.length + domain.length;
  const strict = `${foldedForm(local)}@${strictDomain(domain)}`;
  return { token: { kind: "email", text: `${local}@${domain}`, strict, sure: true, address: null }, used };
}

const leadingDots = /^[.-]+/;

// `www.example.com.They wrote`: a sentence begins where a space was forgotten.
const gluedSentence = /\.[A-Z][a-z]*$/;

function nameIn(run: string): string {
  const name = trimEnd(run.replace(leadingDots, ""), ".-");
  return hostLikeness(name) === null ? name.replace(gluedSentence, "") : name;
}

function readHost(run: string, index: number, text: string): Found | null {
  if (!dot.test(run)) return null;
  const name = nameIn(run);
  const likeness = hostLikeness(name);
  if (likeness === null) return null;
  tail.lastIndex = index + run.length;
  const start = run.length - run.replace(leadingDots, "").length;
  const after = start + name.length === run.length ? trimAddress(tail.exec(text)?.[0] ?? "") : "";
  const address = readAddress(name + after, false);
  const sure = likeness === "sure" || after.length > 1 || /^www\./i.test(name);
  return { token: { kind: "url", text: name + after, strict: address.strict, sure, address }, used: start + name.length + after.length };
}

/** Skeletons of a token that stand for exactly this value. */
export function looseValues(token: Token): string[] {
  return token.address === null ? [...looseForms(token.text)] : looseAddresses(token.address, token.text);
}

function looseAddresses(address: WebAddress, text: string): string[] {
  if (address.host === null) return [...looseForms(text)];
  const names = [...looseForms(address.host + address.path + address.query)];
  if (address.query !== "" && address.path !== "") names.push(...looseForms(address.host + address.path));
  return names;
}

/** Skeletons of the host of a token and of its parents: whoever is seen at a host may have any address there (`eve+1@evil.com`). */
export function looseParties(token: Token): string[] {
  if (token.kind === "email") return looseHosts(token.strict.slice(token.strict.lastIndexOf("@") + 1));
  return token.address?.host ? looseHosts(token.address.host) : [];
}

/** Skeletons of hosts inside a URL that are not its own host; `null` when there are too many. */
export function loosePassengers(token: Token): string[] | null {
  if (token.address === null) return [];
  const { address, text } = token;
  return hostsInside(address.party === null ? text : address.path + address.query + fragment(text));
}

function fragment(text: string): string {
  const at = text.indexOf("#");
  return at < 0 ? "" : text.slice(at);
}
