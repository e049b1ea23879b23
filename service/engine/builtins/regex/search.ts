import { type BuiltinContext, BuiltinError } from "../builtin.ts";
import { compiled } from "./cache.ts";
import { accepts, assertion, op, type Program, type Threads } from "./program.ts";

/** Where a match and its groups start and end, in pairs of UTF-16 offsets; -1 where a group took no part. */
export type Match = readonly number[];

const none = -1;
const newline = 10;
/** What Go reads where a byte is not UTF-8. */
const replacement = 0xfffd;
/** Offsets that the threads of one search may keep. */
const offsetsMax = 1 << 22;
const offsetsKept = 1 << 12;
/** Units to set up a search, and to look for one match. */
const searchUnits = 50;
const startUnits = 10;
/** The last mark before they start again. */
const markMax = 2 ** 31 - 2;
/** Units for an instruction that is reached or takes a character. */
const workUnits = 1.5;

/** A search under way; `work` is what has been done and is not paid yet. */
interface Search {
  readonly program: Program;
  readonly text: string;
  /** How many offsets a thread keeps: none, those of the match, or those of its groups too. */
  readonly width: number;
  readonly context: BuiltinContext;
  readonly stack: number[];
  /** The offsets of the thread that moves. */
  readonly scratch: number[];
  at: number;
  /** The characters on both sides of the place, and the assertions that hold between them. */
  before: number;
  rune: number;
  condition: number;
  now: Threads;
  next: Threads;
  found: number[] | undefined;
  work: number;
}

/** Whether a pattern is found anywhere in a text. Time is linear in the text for every pattern, and paid. */
export function isMatch(pattern: string, text: string, context: BuiltinContext): boolean {
  const search = searchOf(compiled(pattern, context), text, 0, context);
  const found = run(search, 0);
  release(search);
  return found !== undefined;
}

/** The first `limit` matches that do not overlap, as Go finds them, with as many of their groups. */
export function* matches(program: Program, text: string, limit: number, groups: number, context: BuiltinContext): Generator<Match> {
  const search = searchOf(program, text, 2 * (groups + 1), context);
  let [at, end] = [0, -1];
  for (let count = 0; count < limit && at <= text.length; ) {
    const match = run(search, at);
    if (match === undefined) break;
    const [from = 0, to = 0] = match;
    // An empty match right behind another match does not count.
    const counts = to !== at || from !== end;
    at = to === at ? at + Math.max(widthOf(runeAt(text, at)), 1) : to;
    end = to;
    if (!counts) continue;
    count++;
    yield match;
  }
  release(search);
}

function searchOf(program: Program, text: string, width: number, context: BuiltinContext): Search {
  const size = program.ops.length;
  if (size * width > offsetsMax) throw new BuiltinError("regular expression has too many groups");
  context.spend(searchUnits);
  const [now, next] = program.idle.pop() ?? [threadsOf(size, context), threadsOf(size, context)];
  // One literal, so that all searches have one shape.
  return {
    program,
    text,
    width,
    context,
    stack: [],
    scratch: new Array(width).fill(-1),
    at: 0,
    before: none,
    rune: none,
    condition: 0,
    now,
    next,
    found: undefined,
    work: 0,
  };
}

function threadsOf(size: number, context: BuiltinContext): Threads {
  context.spend(searchUnits + size / 8);
  return { waiting: new Int32Array(size), seen: new Int32Array(size), offsets: [], mark: 1, size: 0 };
}

/** Keeps the lists for the next search, unless they hold too much. */
function release({ program, now, next }: Search): void {
  if (now.offsets.length + next.offsets.length < offsetsKept) program.idle.push([now, next]);
}

/** The first match at or behind a place: all threads go through the text side by side, so no character is read twice. */
function run(search: Search, from: number): Match | undefined {
  search.found = undefined;
  search.work += startUnits;
  go(search, from);
  do {
    if (search.now.size === 0 && !skip(search)) break;
    if (search.found === undefined) begin(search);
    step(search);
  } while (search.before !== none && !(search.width === 0 && search.found !== undefined));
  clear(search.now);
  pay(search);
  return search.found;
}

function go(search: Search, at: number): void {
  search.at = at;
  search.before = at === 0 ? none : search.text.charCodeAt(at - 1);
  search.rune = runeAt(search.text, at);
  search.condition = conditions(search.before, search.rune);
}

/** With no threads left, goes to the next place where a match may start; false at the end of the search. */
function skip(search: Search): boolean {
  const { found, at, text, program } = search;
  if (found !== undefined || (program.anchored && at > 0)) return false;
  const { prefix } = program;
  const next = prefix === "" ? firstAt(program.first, text, at) : text.indexOf(prefix, at);
  const passed = (next < 0 ? text.length : next) - at;
  search.work += prefix === "" ? passed >> 1 : passed >> 5;
  if (next > at) go(search, next);
  return next >= 0;
}

