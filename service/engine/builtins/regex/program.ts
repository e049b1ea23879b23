/** What instructions do, by the numbers that re2js gives them; from `rune` on they take a character. */
export const op = { alt: 1, altMatch: 2, capture: 3, emptyWidth: 4, match: 6, nop: 7, rune: 8, any: 10, anyNotNewline: 11 } as const;

/** Assertions that an instruction may ask for, one bit each. */
export const assertion = { beginLine: 1, endLine: 2, beginText: 4, endText: 8, wordBoundary: 16, noWordBoundary: 32 } as const;

/** One instruction of re2js's programs, which are those of Go. */
export interface Instruction {
  readonly op: number;
  readonly out: number;
  readonly arg: number;
  /** Ranges of characters. */
  readonly runes: Int32Array;
  matchRune(rune: number): boolean;
}

/** Threads in order of preference, at most one for each instruction. */
export interface Threads {
  /** Instructions at which a thread waits for a character. */
  readonly waiting: Int32Array;
  /** Instructions that were reached; they hold `mark`, which changes with every character. */
  readonly seen: Int32Array;
  readonly offsets: number[];
  mark: number;
  size: number;
}

/** A compiled pattern; search.ts runs it. */
export interface Program {
  readonly instructions: readonly Instruction[];
  readonly ops: Uint8Array;
  readonly outs: Int32Array;
  readonly args: Int32Array;
  readonly start: number;
  /** The name of each group in parentheses, from group 1 on; "" for one without. */
  readonly groups: readonly string[];
  /** Matches start where the text starts. */
  readonly anchored: boolean;
  /** Every match starts with this text. */
  readonly prefix: string;
  /** Which ASCII characters a match may start with, if that is known. */
  readonly first: Uint8Array | undefined;
  /** What it takes of the cache: about the instructions, and those that have many ranges are more than one. */
  readonly size: number;
  /** Lists of searches that have ended, to be used again. */
  readonly idle: (readonly [Threads, Threads])[];
}

/** Makes a program of what re2js compiled. */
export function programOf(instructions: readonly Instruction[], start: number, prefix: string, groups: readonly string[]): Program {
  return {
    instructions,
    ops: Uint8Array.from(instructions, (instruction) => instruction.op),
    outs: Int32Array.from(instructions, ({ out }) => out),
    args: Int32Array.from(instructions, ({ arg }) => arg),
    start,
    groups,
    anchored: isAnchored(instructions, start),
    prefix,
    first: firstOf(instructions, start),
    size: instructions.reduce((size, { runes }) => size + 1 + (runes.length >> 4), 0),
    idle: [],
  };
}

function isAnchored(instructions: readonly Instruction[], start: number): boolean {
  let instruction = instructions[start];
  while (instruction?.op === op.emptyWidth || instruction?.op === op.capture || instruction?.op === op.nop) {
    if (instruction.op === op.emptyWidth && (instruction.arg & assertion.beginText) !== 0) return true;
    instruction = instructions[instruction.out];
  }
  return false;
}

/** Branches that are looked at before the first character is called unknown. */
const branchesMax = 64;

function firstOf(instructions: readonly Instruction[], start: number): Uint8Array | undefined {
  const first = new Uint8Array(128);
  const reached = new Set([start]);
  for (const index of reached) {
    const instruction = instructions[index];
    if (reached.size > branchesMax || instruction === undefined) return undefined;
    // A match without a character, or behind an assertion, may start anywhere.
    if (instruction.op === op.match || instruction.op === op.emptyWidth) return undefined;
    if (instruction.op >= op.rune) mark(first, instruction);
    for (const next of branchesOf(instruction)) reached.add(next);
  }
  return first;
}

function mark(first: Uint8Array, instruction: Instruction): void {
  for (let rune = 0; rune < first.length; rune++) first[rune] ||= Number(accepts(instruction, rune));
}

function branchesOf({ op: does, out, arg }: Instruction): readonly number[] {
  if (does === op.alt || does === op.altMatch) return [out, arg];
  return does === op.capture || does === op.nop ? [out] : [];
}

/** Whether an instruction takes a character. */
export function accepts(instruction: Instruction, rune: number): boolean {
  if (instruction.op === op.any) return true;
  return instruction.op === op.anyNotNewline ? rune !== 10 : instruction.matchRune(rune);
}
