import { unquote } from "../../go/unquote.ts";
import type { BuiltinContext } from "../builtin.ts";
import { type Token, tokensOf } from "./lexer.ts";
import { deeper, expectRight, fault, next, nextBehindSpace, type Parser, type Pipe, peek, peekBehindSpace, readPipe } from "./pipe.ts";

/** A piece of a template. */
export type Node =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "action"; readonly pipe: Pipe }
  | { readonly type: "if" | "with" | "range"; readonly pipe: Pipe; readonly body: readonly Node[]; readonly otherwise: readonly Node[] }
  | { readonly type: "template"; readonly name: string; readonly pipe: Pipe | undefined }
  | { readonly type: "break" | "continue" };

/** Templates by name; the main one is called `template`. */
export type Templates = ReadonlyMap<string, readonly Node[]>;

interface TemplateParser extends Parser {
  readonly templates: Map<string, readonly Node[]>;
}

/** Reads a template of Go's `text/template`, all that it defines included. Throws a {@link BuiltinError}. */
export function parseTemplate(text: string, functions: ReadonlySet<string>, context: BuiltinContext): Templates {
  const parser: TemplateParser = {
    tokens: tokensOf(text, context),
    functions,
    templates: new Map(),
    at: 0,
    depth: 0,
    variables: ["$"],
    ranges: 0,
  };
  const main: Node[] = [];
  while (peek(parser).type !== "end") {
    if (isDefinition(parser)) define(parser);
    else main.push(nodeIn(readNode(parser)));
  }
  add(parser, "template", main);
  return parser.templates;
}

/** A template that is empty may be defined again. */
function add(parser: TemplateParser, name: string, nodes: readonly Node[]): void {
  const known = parser.templates.get(name);
  if (known === undefined || isEmpty(known)) parser.templates.set(name, nodes);
  else if (!isEmpty(nodes)) throw fault("a template is defined twice");
}

function isEmpty(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.type === "text" && node.text.trim() === "");
}

function isDefinition(parser: Parser): boolean {
  const { at } = parser;
  const found = next(parser).type === "left" && isKeyword(peekBehindSpace(parser), "define");
  parser.at = at;
  return found;
}

function isKeyword(token: Token, word: string): boolean {
  return token.type === "keyword" && token.text === word;
}

function define(parser: TemplateParser): void {
  next(parser);
  nextBehindSpace(parser);
  const name = textOf(nextBehindSpace(parser));
  expectRight(parser);
  add(parser, name, ownList(parser));
}

/** The nodes of another template, up to its `{{end}}`: it has variables of its own. */
function ownList(parser: TemplateParser): readonly Node[] {
  const { variables, ranges } = parser;
  Object.assign(parser, { variables: ["$"], ranges: 0 });
  const { nodes, end } = readList(parser);
  Object.assign(parser, { variables, ranges });
  if (end !== "end") throw fault("unexpected `else`");
  return nodes;
}

function textOf(token: Token): string {
  const text = token.type === "string" ? unquote(token.text) : undefined;
  if (text === undefined) throw fault("there is no string where one should be");
  return text;
}

type Read = Node | "end" | "else";

function nodeIn(read: Read): Node {
  if (read === "end" || read === "else") throw fault(`unexpected \`${read}\``);
  return read;
}

/** Nodes up to `{{end}}` or `{{else}}`. */
function readList(parser: TemplateParser): { readonly nodes: readonly Node[]; readonly end: "end" | "else" } {
  const nodes: Node[] = [];
  deeper(parser);
  while (peekBehindSpace(parser).type !== "end") {
    const read = readNode(parser);
    if (read === "end" || read === "else") {
      parser.depth--;
      return { nodes, end: read };
    }
    nodes.push(read);
  }
  throw fault("unexpected end");
}

function readNode(parser: TemplateParser): Read {
  const token = nextBehindSpace(parser);
  if (token.type === "text") return { type: "text", text: token.text };
  if (token.type !== "left") throw fault("unexpected text");
  const first = peekBehindSpace(parser);
  const control = first.type === "keyword" ? controls.get(first.text) : undefined;
  if (control === undefined) return { type: "action", pipe: readPipe(parser, "action", "right") };
  parser.at++;
  return control(parser);
}

type Control = (parser: TemplateParser) => Read;

const controls: ReadonlyMap<string, Control> = new Map<string, Control>([
  ["block", readBlock],
  ["break", (parser) => readJump(parser, "break")],
  ["continue", (parser) => readJump(parser, "continue")],
  ["else", readElse],
  ["end", readEnd],
  ["if", (parser) => readControl(parser, "if")],
  ["range", (parser) => readControl(parser, "range")],
  ["template", readTemplate],
  ["with", (parser) => readControl(parser, "with")],
]);

function readEnd(parser: Parser): "end" {
  expectRight(parser);
  return "end";
}

/** `{{else if …}}` and `{{else with …}}` are left for the one who knows what the `else` belongs to. */
function readElse(parser: Parser): "else" {
  const token = peekBehindSpace(parser);
  if (!isKeyword(token, "if") && !isKeyword(token, "with")) expectRight(parser);
  return "else";
}

function readJump(parser: TemplateParser, type: "break" | "continue"): Node {
  expectRight(parser);
  if (parser.ranges === 0) throw fault(`\`${type}\` outside of a range`);
  return { type };
}

function readControl(parser: TemplateParser, type: "if" | "with" | "range"): Node {
  const known = parser.variables.length;
  const pipe = readPipe(parser, type, "right");
  if (type === "range") parser.ranges++;
  const { nodes: body, end } = readList(parser);
  if (type === "range") parser.ranges--;
  const otherwise = end === "else" ? readOtherwise(parser, type) : [];
  parser.variables.length = known;
  return { type, pipe, body, otherwise };
}

function readOtherwise(parser: TemplateParser, type: "if" | "with" | "range"): readonly Node[] {
  if (type !== "range" && isKeyword(peek(parser), type)) {
    parser.at++;
    deeper(parser);
    const node = readControl(parser, type);
    parser.depth--;
    return [node];
  }
  const { nodes, end } = readList(parser);
  if (end !== "end") throw fault("expected `end`");
  return nodes;
}

function readBlock(parser: TemplateParser): Node {
  const name = textOf(nextBehindSpace(parser));
  const pipe = readPipe(parser, "block", "right");
  add(parser, name, ownList(parser));
  return { type: "template", name, pipe };
}

function readTemplate(parser: TemplateParser): Node {
  const name = textOf(nextBehindSpace(parser));
  if (peekBehindSpace(parser).type !== "right") return { type: "template", name, pipe: readPipe(parser, "template", "right") };
  parser.at++;
  return { type: "template", name, pipe: undefined };
}
