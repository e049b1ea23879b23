import { BuiltinError } from "../../builtins/builtin.ts";

/** What a token is; `block-…` and `key` may stand for nothing in the text but its indentation. */
export type TokenKind =
  | "version"
  | "handle"
  | "document-start"
  | "document-end"
  | "stream-end"
  | "block-sequence"
  | "block-mapping"
  | "block-end"
  | "["
  | "]"
  | "{"
  | "}"
  | ","
  | "entry"
  | "key"
  | "value"
  | "alias"
  | "anchor"
  | "tag"
  | "scalar";

/** A token; what it has besides its kind depends on that. */
export interface Token {
  readonly kind: TokenKind;
  /** The text of a scalar, the name of an anchor, the handle of a tag. */
  readonly value?: string;
  /** The rest of a tag, or what a handle stands for. */
  readonly suffix?: string;
  /** A scalar without quotes and not a block. */
  readonly plain?: boolean;
}

/** A place where a key without `?` may have begun; there is one for each flow level. */
interface SimpleKey {
  readonly token: number;
  readonly required: boolean;
  readonly line: number;
  readonly column: number;
  readonly index: number;
}

/** A text on its way to tokens. */
export interface Scanner {
  readonly text: string;
  /** There are characters beyond U+FFFF: a column may be less than its offset. */
  readonly astral: boolean;
  at: number;
  line: number;
  column: number;
  /** Characters before `at`. */
  index: number;
  flowLevel: number;
  indent: number;
  readonly indents: number[];
  readonly keys: (SimpleKey | undefined)[];
  keyAllowed: boolean;
  readonly tokens: Token[];
}

/** Characters that a key without `?` may have. */
const keyLengthMax = 1024;

/** A scanner at the start of a text. */
export function newScanner(text: string): Scanner {
  return {
    text,
    astral: /[\ud800-\udfff]/.test(text),
    at: 0,
    line: 0,
    column: 0,
    index: 0,
    flowLevel: 0,
    indent: -1,
    indents: [],
    keys: [undefined],
    keyAllowed: true,
    tokens: [],
  };
}

/** Takes what a sticky pattern finds; it must not hold a line break. */
export function take(scanner: Scanner, pattern: RegExp): string {
  const { text, at } = scanner;
  skip(scanner, pattern);
  return at === scanner.at ? "" : text.slice(at, scanner.at);
}

/** Goes behind what a sticky pattern finds. */
export function skip(scanner: Scanner, pattern: RegExp): void {
  pattern.lastIndex = scanner.at;
  if (pattern.test(scanner.text)) move(scanner, pattern.lastIndex - scanner.at);
}

/** Goes on in the line. */
export function move(scanner: Scanner, length: number): void {
  const end = scanner.at + length;
  const characters = scanner.astral ? length - pairs(scanner.text, scanner.at, end) : length;
  scanner.at = end;
  scanner.column += characters;
  scanner.index += characters;
}

function pairs(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xd800) count++;
  return count;
}

/** Goes behind the line break that is there. */
export function skipBreak(scanner: Scanner): void {
  const length = scanner.text.startsWith("\r\n", scanner.at) ? 2 : 1;
  scanner.at += length;
  scanner.index += length;
  scanner.column = 0;
  scanner.line++;
}

/** Takes a line break; those of ASCII and U+0085 count as `\n`. */
export function takeBreak(scanner: Scanner): string {
  const character = scanner.text.charAt(scanner.at);
  skipBreak(scanner);
  return character === "\u2028" || character === "\u2029" ? character : "\n";
}

/** Remembers that a key may begin here. */
export function saveKey(scanner: Scanner): void {
  if (!scanner.keyAllowed) return;
  dropKey(scanner);
  const { tokens, line, column, index } = scanner;
  const required = scanner.flowLevel === 0 && scanner.indent === column;
  scanner.keys[scanner.keys.length - 1] = { token: tokens.length, required, line, column, index };
}

/** Forgets the key that may have begun; where the indentation demands a key, it has no `:` then. */
export function dropKey(scanner: Scanner): void {
  if (scanner.keys.at(-1)?.required === true) throw noColon();
  scanner.keys[scanner.keys.length - 1] = undefined;
}

/** Takes the key that ends here, unless it is too long or in another line. */
export function takeKey(scanner: Scanner): SimpleKey | undefined {
  const key = scanner.keys.at(-1);
  scanner.keys[scanner.keys.length - 1] = undefined;
  if (key === undefined || (key.line === scanner.line && key.index + keyLengthMax >= scanner.index)) return key;
  if (key.required) throw noColon();
  return undefined;
}

function noColon(): BuiltinError {
  return new BuiltinError("could not find expected ':'");
}

/** Opens a block collection where the indentation grows; its token comes at `place`. */
export function rollIndent(scanner: Scanner, column: number, kind: TokenKind, place: number): void {
  if (scanner.flowLevel > 0 || scanner.indent >= column) return;
  scanner.indents.push(scanner.indent);
  scanner.indent = column;
  scanner.tokens.splice(place, 0, { kind });
}

/** Closes the block collections that are indented more than a column. */
export function unrollIndent(scanner: Scanner, column: number): void {
  if (scanner.flowLevel > 0) return;
  while (scanner.indent > column) {
    scanner.tokens.push({ kind: "block-end" });
    scanner.indent = scanner.indents.pop() ?? -1;
  }
}

/** Whether `---` or `...` stands alone at the beginning of a line here. */
export function atDocumentMark(scanner: Scanner): boolean {
  documentMark.lastIndex = scanner.at;
  return scanner.column === 0 && documentMark.test(scanner.text);
}

const documentMark = /(?:---|\.\.\.)(?=[ \t\n\r\x85\u2028\u2029]|$)/y;
