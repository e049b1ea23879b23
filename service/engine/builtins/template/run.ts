import { RegoObject } from "../../value/value.ts";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { templateFunctions } from "./functions.ts";
import type { Node, Templates } from "./parse.ts";
import type { Operand, Pipe } from "./pipe.ts";
import { plainText } from "./print.ts";
import { checkLength, type GoValue, integerIn, isTrue, itemsIn, kindOf } from "./values.ts";

interface Variable {
  readonly name: string;
  value: GoValue;
}

/** A template that is being executed. */
interface Run {
  readonly templates: Templates;
  readonly context: BuiltinContext;
  readonly output: string[];
  length: number;
  depth: number;
  /** The last one with a name is the one that is meant. */
  variables: Variable[];
}

/** How a list of nodes ended. */
type Ending = "break" | "continue" | undefined;

/** How deep nodes, templates and pipelines may stand in each other. */
const depthMax = 400;
/** Units for a node, a command or a round of a range. */
const stepUnits = 15;
const charactersPerUnit = 16;
/** Entries of an object, or variables, that are looked at for a unit. */
const entriesPerUnit = 4;

/** The text that the main template makes of the data. */
export function execute(templates: Templates, data: GoValue, context: BuiltinContext): string {
  const run: Run = { templates, context, output: [], length: 0, depth: 0, variables: [{ name: "$", value: data }] };
  walkAll(run, data, templates.get("template") ?? []);
  return run.output.join("");
}

function fault(what: string): BuiltinError {
  return new BuiltinError(`cannot execute the template: ${what}`);
}

function deeper(run: Run): void {
  if (++run.depth > depthMax) throw fault("it nests too deeply");
}

function walkAll(run: Run, dot: GoValue, nodes: readonly Node[]): Ending {
  deeper(run);
  let ending: Ending;
  for (const node of nodes) {
    run.context.spend(stepUnits);
    ending = walk(run, dot, node);
    if (ending !== undefined) break;
  }
  run.depth--;
  return ending;
}

function walk(run: Run, dot: GoValue, node: Node): Ending {
  if (node.type === "break" || node.type === "continue") return node.type;
  if (node.type === "range") return walkRange(run, dot, node);
  if (node.type === "if" || node.type === "with") return walkIf(run, dot, node);
  if (node.type === "text") write(run, node.text);
  if (node.type === "template") walkTemplate(run, dot, node);
  if (node.type === "action") act(run, dot, node.pipe);
  return undefined;
}

/** Writes the value of a pipeline, unless it declares something. */
function act(run: Run, dot: GoValue, pipe: Pipe): void {
  const value = evaluate(run, dot, pipe);
  if (pipe.declared.length === 0) write(run, value === undefined ? "<no value>" : plainText(value, run.context));
}

function write(run: Run, text: string): void {
  run.length += text.length;
  checkLength(run.length);
  run.context.spend(text.length / charactersPerUnit);
  run.output.push(text);
}

type Control = Extract<Node, { readonly otherwise: unknown }>;

function walkIf(run: Run, dot: GoValue, { type, pipe, body, otherwise }: Control): Ending {
  const known = run.variables.length;
  const value = evaluate(run, dot, pipe);
  const ending = isTrue(value) ? walkAll(run, type === "with" ? value : dot, body) : walkAll(run, dot, otherwise);
  run.variables.length = known;
  return ending;
}

function walkRange(run: Run, dot: GoValue, node: Control): Ending {
  const known = run.variables.length;
  const value = evaluate(run, dot, node.pipe);
  const inside = run.variables.length;
  let rounds = 0;
  let ending: Ending;
  for (const [index, item] of roundsOf(value, node.pipe)) {
    run.context.spend(stepUnits);
    rounds++;
    setRange(run, node.pipe, index, item);
    ending = walkAll(run, item, node.body);
    run.variables.length = inside;
    if (ending === "break") break;
  }
  run.variables.length = known;
  return rounds === 0 ? walkAll(run, dot, node.otherwise) : undefined;
}

/** What a range goes over: index or key, and item. An integer is that many rounds. */
function* roundsOf(value: GoValue, { declared }: Pipe): Generator<readonly [GoValue, GoValue]> {
  const kind = kindOf(value);
  if (kind === "nothing" || kind === "nil") return;
  if (value instanceof RegoObject) yield* value.entries;
  else if (kind === "slice") for (const [index, item] of itemsIn(value).entries()) yield [BigInt(index), item];
  else if ((kind === "int" || kind === "uint") && declared.length < 2) yield* counted(value);
  else throw fault("a range cannot go over this value");
}

function* counted(value: GoValue): Generator<readonly [GoValue, GoValue]> {
  const end = integerIn(value);
  for (let index = 0n; index < end; index++) yield [undefined, typeof value === "bigint" ? index : { byte: Number(index) }];
}

