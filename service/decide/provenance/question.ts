import type { Json } from "../json.ts";
import { amountsOf } from "./amounts.ts";
import { boundedStart, looseForms, wideText } from "./folding.ts";
import { lately } from "./lately.ts";
import { limits, nameOf } from "./names.ts";
import { emailMark, looseParties, loosePassengers, looseValues, scan, scanShort, type Token, tokenMarks } from "./tokens.ts";
import type { WebAddress } from "./web-address.ts";
import { strictWords } from "./words.ts";

/** What is asked about one part of an argument. Each list holds names; `wide` ones are evidence of untrusted content only. */
export type Part =
  | { readonly kind: "value"; readonly exact: string; readonly wide: readonly string[] }
  /** `pages`: its host, the pages above it and itself; none when it is not certain where it leads. `close`: untrusted evidence that outweighs them. */
  | {
      readonly kind: "url";
      readonly exact: string;
      readonly pages: readonly string[];
      readonly close: readonly string[];
      readonly wide: readonly string[];
    }
  | { readonly kind: "phrase"; readonly exact: readonly string[]; readonly words: readonly WordNames[]; readonly wide: readonly string[] }
  | { readonly kind: "amount"; readonly exact: readonly string[]; readonly wide: readonly string[] };

/** A word by itself: whether it is known, and whether untrusted content has it. */
export interface WordNames {
  readonly exact: string;
  readonly wide: readonly string[];
}

/** What is asked about an argument. */
export interface Question {
  readonly parts: readonly Part[];
  /** Skeletons of the whole, however it is divided. */
  readonly wide: readonly string[];
  /** The argument is too large to be looked at as a whole. */
  readonly partial: boolean;
}

const noQuestion: Question = { parts: [], wide: [], partial: false };
/** Found nowhere. */
const nothing: Part = { kind: "phrase", exact: [], words: [], wide: [] };
const [charactersMax, partsMax, allWordsMax] = [8192, 64, 512];

/** What to ask about a value: of each text, number and truth value in it. Nothing is asked about a value that is too large. */
export function questionOf(value: Json): Question {
  const question = ofValue(value, 0);
  const words = question.parts.reduce((sum, part) => sum + (part.kind === "phrase" ? part.words.length : 1), 0);
  return question.partial || question.parts.length > partsMax || words > allWordsMax ? { ...noQuestion, partial: true } : question;
}

function ofValue(value: Json, depth: number): Question {
  if (typeof value === "string") return ofText(value);
  if (typeof value === "number") return { ...noQuestion, parts: [ofNumber(value)] };
  if (typeof value === "boolean") return { ...noQuestion, parts: [ofPhrase([String(value)])] };
  if (value === null) return noQuestion;
  if (depth >= limits.depthMax) return { ...noQuestion, partial: true };
  const children: readonly Json[] = Array.isArray(value) ? value : Object.values(value);
  if (children.length > partsMax) return { ...noQuestion, partial: true };
  const asked = [...children.map((child) => ofValue(child, depth + 1)), ...(Array.isArray(value) ? [] : keysOf(value))];
  const partial = asked.some((each) => each.partial);
  // An empty list among others is a value that nobody vouches for.
  const parts = asked.flatMap((each) => (each.parts.length === 0 ? [nothing] : each.parts));
  return { parts, wide: asked.flatMap((each) => each.wide), partial: partial || parts.length > partsMax };
}

const ofText = lately(readText);

function readText(text: string): Question {
  const part = boundedStart(text, charactersMax);
  const amounts = amountsOf(part);
  if (amounts.length > 0 && !accountNumber.test(part)) {
    return { ...noQuestion, parts: [{ kind: "amount", exact: amounts.map(nameOf.amount), wide: amounts.map(nameOf.untrustedAmount) }] };
  }
  const { tokens, rest } = scanShort(part);
  if (tokens.length > partsMax) return { ...noQuestion, partial: true };
  const parts = [...tokens.filter((token) => token.sure).map(ofToken), ...leftOver(rest)];
  const partial = part.length < text.length || parts.includes(tooLarge) || parts.length > partsMax;
  return { parts, wide: [...wholeNames(part, rest), ...wideNames(part, tokens)], partial };
}

/** Keys are structure, unless they are addresses or numbers (`{"eve@example.com": "editor"}`). */
function keysOf(value: object): Question[] {
  return Object.keys(value)
    .filter((key) => scan(key).tokens.some((token) => token.sure))
    .map(ofText);
}

const accountNumber = /^\s*\d{8,}\s*$/;

function ofNumber(value: number): Part {
  const amount = String(value);
  return { kind: "amount", exact: [nameOf.amount(amount)], wide: [nameOf.untrustedAmount(amount.replace("-", ""))] };
}

function ofToken(token: Token): Part {
  const [exact, parties] = [nameOf.value(token.strict), untrusted(looseParties(token))];
  const values = untrusted(looseValues(token));
  const { address } = token;
  if (address === null) return { kind: "value", exact, wide: [...values, ...parties] };
  const passengers = loosePassengers(token);
  const pages = passengers === null ? [] : pagesOf(address);
  const plain = address.path === "" && address.query === "" && !token.text.includes("#");
  const close = [...(plain ? [] : [...values, ...untrusted(pathsAbove(address.host ?? "", address.path))]), ...untrusted(passengers ?? [])];
  return { kind: "url", exact, pages, close, wide: [...values, ...parties] };
}

