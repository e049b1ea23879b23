import { type BuiltinContext, BuiltinError } from "../builtin.ts";

/** A token of a template; the text of one that is a delimiter does not matter. */
export interface Token {
  readonly type:
    | "text"
    | "left"
    | "right"
    | "space"
    | "assign"
    | "declare"
    | "pipe"
    | "comma"
    | "character"
    | "string"
    | "constant"
    | "number"
    | "variable"
    | "field"
    | "dot"
    | "identifier"
    | "keyword"
    | "open"
    | "close"
    | "end";
  readonly text: string;
}

/** Units to read a token, now and when the template is parsed, and characters of text for a unit. */
const tokenUnits = 60;
const charactersPerUnit = 4;
/** Units for a character of a string with escapes. */
const escapeUnits = 15;

interface Lexer {
  readonly text: string;
  readonly context: BuiltinContext;
  readonly tokens: Token[];
  at: number;
  depth: number;
}

const keywords = new Set(["block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"]);

/** The tokens of a template in Go's `text/template`. */
export function tokensOf(text: string, context: BuiltinContext): readonly Token[] {
  context.spend(text.length / charactersPerUnit);
  const lexer: Lexer = { text, context, tokens: [], at: 0, depth: 0 };
  while (lexer.at < text.length) {
    readText(lexer);
    if (lexer.at < text.length) readDelimiter(lexer);
  }
  return [...lexer.tokens, { type: "end", text: "" }];
}

function emit(lexer: Lexer, type: Token["type"], text: string): void {
  const escaped = type === "string" && text.includes("\\");
  lexer.context.spend(tokenUnits + (escaped ? escapeUnits * text.length : text.length / charactersPerUnit));
  lexer.tokens.push({ type, text });
}

/** Text up to `{{`; `{{- ` cuts the white space off its end. */
function readText(lexer: Lexer): void {
  const found = lexer.text.indexOf("{{", lexer.at);
  const end = found === -1 ? lexer.text.length : found;
  const text = lexer.text.slice(lexer.at, end);
  const kept = trimsLeft(lexer.text, end + 2) ? trimmedEnd(text) : text;
  if (kept !== "") emit(lexer, "text", kept);
  lexer.at = end;
}

function trimsLeft(text: string, at: number): boolean {
  return text[at] === "-" && isSpace(text[at + 1]);
}

function isSpace(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\r" || character === "\n";
}

function trimmedEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1])) end--;
  return text.slice(0, end);
}

/** `{{` and all up to its `}}`. */
function readDelimiter(lexer: Lexer): void {
  lexer.at += trimsLeft(lexer.text, lexer.at + 2) ? 4 : 2;
  if (lexer.text.startsWith("/*", lexer.at)) {
    readComment(lexer);
    return;
  }
  emit(lexer, "left", "{{");
  lexer.depth = 0;
  while (!readRight(lexer)) readToken(lexer);
}

function readComment(lexer: Lexer): void {
  const end = lexer.text.indexOf("*/", lexer.at + 2);
  if (end === -1) throw new BuiltinError("unclosed comment in a template");
  lexer.at = end + 2;
  if (!closes(lexer)) throw new BuiltinError("a comment in a template ends before its `}}`");
}

/** Reads `}}`; after ` -}}` white space is left out. */
function closes(lexer: Lexer): boolean {
  const { text, at } = lexer;
  const trims = isSpace(text[at]) && text.startsWith("-}}", at + 1);
  if (!trims && !text.startsWith("}}", at)) return false;
  lexer.at += trims ? 4 : 2;
  if (trims) while (isSpace(text[lexer.at])) lexer.at++;
  return true;
}

function readRight(lexer: Lexer): boolean {
  if (!closes(lexer)) return false;
  if (lexer.depth > 0) throw new BuiltinError("unclosed `(` in a template");
  emit(lexer, "right", "}}");
  return true;
}

const numberPattern =
  /(?=[+-]|\.?\d)[+-]?(?:0[xX][\dA-Fa-f_]*(?:\.[\dA-Fa-f_]*)?(?:[pP][+-]?[\d_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)/y;

/** What may come in an action, and the type that it has; sticky, and each in one way only. */
const patterns: readonly (readonly [Token["type"], RegExp])[] = [
  // The last space may belong to ` -}}`.
  ["space", /[ \t\r\n]+?(?=[ \t\r\n]-\}\})|[ \t\r\n]+/y],
  ["field", /\.(?!\d)[\p{L}\p{Nd}_]*/uy],
  ["number", numberPattern],
  ["identifier", /[\p{L}\p{Nd}_]+/uy],
  ["variable", /\$[\p{L}\p{Nd}_]*/uy],
  ["string", /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|`[^`]*`/uy],
  ["constant", /'[^'\\\n]*(?:\\[^\n][^'\\\n]*)*'/uy],
  ["declare", /:=/y],
  ["assign", /=/y],
  ["pipe", /\|/y],
  ["comma", /,/y],
  ["open", /\(/y],
  ["close", /\)/y],
  ["character", /[!#%&*/;<>?@[\\\]^{}~-]/y],
];

const named: ReadonlySet<Token["type"]> = new Set(["field", "variable", "identifier"]);

function readToken(lexer: Lexer): void {
  for (const [type, pattern] of patterns) {
    pattern.lastIndex = lexer.at;
    const found = pattern.exec(lexer.text)?.[0];
    if (found === undefined) continue;
    lexer.at += found.length;
    check(lexer, type);
    emit(lexer, typeOf(type, found), found);
    return;
  }
  throw new BuiltinError(lexer.at < lexer.text.length ? "unexpected character in a template" : "unclosed action in a template");
}

function typeOf(type: Token["type"], text: string): Token["type"] {
  if (type === "field" && text === ".") return "dot";
  return type === "identifier" && keywords.has(text) ? "keyword" : type;
}

/** Parentheses come in pairs; behind a name, or a number, something else must begin. */
function check(lexer: Lexer, type: Token["type"]): void {
  if (type === "open") lexer.depth++;
  if (type === "close" && --lexer.depth < 0) throw new BuiltinError("unexpected `)` in a template");
  const behind = lexer.text.slice(lexer.at, lexer.at + 2);
  if (named.has(type) && !/^(?:$|[ \t\r\n.,|:()]|\}\})/.test(behind)) throw new BuiltinError("bad character behind a name in a template");
  if (type === "number" && /^[\p{L}\p{Nd}_+-]/u.test(behind)) throw new BuiltinError("bad or complex number in a template");
}