/** One variable is the item; the first of two is the index. */
function setRange(run: Run, { declared, assigns }: Pipe, index: GoValue, item: GoValue): void {
  const values = declared.length > 1 ? [index, item] : [item];
  for (const [place, name] of declared.entries()) {
    if (assigns) variable(run, name).value = values[place];
    else run.variables[run.variables.length - declared.length + place] = { name, value: values[place] };
  }
}

function walkTemplate(run: Run, dot: GoValue, { name, pipe }: Extract<Node, { readonly type: "template" }>): void {
  const nodes = run.templates.get(name);
  if (nodes === undefined) throw fault("a template is not defined");
  const value = pipe === undefined ? undefined : evaluate(run, dot, pipe);
  const { variables } = run;
  run.variables = [{ name: "$", value }];
  walkAll(run, value, nodes);
  run.variables = variables;
}

function variable(run: Run, name: string): Variable {
  run.context.spend(run.variables.length / entriesPerUnit);
  const found = run.variables.findLast((known) => known.name === name);
  if (found === undefined) throw fault("a variable is not defined");
  return found;
}

/** The value of a pipeline; what it declares stays until the end of what it stands in. */
function evaluate(run: Run, dot: GoValue, { commands, declared, assigns }: Pipe): GoValue {
  deeper(run);
  let value: GoValue;
  let given: readonly GoValue[] = [];
  for (const command of commands) {
    run.context.spend(stepUnits);
    // Null is nothing, once it is a value of its own.
    value = evaluateCommand(run, dot, command, given) ?? undefined;
    given = [value];
  }
  for (const name of declared) {
    if (assigns) variable(run, name).value = value;
    else run.variables.push({ name, value });
  }
  run.depth--;
  return value;
}

/** A command with its arguments, the last of which may come from the command before it. */
function evaluateCommand(run: Run, dot: GoValue, [first, ...args]: readonly Operand[], given: readonly GoValue[]): GoValue {
  if (first === undefined || first.type === "nil") throw fault("nil is not a command");
  if (first.type === "function") return callFunction(run, dot, first.name, args, given);
  const hasArguments = args.length > 0 || given.length > 0;
  // Fields of what is not there take any arguments.
  const fields = first.type === "field" || first.type === "chain" || (first.type === "variable" && first.names.length > 0);
  if (hasArguments && !fields) throw fault("a value takes no arguments");
  return operand(run, dot, first, hasArguments);
}

function operand(run: Run, dot: GoValue, node: Operand, hasArguments: boolean): GoValue {
  if (node.type === "field") return fieldsOf(run, dot, node.names, hasArguments);
  if (node.type === "variable") return fieldsOf(run, variable(run, node.name).value, node.names, hasArguments);
  if (node.type === "chain") return fieldsOf(run, operand(run, dot, node.of, false), node.names, hasArguments);
  if (node.type === "function") return callFunction(run, dot, node.name, [], []);
  if (node.type === "pipe") return evaluate(run, dot, node.pipe);
  if (node.type === "value") return constant(node.value);
  return node.type === "dot" ? dot : null;
}

function constant(value: string | boolean | bigint | number): GoValue {
  if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value) throw fault("an integer is too large");
  return value;
}

function fieldsOf(run: Run, value: GoValue, names: readonly string[], hasArguments: boolean): GoValue {
  return names.reduce((found, name, index) => field(run, found, name, hasArguments && index === names.length - 1), value);
}

function field(run: Run, value: GoValue, name: string, hasArguments: boolean): GoValue {
  if (value === undefined) return undefined;
  if (!(value instanceof RegoObject)) throw fault(`there is no field \`${name.slice(0, 64)}\` in what is not an object`);
  if (hasArguments) throw fault(`field \`${name.slice(0, 64)}\` takes no arguments`);
  run.context.spend(1 + value.size / entriesPerUnit);
  return value.get(name);
}

function callFunction(run: Run, dot: GoValue, name: string, args: readonly Operand[], given: readonly GoValue[]): GoValue {
  const called = templateFunctions.get(name);
  const count = args.length + given.length;
  if (called === undefined || count < called.fixed || (count > called.fixed && !called.variadic))
    throw fault(`wrong number of arguments for \`${name.slice(0, 64)}\``);
  if (name === "and" || name === "or") return choose(run, dot, name === "or", args, given);
  const values = [...args.map((node) => operand(run, dot, node, false)), ...given];
  return called.call(called.boxed ? values.map((value) => value ?? null) : values, run.context);
}

/** `and` and `or`: the first argument that decides, or the last one; those behind it are not evaluated. */
function choose(run: Run, dot: GoValue, wanted: boolean, args: readonly Operand[], given: readonly GoValue[]): GoValue {
  let value: GoValue;
  for (const node of args) {
    value = operand(run, dot, node, false);
    if (isTrue(value) === wanted) return value;
  }
  return given.length > 0 ? given[0] : value;
}