const segmentsMax = 8;
/** Ways that a server may read as leading up again: an escaped slash, backslash or percent sign, and dots with a parameter (`/..;/`). */
const wanders = /%(?:2f|5c|25)|\/\.{1,2}(?:;|%3b)/i;

function pagesOf({ party, path }: WebAddress): string[] {
  if (party === null) return [];
  const segments = wanders.test(path) ? [] : path.split("/").slice(1, 1 + segmentsMax);
  return [party, ...segments.map((_, i) => `${party}/${segments.slice(0, i + 1).join("/")}`)].map(nameOf.value);
}

/** Skeletons of the page and of what is above it: what lies below a page that untrusted content named is untrusted as well. */
function pathsAbove(host: string, path: string): string[] {
  const segments = path.split("/").slice(1, 1 + segmentsMax);
  return segments.flatMap((_, i) => looseForms(`${host}/${segments.slice(0, i + 1).join("/")}`));
}

const listSign = /[,;\n\r]/;
const label = /^[\s\p{L}]{0,32}:\s*$/u;
// More than punctuation: signs at the end of a URL would be sent with it.
const manySigns = /^[!-/:-@[-`{-~]{4}/;
const noSigns = /[^!-/:-@[-^`{-~\s]/;

/** Parts for what stands around the values: labels (`IBAN:`) and names before an e-mail `<address>` say nothing, anything else is judged too. */
function leftOver(rest: string): Part[] {
  const [pieces, marks] = [rest.split(tokenMarks), rest.match(tokenMarks) ?? []];
  if (pieces.length === 1) return phrases(rest);
  return pieces.flatMap((piece, i) => {
    const last = i === pieces.length - 1;
    // Of a list, only what directly precedes the value can be its label.
    const items = piece.split(listSign);
    const before = last ? "" : (items.at(-1) ?? "");
    const wrapped = marks[i] === emailMark && /<\s*$/.test(before) && /^\s*>/.test(pieces[i + 1] ?? "");
    const own = wrapped || label.test(before) ? items.slice(0, -1) : items;
    const glued = (i > 0 && (manySigns.test(piece) || isGlued(piece.split(border)[0]))) || (!last && isGlued(piece.split(border).at(-1)));
    return [...own.filter((item) => noSigns.test(item)).flatMap(phrases), ...(glued ? [nothing] : [])];
  });
}

const border = /[\s,;:=|<>()[\]{}"']/;

/** Text that adjoins a value makes another value of it. */
function isGlued(text = ""): boolean {
  return noSigns.test(text);
}

const wordsMax = 64;
/** Stands for a phrase of more words than are looked at. */
const tooLarge: Part = { kind: "phrase", exact: [], words: [], wide: [] };

function phrases(text: string): Part[] {
  const words = strictWords(text);
  if (words.length === 0) return [];
  return words.length > wordsMax ? [ofPhrase(words.slice(0, wordsMax)), tooLarge] : [ofPhrase(words)];
}

/** One word must be known itself, of several each two neighbours. */
function ofPhrase(words: readonly string[]): Part {
  const pairs = words.slice(1).map((word, i) => [words[i] ?? "", word] as const);
  const exact = pairs.length === 0 ? words.map(nameOf.word) : pairs.map(([first, second]) => nameOf.pair(first, second));
  const single = words.map((word) => ({ exact: nameOf.word(word), wide: untrusted(looseForms(word)) }));
  return { kind: "phrase", exact, words: single, wide: untrusted(pairs.flatMap(([first, second]) => looseForms(first + second))) };
}

const scheme = /^[\s"'<]*(?:h[tx]{2}ps?|mailto|tel)[\s:/\\]*(?:www\.)?/i;

/** The whole text, with and without what may stand before an address, and each item of a list: signs and white space hide nothing. */
function wholeNames(text: string, rest: string): string[] {
  const items = listSign.test(rest) ? text.split(listSign).slice(0, wordsMax) : [];
  const bare = text.replace(scheme, "");
  return untrusted([text, ...(bare === text ? [] : [bare]), ...items].flatMap(looseForms));
}

/** What a text says when it is read with an effort to understand it. */
function wideNames(text: string, found: readonly Token[]): string[] {
  const wide = wideText(text);
  const readings = [...(wide === text ? [] : [wide]), ...(/[\t\n\r]/.test(text) ? [text.replace(/[\t\n\r]/g, "")] : [])];
  const tokens = [...readings.flatMap((reading) => scan(reading).tokens), ...found.filter((token) => !token.sure)];
  const names = tokens.flatMap((token) => [...looseValues(token), ...looseParties(token), ...(loosePassengers(token) ?? [])]);
  return untrusted([...names, ...(wide === text ? [] : looseForms(wide))]);
}

function untrusted(forms: readonly string[]): string[] {
  return forms.filter((form) => form !== "").map(nameOf.untrusted);
}
