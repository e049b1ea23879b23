import { BuiltinError } from "../../builtins/builtin.ts";
import { fillMapping, type Node, newMapping, type Pair, scalar } from "./node.ts";
import type { Token, TokenKind } from "./scanner.ts";

interface Parser {
  readonly tokens: readonly Token[];
  at: number;
  depth: number;
  readonly anchors: Map<string, Node>;
  handles: ReadonlyMap<string, string>;
}

/** The nesting that the stack holds; Go's is 10,000, but nothing that is meant to be read is nested so deep. */
const depthMax = 500;

/** A value that is nested deeper than this engine reads: whether OPA would take it is not known then. */
export class TooDeep extends BuiltinError {}

/** Fails where a depth is too much. */
export function checkDepth(depth: number): void {
  if (depth > depthMax) throw new TooDeep(`exceeded max depth of ${depthMax}`);
}
const defaultHandles: ReadonlyMap<string, string> = new Map([
  ["!", "!"],
  ["!!", "tag:yaml.org,2002:"],
]);

/** The documents of a stream of tokens by libyaml's grammar; fails where it does. Anchors are known in later documents too. */
export function parseDocuments(tokens: readonly Token[]): readonly Node[] {
  const parser: Parser = { tokens, at: 0, depth: 0, anchors: new Map(), handles: defaultHandles };
  const documents: Node[] = [];
  const explicit = new Set<TokenKind>(["version", "handle", "document-start", "stream-end"]);
  if (!explicit.has(peek(parser))) {
    documents.push(node(parser, true, false));
    skip(parser, "document-end");
  }
  for (;;) {
    while (skip(parser, "document-end"));
    if (peek(parser) === "stream-end") return documents;
    documents.push(explicitDocument(parser));
  }
}

function peek(parser: Parser): TokenKind {
  return parser.tokens[parser.at]?.kind ?? "stream-end";
}

function skip(parser: Parser, kind: TokenKind): boolean {
  if (peek(parser) !== kind) return false;
  parser.at++;
  return true;
}

function expected(what: string): BuiltinError {
  return new BuiltinError(`did not find expected ${what}`);
}

function explicitDocument(parser: Parser): Node {
  parser.handles = directives(parser);
  if (!skip(parser, "document-start")) throw expected("<document start>");
  const content = documentEnds.has(peek(parser)) ? empty() : node(parser, true, false);
  skip(parser, "document-end");
  return content;
}

const documentEnds: ReadonlySet<TokenKind> = new Set<TokenKind>(["version", "handle", "document-start", "document-end", "stream-end"]);

function directives(parser: Parser): ReadonlyMap<string, string> {
  const handles = new Map<string, string>();
  let versions = 0;
  for (;;) {
    const token = parser.tokens[parser.at];
    if (token?.kind === "version") checkVersion(token, versions++);
    else if (token?.kind === "handle") addHandle(handles, token);
    else return new Map([...defaultHandles, ...handles]);
    parser.at++;
  }
}

function checkVersion({ value }: Token, before: number): void {
  if (before > 0) throw new BuiltinError("found duplicate %YAML directive");
  if (value !== "1.1") throw new BuiltinError("found incompatible YAML document");
}

function addHandle(handles: Map<string, string>, { value = "", suffix = "" }: Token): void {
  if (handles.has(value)) throw new BuiltinError("found duplicate %TAG directive");
  handles.set(value, suffix);
}

function empty(): Node {
  return scalar(undefined, "", true);
}

/** A node; `indentless` lets a sequence be as far to the left as the key before it. */
function node(parser: Parser, block: boolean, indentless: boolean): Node {
  const alias = parser.tokens[parser.at];
  if (alias?.kind === "alias") return aliasNode(parser, alias.value ?? "");
  const anchors: string[] = [];
  const tags: string[] = [];
  while (property(parser, anchors, tags));
  const made = contentNode(parser, block, indentless, tags[0], anchors[0]);
  if (made !== undefined) return made;
  if (anchors.length + tags.length === 0) throw expected("node content");
  return anchored(parser, anchors[0], scalar(tags[0], "", true));
}

function aliasNode(parser: Parser, name: string): Node {
  const target = parser.anchors.get(name);
  if (target === undefined) throw new BuiltinError("unknown anchor referenced");
  parser.at++;
  return { kind: "alias", name, target };
}

/** Takes an anchor or a tag, of which there may be one each. */
function property(parser: Parser, anchors: string[], tags: string[]): boolean {
  const token = parser.tokens[parser.at];
  if (token?.kind === "anchor" && anchors.length === 0) anchors.push(token.value ?? "");
  else if (token?.kind === "tag" && tags.length === 0) tags.push(tagOf(parser, token));
  else return false;
  parser.at++;
  return true;
}