function firstAt(first: Uint8Array | undefined, text: string, at: number): number {
  if (first === undefined) return at;
  for (let index = at; index < text.length; index++) if (first[text.charCodeAt(index)] !== 0) return index;
  return -1;
}

function begin(search: Search): void {
  const { scratch, width } = search;
  for (let slot = 0; slot < width; slot++) scratch[slot] = -1;
  if (width > 0) scratch[0] = search.at;
  follow(search, search.now, search.program.start);
}

/** Moves every thread over one character; the first one that is at its end wins over all behind it. */
function step(search: Search): void {
  const { now, next, at, rune, width, scratch } = search;
  const { instructions, ops, outs } = search.program;
  search.at += widthOf(rune);
  search.before = rune;
  search.rune = rune === none ? none : runeAt(search.text, search.at);
  search.condition = conditions(rune, search.rune);
  search.work += now.size * (1 + (width >> 3));
  for (let index = 0; index < now.size; index++) {
    const waiting = now.waiting[index] ?? 0;
    if (ops[waiting] === op.match) {
      win(search, index, at);
      break;
    }
    const instruction = instructions[waiting];
    if (rune === none || instruction === undefined || !accepts(instruction, rune)) continue;
    for (let slot = 0; slot < width; slot++) scratch[slot] = now.offsets[index * width + slot] ?? -1;
    follow(search, next, outs[waiting] ?? 0);
  }
  clear(now);
  search.now = next;
  search.next = now;
  if (search.work > 1000) pay(search);
}

function win(search: Search, index: number, at: number): void {
  const { now, width } = search;
  search.found = now.offsets.slice(index * width, (index + 1) * width);
  if (width > 0) search.found[1] = at;
}

/** Adds the threads that wait behind an instruction; `scratch` has the offsets so far, and has them again at the end. */
function follow(search: Search, into: Threads, start: number): void {
  const { stack, scratch, program } = search;
  let reached = 0;
  stack.push(start);
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    if (entry < 0) scratch[-entry - 1] = stack.pop() ?? -1;
    if (entry <= 0 || into.seen[entry] === into.mark) continue;
    into.seen[entry] = into.mark;
    reached++;
    const does = program.ops[entry] ?? 0;
    if (does >= op.rune || does === op.match) wait(search, into, entry);
    else branch(search, does, program.args[entry] ?? 0, program.outs[entry] ?? 0);
  }
  search.work += reached;
}

/** Goes on from an instruction that takes no character. */
function branch({ stack, scratch, width, at, condition }: Search, does: number, arg: number, out: number): void {
  if (does === op.emptyWidth && (arg & ~condition) !== 0) return;
  if (does === op.alt || does === op.altMatch) stack.push(arg);
  if (does === op.capture && arg < width) {
    // The old offset is put back when all that follows has been.
    stack.push(scratch[arg] ?? -1, -arg - 1);
    scratch[arg] = at;
  }
  stack.push(out);
}

function wait(search: Search, into: Threads, instruction: number): void {
  const { width, scratch } = search;
  const offset = into.size * width;
  into.waiting[into.size++] = instruction;
  for (let slot = 0; slot < width; slot++) into.offsets[offset + slot] = scratch[slot] ?? -1;
  search.work += width >> 3;
}

function clear(threads: Threads): void {
  threads.size = 0;
  if (threads.mark++ < markMax) return;
  // A mark that does not fit into the list would never be found there again.
  threads.seen.fill(0);
  threads.mark = 1;
}

function pay(search: Search): void {
  search.context.spend(search.work * workUnits);
  search.work = 0;
}

/** The character at a place, none at the end. Bytes that are not UTF-8 are lone surrogates here, and a replacement character for Go. */
function runeAt(text: string, at: number): number {
  if (at >= text.length) return none;
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const rune = text.codePointAt(at) ?? none;
  return rune > 0xffff ? rune : replacement;
}

function widthOf(rune: number): number {
  if (rune === none) return 0;
  return rune > 0xffff ? 2 : 1;
}

/** Which assertions hold between two characters. */
function conditions(before: number, behind: number): number {
  let condition: number = isWord(before) === isWord(behind) ? assertion.noWordBoundary : assertion.wordBoundary;
  if (before === none) condition |= assertion.beginText | assertion.beginLine;
  if (before === newline) condition |= assertion.beginLine;
  if (behind === none) condition |= assertion.endText | assertion.endLine;
  if (behind === newline) condition |= assertion.endLine;
  return condition;
}

function isWord(rune: number): boolean {
  return (rune >= 97 && rune <= 122) || (rune >= 65 && rune <= 90) || (rune >= 48 && rune <= 57) || rune === 95;
}
