import { type BuiltinContext, BuiltinError } from "../../builtins/builtin.ts";
import { blockScalar, plainScalar, quotedScalar } from "./scalars.ts";
import {
  atDocumentMark,
  dropKey,
  move,
  newScanner,
  rollIndent,
  type Scanner,
  saveKey,
  skipBreak,
  type Token,
  type TokenKind,
  take,
  takeKey,
  unrollIndent,
} from "./scanner.ts";
import { anchor, directive, tag } from "./tags.ts";
import { isBlank, isBlankOrEnd, isBreak } from "./text.ts";

const unitsPerCharacter = 5;
/** With its part in the node that comes of it. */
const unitsPerToken = 60;

/** The tokens of a YAML 1.1 stream as libyaml, and so Go's yaml, scans it; fails where it does. */
export function tokensOf(text: string, context: BuiltinContext): readonly Token[] {
  context.spend(text.length * unitsPerCharacter);
  const scanner = newScanner(text);
  while (next(scanner)) context.spend(unitsPerToken);
  return scanner.tokens;
}

const spaces = / +/y;
const blanks = /[ \t]+/y;
/** Between comments there may be tabs where there may be none otherwise, but not far. */
const comments = /#[^\n\r\x85\u2028\u2029]*(?:[\n\r][ \t\n\r]{0,510}#[^\n\r\x85\u2028\u2029]*)*/y;
const commentInLine = /[ \t]{0,511}#[^\n\r\x85\u2028\u2029]*/y;

function next(scanner: Scanner): boolean {
  skipToToken(scanner);
  unrollIndent(scanner, scanner.column);
  if (scanner.at >= scanner.text.length) {
    endBlocks(scanner);
    scanner.tokens.push({ kind: "stream-end" });
    return false;
  }
  if (scanner.column === 0 && scanner.text.charAt(scanner.at) === "%") {
    endBlocks(scanner);
    scanner.tokens.push(directive(scanner));
  } else if (atDocumentMark(scanner)) documentMark(scanner);
  else content(scanner);
  return true;
}

function skipToToken(scanner: Scanner): void {
  for (;;) {
    take(scanner, scanner.flowLevel > 0 || !scanner.keyAllowed ? blanks : spaces);
    skipComments(scanner);
    if (!isBreak(scanner.text, scanner.at)) return;
    skipBreak(scanner);
    if (scanner.flowLevel === 0) scanner.keyAllowed = true;
  }
}

/** Nothing but a line break or the end can follow, so only the place in the text matters, and how far from a key it is. */
function skipComments(scanner: Scanner): void {
  const found = take(scanner, comments);
  if (/[\n\r]/.test(found)) scanner.line++;
}

function endBlocks(scanner: Scanner): void {
  unrollIndent(scanner, -1);
  dropKey(scanner);
  scanner.keyAllowed = false;
}

function documentMark(scanner: Scanner): void {
  endBlocks(scanner);
  scanner.tokens.push({ kind: scanner.text.charAt(scanner.at) === "-" ? "document-start" : "document-end" });
  move(scanner, 3);
}

function content(scanner: Scanner): void {
  const fetch = fetchers.get(scanner.text.charAt(scanner.at));
  if (fetch?.(scanner) === true) return;
  if (!startsPlain(scanner)) throw new BuiltinError("found character that cannot start any token");
  scalar(scanner, true, () => plainScalar(scanner));
}

function startsPlain({ text, at, flowLevel }: Scanner): boolean {
  const character = text.charAt(at);
  if (character === "-") return !isBlank(text, at + 1);
  if (character === "?" || character === ":") return flowLevel === 0 && !isBlankOrEnd(text, at + 1);
  return !isBlankOrEnd(text, at) && !",[]{}#&*!|>'\"%@`".includes(character);
}

/** Takes what it can make of the character; false when it must be a plain scalar. */
type Fetch = (scanner: Scanner) => boolean;