function tagOf(parser: Parser, { value = "", suffix = "" }: Token): string {
  if (value === "") return suffix;
  const prefix = parser.handles.get(value);
  if (prefix === undefined) throw new BuiltinError("found undefined tag handle");
  return prefix + suffix;
}

function anchored<T extends Node>(parser: Parser, anchor: string | undefined, made: T): T {
  if (anchor !== undefined) parser.anchors.set(anchor, made);
  return made;
}

function contentNode(
  parser: Parser,
  block: boolean,
  indentless: boolean,
  tag: string | undefined,
  anchor: string | undefined,
): Node | undefined {
  const kind = peek(parser);
  if (kind === "scalar") {
    const token = parser.tokens[parser.at++];
    return anchored(parser, anchor, scalar(tag, token?.value ?? "", token?.plain === true));
  }
  if (kind === "entry" && indentless) return sequence(parser, anchor, indentlessItems);
  if (kind === "[") return sequence(parser, anchor, flowItems);
  if (kind === "{") return mapping(parser, anchor, flowPairs);
  if (kind === "block-sequence" && block) return sequence(parser, anchor, blockItems);
  if (kind === "block-mapping" && block) return mapping(parser, anchor, blockPairs);
  return undefined;
}

function deeper(parser: Parser): void {
  checkDepth(++parser.depth);
}

function sequence(parser: Parser, anchor: string | undefined, fill: (parser: Parser, items: Node[]) => void): Node {
  const items: Node[] = [];
  const made = anchored(parser, anchor, { kind: "sequence", items } as const);
  deeper(parser);
  fill(parser, items);
  parser.depth--;
  return made;
}

function mapping(parser: Parser, anchor: string | undefined, fill: (parser: Parser, pairs: Pair[]) => void): Node {
  const made = anchored(parser, anchor, newMapping());
  const pairs: Pair[] = [];
  deeper(parser);
  fill(parser, pairs);
  parser.depth--;
  fillMapping(made, pairs);
  return made;
}

/** The node behind an indicator, or nothing where one of these tokens follows. */
function nodeUnless(parser: Parser, block: boolean, indentless: boolean, ...ends: readonly TokenKind[]): Node {
  return ends.includes(peek(parser)) ? empty() : node(parser, block, indentless);
}

function blockItems(parser: Parser, items: Node[]): void {
  parser.at++;
  while (skip(parser, "entry")) items.push(nodeUnless(parser, true, false, "entry", "block-end"));
  if (!skip(parser, "block-end")) throw expected("'-' indicator");
}

function indentlessItems(parser: Parser, items: Node[]): void {
  while (skip(parser, "entry")) items.push(nodeUnless(parser, true, false, "entry", "key", "value", "block-end"));
}

function blockPairs(parser: Parser, pairs: Pair[]): void {
  parser.at++;
  while (skip(parser, "key")) {
    const key = nodeUnless(parser, true, true, "key", "value", "block-end");
    pairs.push([key, skip(parser, "value") ? nodeUnless(parser, true, true, "key", "value", "block-end") : empty()]);
  }
  if (!skip(parser, "block-end")) throw expected("key");
}

function flowItems(parser: Parser, items: Node[]): void {
  parser.at++;
  for (let first = true; peek(parser) !== "]"; first = false) {
    if (!first && !skip(parser, ",")) throw expected("',' or ']'");
    if (skip(parser, "key")) items.push(mapping(parser, undefined, pairInSequence));
    else if (peek(parser) !== "]") items.push(node(parser, false, false));
  }
  parser.at++;
}

/** libyaml eats the token behind a `?` that has no key. */
function pairInSequence(parser: Parser, pairs: Pair[]): void {
  const bare = ["value", ",", "]"].includes(peek(parser));
  if (bare) parser.at++;
  const key = bare ? empty() : node(parser, false, false);
  pairs.push([key, skip(parser, "value") ? nodeUnless(parser, false, false, ",", "]") : empty()]);
}

function flowPairs(parser: Parser, pairs: Pair[]): void {
  parser.at++;
  for (let first = true; peek(parser) !== "}"; first = false) {
    if (!first && !skip(parser, ",")) throw expected("',' or '}'");
    if (skip(parser, "key")) {
      const key = nodeUnless(parser, false, false, "value", ",", "}");
      pairs.push([key, skip(parser, "value") ? nodeUnless(parser, false, false, ",", "}") : empty()]);
    } else if (peek(parser) !== "}") pairs.push([node(parser, false, false), empty()]);
  }
  parser.at++;
}
