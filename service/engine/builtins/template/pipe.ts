import { parseNumber } from "../../go/number-literal.ts";
import { unquote, unquoteCharacter } from "../../go/unquote.ts";
import { BuiltinError } from "../builtin.ts";
import type { Token } from "./lexer.ts";

/** `$x, $y := command | command`; each command is a list of operands. */
export interface Pipe {
  readonly declared: readonly string[];
  /** `=` and not `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

/** What a command consists of. */
export type Operand =
  | { readonly type: "dot" | "nil" }
  | { readonly type: "value"; readonly value: string | boolean | bigint | number }
  | { readonly type: "field"; readonly names: readonly string[] }
  | { readonly type: "variable"; readonly name: string; readonly names: readonly string[] }
  | { readonly type: "function"; readonly name: string }
  | { readonly type: "pipe"; readonly pipe: Pipe }
  | { readonly type: "chain"; readonly of: Operand; readonly names: readonly string[] };

/** How deep actions and parentheses may stand in each other. */
const depthMax = 200;

/** A template that is being read. */
export interface Parser {
  readonly tokens: readonly Token[];
  readonly functions: ReadonlySet<string>;
  at: number;
  depth: number;
  /** Of the template that is read: variables that are declared so far, and how many `range` are open. */
  variables: string[];
  ranges: number;
}

/** What is said of a template that cannot be read. */
export function fault(what: string): BuiltinError {
  return new BuiltinError(`invalid template: ${what}`);
}

/** The token that comes next. */
export function peek({ tokens, at }: Parser): Token {
  return tokens[at] ?? { type: "end", text: "" };
}

/** Takes the token that comes next. */
export function next(parser: Parser): Token {
  const token = peek(parser);
  parser.at++;
  return token;
}

/** The token that comes next, when spaces are skipped. */
export function peekBehindSpace(parser: Parser): Token {
  while (peek(parser).type === "space") parser.at++;
  return peek(parser);
}

/** Takes the token that comes next, and spaces before it. */
export function nextBehindSpace(parser: Parser): Token {
  const token = peekBehindSpace(parser);
  parser.at++;
  return token;
}

/** Takes the end of an action. */
export function expectRight(parser: Parser): void {
  if (nextBehindSpace(parser).type !== "right") throw fault("an action is not closed where it should be");
}

/** Counts what is read inside of something else; whoever calls it counts back. */
export function deeper(parser: Parser): void {
  if (++parser.depth > depthMax) throw fault("it nests too deeply");
}

/** A pipeline and the token at its end. */
export function readPipe(parser: Parser, context: string, end: "right" | "close"): Pipe {
  const { declared, assigns } = readDeclarations(parser, context);
  const commands: (readonly Operand[])[] = [];
  while (peekBehindSpace(parser).type !== end) commands.push(readCommand(parser));
  parser.at++;
  const first = commands[0];
  if (first === undefined) throw fault("a pipeline is empty");
  if (commands.some((command) => command !== first && isConstant(command[0])))
    throw fault("a value cannot take what comes from a pipeline");
  return { declared, assigns, commands };
}

function isConstant(operand: Operand | undefined): boolean {
  return operand?.type === "value" || operand?.type === "dot" || operand?.type === "nil";
}

/** `$x :=`, `$x =`, and for `range` two of them; nothing is read when there are none. */
function readDeclarations(parser: Parser, context: string): Pick<Pipe, "declared" | "assigns"> {
  const declared: string[] = [];
  for (;;) {
    const variable = peekBehindSpace(parser);
    const { at } = parser;
    parser.at++;
    const sign = variable.type === "variable" ? peekBehindSpace(parser).type : undefined;
    if (sign !== "assign" && sign !== "declare" && sign !== "comma") {
      parser.at = at;
      return { declared, assigns: false };
    }
    parser.at++;
    declared.push(variable.text);
    parser.variables.push(variable.text);
    if (sign !== "comma") return { declared, assigns: sign === "assign" };
    if (context !== "range" || declared.length > 1) throw fault("too many declarations");
    if (!/^(?:variable|right|close)$/.test(peekBehindSpace(parser).type)) throw fault("a range can only declare variables");
  }
}

function readCommand(parser: Parser): readonly Operand[] {
  const operands: Operand[] = [];
  for (;;) {
    peekBehindSpace(parser);
    const operand = readOperand(parser);
    if (operand !== undefined) operands.push(operand);
    const { type } = next(parser);
    if (type === "space") continue;
    if (type === "right" || type === "close") parser.at--;
    else if (type !== "pipe") throw fault("unexpected text in an operand");
    if (operands.length === 0) throw fault("a command is empty");
    return operands;
  }
}

/** A term and the fields behind it; undefined when there is no term. */
function readOperand(parser: Parser): Operand | undefined {
  const term = readTerm(parser);
  if (term === undefined) return undefined;
  const names: string[] = [];
  while (peek(parser).type === "field") names.push(next(parser).text.slice(1));
  if (names.length === 0) return term;
  if (isConstant(term)) throw fault("a value has no fields");
  if (term.type === "field" || term.type === "variable") return { ...term, names: [...term.names, ...names] };
  return { type: "chain", of: term, names };
}

function readTerm(parser: Parser): Operand | undefined {
  const token = peekBehindSpace(parser);
  const read = terms.get(token.type === "keyword" ? token.text : token.type);
  if (read === undefined) return undefined;
  parser.at++;
  return read(parser, token.text);
}

const terms: ReadonlyMap<string, (parser: Parser, text: string) => Operand> = new Map<string, (parser: Parser, text: string) => Operand>([
  ["identifier", readIdentifier],
  ["dot", () => ({ type: "dot" })],
  ["nil", () => ({ type: "nil" })],
  ["variable", readVariable],
  ["field", (_parser, text) => ({ type: "field", names: [text.slice(1)] })],
  ["number", (_parser, text) => constantOf(parseNumber(text))],
  ["constant", (_parser, text) => constantOf(characterOf(text))],
  ["string", (_parser, text) => constantOf(unquote(text))],
  ["open", readParentheses],
]);

function constantOf(value: string | bigint | number | undefined): Operand {
  if (value === undefined) throw fault("a number or a string is not written as it should be");
  // An integer between 63 and 64 bits fails only when it is used.
  if (typeof value === "bigint" && BigInt.asUintN(64, value) !== value && BigInt.asIntN(64, value) !== value)
    throw fault("integer overflow");
  return { type: "value", value };
}

function characterOf(text: string): bigint | undefined {
  const code = unquoteCharacter(text);
  return code === undefined ? undefined : BigInt(code);
}

function readIdentifier({ functions }: Parser, name: string): Operand {
  if (name === "true" || name === "false") return { type: "value", value: name === "true" };
  if (!functions.has(name)) throw fault(`function \`${name.slice(0, 64)}\` is not defined`);
  return { type: "function", name };
}

function readVariable({ variables }: Parser, name: string): Operand {
  if (!variables.includes(name)) throw fault(`variable \`${name.slice(0, 64)}\` is not defined`);
  return { type: "variable", name, names: [] };
}

function readParentheses(parser: Parser): Operand {
  deeper(parser);
  const pipe = readPipe(parser, "parentheses", "close");
  parser.depth--;
  return { type: "pipe", pipe };
}
