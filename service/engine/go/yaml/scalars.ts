import { BuiltinError } from "../../builtins/builtin.ts";
import { atDocumentMark, move, type Scanner, skip, skipBreak, take, takeBreak } from "./scanner.ts";
import { isBlank, isBlankOrEnd, isBreak } from "./text.ts";

const indentSpaces = / +/y;
const blanks = /[ \t]+/y;
const restOfLine = /[^\n\r\x85\u2028\u2029]+/y;

/** Line breaks between words: the first one, and the empty lines behind it. */
interface Fold {
  first: string;
  rest: string;
}

/** One line break is a space, more of them are one less; U+2028 and U+2029 stay. */
function folded({ first, rest }: Fold): string {
  if (first !== "\n") return first + rest;
  return rest === "" ? " " : rest;
}

/** Takes blanks and line breaks; `fold` collects the breaks, the blanks before the first break are returned. */
function takeGap(scanner: Scanner, fold: Fold | undefined, indent: number): { readonly blanks: string; readonly fold: Fold | undefined } {
  let before = "";
  let lines = fold;
  for (;;) {
    const found = take(scanner, blanks);
    if (lines === undefined) before += found;
    else if (found !== "" && tabBefore(scanner, found, indent)) throw new BuiltinError("found a tab character that violates indentation");
    if (!isBreak(scanner.text, scanner.at)) return { blanks: lines === undefined ? before : "", fold: lines };
    if (lines === undefined) lines = { first: takeBreak(scanner), rest: "" };
    else lines.rest += takeBreak(scanner);
  }
}

/** A tab left of the indentation. */
function tabBefore(scanner: Scanner, found: string, indent: number): boolean {
  return found.slice(0, Math.max(indent - (scanner.column - found.length), 0)).includes("\t");
}

const plainBlock = /[^ \t\n\r\x85\u2028\u2029:]+/y;
const plainFlow = /[^ \t\n\r\x85\u2028\u2029:,?[\]{}]+/y;

type Gap = ReturnType<typeof takeGap>;

function gapText({ blanks: before, fold }: Gap): string {
  return fold === undefined ? before : folded(fold);
}

/** A scalar without quotes. */
export function plainScalar(scanner: Scanner): string {
  const indent = scanner.indent + 1;
  const parts: string[] = [];
  let gap: Gap | undefined;
  while (!atDocumentMark(scanner) && scanner.text.charAt(scanner.at) !== "#") {
    const word = plainWord(scanner);
    if (word !== "") {
      parts.push(gap === undefined ? "" : gapText(gap), word);
      gap = undefined;
    }
    if (!isBlank(scanner.text, scanner.at) && !isBreak(scanner.text, scanner.at)) break;
    gap = takeGap(scanner, undefined, indent);
    if (scanner.flowLevel === 0 && scanner.column < indent) break;
  }
  // Only where the line ended may the next thing be a key.
  if (gap?.fold !== undefined) scanner.keyAllowed = true;
  return parts.join("");
}

function plainWord(scanner: Scanner): string {
  const characters = scanner.flowLevel > 0 ? plainFlow : plainBlock;
  const { text, at } = scanner;
  skip(scanner, characters);
  while (text.charCodeAt(scanner.at) === 0x3a && !isBlankOrEnd(text, scanner.at + 1)) {
    move(scanner, 1);
    skip(scanner, characters);
  }
  return text.slice(at, scanner.at);
}