const fetchers: ReadonlyMap<string, Fetch> = new Map<string, Fetch>([
  ["[", (scanner) => openFlow(scanner, "[")],
  ["{", (scanner) => openFlow(scanner, "{")],
  ["]", (scanner) => closeFlow(scanner, "]")],
  ["}", (scanner) => closeFlow(scanner, "}")],
  [",", (scanner) => indicator(scanner, ",", true)],
  ["-", entry],
  ["?", key],
  [":", value],
  ["*", (scanner) => property(scanner, () => ({ kind: "alias", value: anchor(scanner) }))],
  ["&", (scanner) => property(scanner, () => ({ kind: "anchor", value: anchor(scanner) }))],
  ["!", (scanner) => property(scanner, () => tag(scanner))],
  ["|", block],
  [">", block],
  ["'", (scanner) => scalar(scanner, false, () => quotedScalar(scanner, "'"))],
  ['"', (scanner) => scalar(scanner, false, () => quotedScalar(scanner, '"'))],
]);

/** An indicator of one character. */
function indicator(scanner: Scanner, kind: TokenKind, keyAllowed: boolean): boolean {
  dropKey(scanner);
  return push(scanner, kind, keyAllowed);
}

function push(scanner: Scanner, kind: TokenKind, keyAllowed: boolean): boolean {
  scanner.keyAllowed = keyAllowed;
  move(scanner, 1);
  scanner.tokens.push({ kind });
  return true;
}

/** Go's yaml lets flow collections and blocks be nested so deep. */
const nestingMax = 10_000;

function openFlow(scanner: Scanner, kind: TokenKind): boolean {
  saveKey(scanner);
  scanner.keys.push(undefined);
  scanner.flowLevel++;
  if (scanner.flowLevel > nestingMax) throw tooDeep();
  return push(scanner, kind, true);
}

function closeFlow(scanner: Scanner, kind: TokenKind): boolean {
  dropKey(scanner);
  if (scanner.flowLevel > 0) {
    scanner.flowLevel--;
    scanner.keys.pop();
  }
  return push(scanner, kind, false);
}

function open(scanner: Scanner, kind: TokenKind, column: number, place: number): void {
  rollIndent(scanner, column, kind, place);
  if (scanner.indents.length > nestingMax) throw tooDeep();
}

function tooDeep(): BuiltinError {
  return new BuiltinError(`exceeded max depth of ${nestingMax}`);
}

function entry(scanner: Scanner): boolean {
  if (!isBlankOrEnd(scanner.text, scanner.at + 1)) return false;
  if (scanner.flowLevel === 0) {
    if (!scanner.keyAllowed) throw new BuiltinError("block sequence entries are not allowed in this context");
    open(scanner, "block-sequence", scanner.column, scanner.tokens.length);
  }
  return indicator(scanner, "entry", true);
}

function key(scanner: Scanner): boolean {
  if (scanner.flowLevel > 0) return indicator(scanner, "key", false);
  if (!isBlankOrEnd(scanner.text, scanner.at + 1)) return false;
  if (!scanner.keyAllowed) throw new BuiltinError("mapping keys are not allowed in this context");
  open(scanner, "block-mapping", scanner.column, scanner.tokens.length);
  indicator(scanner, "key", true);
  take(scanner, commentInLine);
  return true;
}

function value(scanner: Scanner): boolean {
  if (scanner.flowLevel === 0 && !isBlankOrEnd(scanner.text, scanner.at + 1)) return false;
  const simple = takeKey(scanner);
  if (simple !== undefined) {
    scanner.tokens.splice(simple.token, 0, { kind: "key" });
    open(scanner, "block-mapping", simple.column, simple.token);
    return push(scanner, "value", false);
  }
  if (scanner.flowLevel > 0) return push(scanner, "value", false);
  if (!scanner.keyAllowed) throw new BuiltinError("mapping values are not allowed in this context");
  open(scanner, "block-mapping", scanner.column, scanner.tokens.length);
  push(scanner, "value", true);
  take(scanner, commentInLine);
  return true;
}

/** An anchor, an alias or a tag. */
function property(scanner: Scanner, scan: () => Token): boolean {
  saveKey(scanner);
  scanner.keyAllowed = false;
  scanner.tokens.push(scan());
  return true;
}

function scalar(scanner: Scanner, plain: boolean, scan: () => string): boolean {
  return property(scanner, () => ({ kind: "scalar", value: scan(), plain }));
}

function block(scanner: Scanner): boolean {
  if (scanner.flowLevel > 0) return false;
  dropKey(scanner);
  scanner.keyAllowed = true;
  scanner.tokens.push({ kind: "scalar", value: blockScalar(scanner), plain: false });
  return true;
}
