import { BuiltinError } from "../builtin.ts";
import { type CommentGroup, deeper, type InvalidDocument } from "./ast.ts";
import { type Token, tokenAt, unexpected } from "./lexer.ts";

/** Where a parser is in a document. */
export interface Cursor {
  readonly text: string;
  /** The token that comes next. */
  token: Token;
  /** The comments between the token before and the next one. */
  comments: CommentGroup | undefined;
  tokens: number;
  depth: number;
}

/** How many tokens a document may have; OPA has no such bound. */
const tokensMax = 1_000_000;

/** A cursor before the first token of a document. */
export function cursorOf(text: string): Cursor {
  const cursor: Cursor = { text, token: { kind: "", value: "", start: 0, end: 0 }, comments: undefined, tokens: 0, depth: 0 };
  next(cursor);
  return cursor;
}

/** Takes the next token, whatever it is. */
export function next(cursor: Cursor): Token {
  const taken = cursor.token;
  const list: { readonly value: string }[] = [];
  let token = step(cursor, taken.end);
  while (token.kind === "Comment") {
    list.push({ value: token.value });
    token = step(cursor, token.end);
  }
  cursor.token = token;
  cursor.comments = list.length === 0 ? undefined : { list };
  return taken;
}

function step(cursor: Cursor, at: number): Token {
  cursor.tokens++;
  if (cursor.tokens > tokensMax) throw new BuiltinError(`a GraphQL document has more than ${tokensMax} tokens`);
  return tokenAt(cursor.text, at);
}

/** The error that the next token is. */
export function refused(cursor: Cursor): InvalidDocument {
  const { kind, value, start } = cursor.token;
  const what = kind === "EOF" ? "the end of the document" : `\`${(value === "" ? kind : value).slice(0, 64)}\``;
  return unexpected(cursor.text, start, what);
}

/** Takes a token of a kind if it comes next. */
export function skip(cursor: Cursor, kind: string): boolean {
  const found = cursor.token.kind === kind;
  if (found) next(cursor);
  return found;
}

/** Takes the token of a kind that must come next. */
export function expect(cursor: Cursor, kind: string): Token {
  if (cursor.token.kind !== kind) throw refused(cursor);
  return next(cursor);
}

/** Takes the word that must come next. */
export function expectKeyword(cursor: Cursor, keyword: string): void {
  if (cursor.token.value !== keyword) throw refused(cursor);
  expect(cursor, "Name");
}

/** Takes the name that must come next. */
export function parseName(cursor: Cursor): string {
  return expect(cursor, "Name").value;
}

/** One node. */
export type Parse<T> = (cursor: Cursor) => T;

/** The nodes between two brackets; `comments` are those before the closing one. */
export interface Block<T> {
  readonly items: readonly T[];
  readonly comments: CommentGroup | undefined;
}

/** What stands between brackets, nothing when there are none; with brackets, at least one node must be there. */
export function some<T>(cursor: Cursor, open: string, close: string, parse: Parse<T>): Block<T> {
  const block = many(cursor, open, close, parse);
  if (block?.items.length === 0) throw refused(cursor);
  return block ?? { items: [], comments: undefined };
}

/** What stands between brackets, undefined when there are none. */
export function many<T>(cursor: Cursor, open: string, close: string, parse: Parse<T>): Block<T> | undefined {
  if (!skip(cursor, open)) return undefined;
  const items: T[] = [];
  cursor.depth = deeper(cursor.depth);
  while (cursor.token.kind !== close) items.push(parse(cursor));
  cursor.depth--;
  const { comments } = cursor;
  next(cursor);
  return { items, comments };
}

/** One node after the other, with a separator that may also stand before the first one. */
export function separated<T>(cursor: Cursor, separator: string, parse: Parse<T>): readonly T[] {
  skip(cursor, separator);
  const items = [parse(cursor)];
  while (skip(cursor, separator)) items.push(parse(cursor));
  return items;
}
