import { LRUCache } from "lru-cache";
import { RE2JS, RE2JSException } from "re2js";
import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { type Prepared, prepare } from "./pattern.ts";
import { type Program, programOf } from "./program.ts";

/** Instructions of one program, and sizes of all that are kept. */
const sizeMax = 100_000;
const keptMax = 400_000;

const programs = new LRUCache<string, Program>({
  max: 2000,
  maxSize: keptMax,
  sizeCalculation: ({ size }, pattern) => size + pattern.length + 1,
});

/**
 * The program of a pattern in RE2's syntax as Go has it, paid for unless it is known already. Fails for a pattern that is invalid, and
 * for one that repeats itself into a huge program.
 */
export function compiled(pattern: string, context: BuiltinContext): Program {
  const known = programs.get(pattern);
  if (known !== undefined) return known;
  if (!pattern.isWellFormed()) throw new BuiltinError("regular expression is not UTF-8");
  context.spend(10 * pattern.length);
  const prepared = prepare(pattern);
  if (prepared.size > sizeMax) throw new BuiltinError(`regular expression \`${cut(pattern)}\` is too large`);
  context.spend(prepared.cost);
  const program = compile(pattern, prepared);
  programs.set(pattern, program);
  return program;
}

function compile(pattern: string, { source, names }: Prepared): Program {
  try {
    const { prog, prefix } = RE2JS.compile(source).re2();
    return programOf(prog.inst, prog.start, prefix, names);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    throw new BuiltinError(`\`${cut(pattern)}\` is not a regular expression: ${cut(error.message)}`, { cause: error });
  }
}

function cut(text: string): string {
  return text.slice(0, 64);
}