const singleQuoted = /[^' \t\n\r\x85\u2028\u2029]+/y;
const doubleQuoted = /[^"\\ \t\n\r\x85\u2028\u2029]+/y;

/** A scalar in single or double quotes. */
export function quotedScalar(scanner: Scanner, quote: string): string {
  move(scanner, 1);
  const word = quote === "'" ? singleWord : doubleWord;
  const parts: string[] = [];
  for (;;) {
    if (atDocumentMark(scanner)) throw new BuiltinError("found unexpected document indicator");
    if (scanner.at >= scanner.text.length) throw new BuiltinError("found unexpected end of stream");
    const escapedBreak = word(scanner, parts);
    if (!escapedBreak && scanner.text.charAt(scanner.at) === quote) break;
    parts.push(gapText(takeGap(scanner, escapedBreak ? { first: "", rest: "" } : undefined, 0)));
  }
  move(scanner, 1);
  return parts.join("");
}

function singleWord(scanner: Scanner, parts: string[]): boolean {
  for (;;) {
    parts.push(take(scanner, singleQuoted));
    if (!scanner.text.startsWith("''", scanner.at)) return false;
    parts.push("'");
    move(scanner, 2);
  }
}

/** True when it ended with an escaped line break. */
function doubleWord(scanner: Scanner, parts: string[]): boolean {
  for (;;) {
    parts.push(take(scanner, doubleQuoted));
    if (scanner.text.charAt(scanner.at) !== "\\") return false;
    move(scanner, 1);
    if (isBreak(scanner.text, scanner.at)) {
      skipBreak(scanner);
      return true;
    }
    parts.push(escaped(scanner));
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["0", "\0"],
  ["a", "\u0007"],
  ["b", "\b"],
  ["t", "\t"],
  ["\t", "\t"],
  ["n", "\n"],
  ["v", "\v"],
  ["f", "\f"],
  ["r", "\r"],
  ["e", "\u001b"],
  [" ", " "],
  ['"', '"'],
  ["'", "'"],
  ["\\", "\\"],
  ["N", "\u0085"],
  ["_", "\u00a0"],
  ["L", "\u2028"],
  ["P", "\u2029"],
]);
const escapeCode = /x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}/y;

function escaped(scanner: Scanner): string {
  const short = escapes.get(scanner.text.charAt(scanner.at));
  if (short !== undefined) {
    move(scanner, 1);
    return short;
  }
  const code = Number.parseInt(take(scanner, escapeCode).slice(1), 16);
  if (Number.isNaN(code)) throw new BuiltinError("found unknown escape character");
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) throw new BuiltinError("found invalid Unicode character escape code");
  return String.fromCodePoint(code);
}

const blockHeader = /[|>](?:([+-])([0-9]?)|([0-9])([+-]?))?[ \t]*(?:#[^\n\r\x85\u2028\u2029]*)?(?=[\n\r\x85\u2028\u2029]|$)/y;

/** A literal (`|`) or folded (`>`) block. */
export function blockScalar(scanner: Scanner): string {
  blockHeader.lastIndex = scanner.at;
  const header = blockHeader.exec(scanner.text);
  if (header === null) throw new BuiltinError("did not find expected comment or line break");
  const [whole, chompFirst, digitBehind, digitFirst, chompBehind] = header;
  const increment = digitBehind || digitFirst || "";
  if (increment === "0") throw new BuiltinError("found an indentation indicator equal to 0");
  move(scanner, whole.length);
  if (scanner.at < scanner.text.length) skipBreak(scanner);
  const given = increment === "" ? 0 : Math.max(scanner.indent, 0) + Number(increment);
  return blockLines(scanner, whole.startsWith("|"), chompFirst || chompBehind || "", given);
}

function blockLines(scanner: Scanner, literal: boolean, chomp: string, given: number): string {
  const parts: string[] = [];
  let { breaks, indent } = takeEmptyLines(scanner, given);
  let ended = "";
  let indented = false;
  while (scanner.column === indent && scanner.at < scanner.text.length) {
    const more = isBlank(scanner.text, scanner.at);
    const fold = !literal && !indented && !more && ended === "\n";
    if (!fold) parts.push(ended);
    else if (breaks === "") parts.push(" ");
    parts.push(breaks, take(scanner, restOfLine));
    indented = more;
    ended = scanner.at < scanner.text.length ? takeBreak(scanner) : "";
    breaks = takeEmptyLines(scanner, indent).breaks;
  }
  if (chomp !== "-") parts.push(ended);
  if (chomp === "+") parts.push(breaks);
  return parts.join("");
}

/** Takes indentation and empty lines; an indentation of 0 is not known yet, and is what the longest of them has. */
function takeEmptyLines(scanner: Scanner, given: number): { readonly breaks: string; readonly indent: number } {
  let breaks = "";
  let longest = 0;
  for (;;) {
    takeSpaces(scanner, given);
    longest = Math.max(longest, scanner.column);
    if ((given === 0 || scanner.column < given) && scanner.text.charAt(scanner.at) === "\t")
      throw new BuiltinError("found a tab character where an indentation space is expected");
    if (!isBreak(scanner.text, scanner.at)) break;
    breaks += takeBreak(scanner);
  }
  return { breaks, indent: given === 0 ? Math.max(longest, scanner.indent + 1, 1) : given };
}

function takeSpaces(scanner: Scanner, given: number): void {
  indentSpaces.lastIndex = scanner.at;
  const found = indentSpaces.exec(scanner.text)?.[0].length ?? 0;
  move(scanner, given === 0 ? found : Math.min(found, Math.max(given - scanner.column, 0)));
}
