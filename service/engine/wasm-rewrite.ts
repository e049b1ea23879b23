import { broken, emit, leb, Reader, readImports, type Section, sectionsOf } from "./wasm-module.ts";
import { readValueType, skipInstruction } from "./wasm-opcodes.ts";
import { wrapNatives } from "./wasm-wrap.ts";

/** Names under which a rewritten module exports what the host needs. */
export const exportNames = { stackPointer: "remit_stack_pointer", fuel: "remit_fuel" } as const;

/** A module ready to be compiled, and the pages its memory must have at least. */
export interface Rewritten {
  readonly bytes: Uint8Array;
  readonly memoryPagesMin: number;
  /** Whether the module has the names of its functions, by which its own builtins are found. */
  readonly named: boolean;
}

/**
 * Makes a module safe to keep: lets the host know of builtins that fail inside of it (see {@link wrapNatives}), exports its stack pointer, so that an aborted evaluation can be undone, and counts fuel at every
 * function entry and loop head, so that an endless one traps. `hosted` are the builtins that the host has. Throws RemitError `bundle_invalid` for a module it does not understand.
 */
export function rewriteModule(original: Uint8Array, hosted: ReadonlySet<string>): Rewritten {
  const { bytes, named } = wrapNatives(original, hosted);
  const sections = sectionsOf(bytes);
  const { memoryPagesMin } = readImports(bytes, sections);
  // No global is imported, so the module's own count from 0, and the fuel comes behind the last.
  const { count: fuel, stackPointer } = readGlobals(bytes, sections);
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const section of sections) {
    const content = bytes.subarray(section.start, section.end);
    if (section.id === 6) parts.push(...emit(6, withFuelGlobal(content)));
    else if (section.id === 7) parts.push(...emit(7, withExports(content, stackPointer, fuel)));
    else if (section.id === 10) parts.push(...emit(10, withFuelChecks(content, fuel)));
    else parts.push(...emit(section.id, content));
  }
  return { bytes: Buffer.concat(parts), memoryPagesMin, named };
}

interface Globals {
  readonly count: number;
  /** Index of the C stack pointer among the module's own globals. */
  readonly stackPointer: number;
}

/**
 * Finds the stack pointer as clang makes it: an i32 that starts at the end of the stack, and the only global that can change. So memory
 * and stack pointer are all that an evaluation leaves behind, and can be put back.
 */
function readGlobals(bytes: Uint8Array, sections: readonly Section[]): Globals {
  const section = sections.find(({ id }) => id === 6);
  if (section === undefined) throw broken("it has no globals");
  const reader = new Reader(bytes, section.start);
  const count = reader.u32();
  const mutable: number[] = [];
  let stackPointer: number | undefined;
  for (let index = 0; index < count; index++) {
    const global = readGlobal(reader);
    if (global.mutable) mutable.push(index);
    if (global.mutable && global.type === 0x7f && global.start === stackTop) stackPointer = index;
  }
  if (stackPointer === undefined || mutable.length > 1) throw broken("its stack pointer cannot be told from its other globals");
  return { count, stackPointer };
}

/** `i32.const 65536` and the end: the stack is the first 64 KiB. */
const stackTop = "418080040b";

interface Global {
  readonly type: number;
  readonly mutable: boolean;
  /** The expression that gives its first value, in hexadecimal. */
  readonly start: string;
}

function readGlobal(reader: Reader): Global {
  const type = reader.byte();
  const mutable = reader.byte() === 1;
  const from = reader.at;
  let opcode = skipInstruction(reader, 0);
  while (opcode !== 0x0b) opcode = skipInstruction(reader, 0);
  return { type, mutable, start: Buffer.from(reader.bytes.subarray(from, reader.at)).toString("hex") };
}

/** `(global (mut i32) (i32.const 0x7fffffff))`: the module's start function runs before the host can set any fuel. */
const fuelGlobal = Uint8Array.of(0x7f, 1, 0x41, 0xff, 0xff, 0xff, 0xff, 0x07, 0x0b);

function withFuelGlobal(content: Uint8Array): Uint8Array {
  const reader = new Reader(content);
  const count = reader.u32();
  return Buffer.concat([leb(count + 1), content.subarray(reader.at), fuelGlobal]);
}

function withExports(content: Uint8Array, stackPointer: number, fuel: number): Uint8Array {
  const reader = new Reader(content);
  const count = reader.u32();
  const entry = (name: string, index: number) => Buffer.concat([leb(name.length), Buffer.from(name), Uint8Array.of(3), leb(index)]);
  return Buffer.concat([
    leb(count + 2),
    content.subarray(reader.at),
    entry(exportNames.stackPointer, stackPointer),
    entry(exportNames.fuel, fuel),
  ]);
}

/** `fuel -= 1; if (fuel < 0) unreachable` */
function checkOf(fuel: number): Uint8Array {
  const index = leb(fuel);
  return Buffer.concat([
    Uint8Array.of(0x23),
    index,
    Uint8Array.of(0x41, 1, 0x6b, 0x24),
    index,
    Uint8Array.of(0x23),
    index,
    Uint8Array.of(0x41, 0, 0x48, 0x04, 0x40, 0x00, 0x0b),
  ]);
}

function withFuelChecks(content: Uint8Array, fuel: number): Uint8Array {
  const reader = new Reader(content);
  const check = checkOf(fuel);
  const count = reader.u32();
  const parts: Uint8Array[] = [leb(count)];
  for (let i = 0; i < count; i++) {
    const size = reader.u32();
    const start = reader.at;
    reader.skip(size);
    const body = instrument(content.subarray(start, reader.at), check, fuel);
    parts.push(leb(body.length), body);
  }
  return Buffer.concat(parts);
}

/** One function body: a check after its locals, and one after every `loop`. */
function instrument(body: Uint8Array, check: Uint8Array, globals: number): Uint8Array {
  const reader = new Reader(body);
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    readValueType(reader);
  }
  const parts = [body.subarray(0, reader.at), check];
  let copied = reader.at;
  while (reader.at < body.length) {
    if (skipInstruction(reader, globals) !== 0x03) continue;
    parts.push(body.subarray(copied, reader.at), check);
    copied = reader.at;
  }
  parts.push(body.subarray(copied));
  return Buffer.concat(parts);
}
