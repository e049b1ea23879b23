import { broken, type Reader } from "./wasm-module.ts";

/** What follows an opcode: numbers to skip (`n` LEB128), or something of its own. */
type Immediate = 0 | 1 | 2 | "bytes4" | "bytes8" | "table" | "type" | "memory" | "global";

/** Immediates by opcode (core specification 5.4); opcodes that are not here are refused, never guessed. */
const immediates: readonly (Immediate | undefined)[] = buildTable();

function buildTable(): (Immediate | undefined)[] {
  const table: (Immediate | undefined)[] = new Array(256).fill(undefined);
  const set = (from: number, to: number, immediate: Immediate) => table.fill(immediate, from, to + 1);
  set(0x00, 0x01, 0); // unreachable, nop
  set(0x02, 0x04, 1); // block, loop, if: a block type, which is a LEB128 too
  set(0x05, 0x05, 0); // else
  set(0x0b, 0x0b, 0); // end
  set(0x0c, 0x0d, 1); // br, br_if
  set(0x0e, 0x0e, "table"); // br_table
  set(0x0f, 0x0f, 0); // return
  set(0x10, 0x10, 1); // call
  set(0x11, 0x11, 2); // call_indirect
  set(0x1a, 0x1b, 0); // drop, select
  set(0x1c, 0x1c, "type"); // select with a type
  set(0x20, 0x22, 1); // local.*
  set(0x23, 0x24, "global"); // global.get, global.set
  set(0x25, 0x25, 1); // table.get
  set(0x28, 0x3e, "memory"); // loads and stores
  set(0x3f, 0x40, 1); // memory.size, memory.grow
  set(0x41, 0x42, 1); // i32.const, i64.const
  set(0x43, 0x43, "bytes4"); // f32.const
  set(0x44, 0x44, "bytes8"); // f64.const
  set(0x45, 0xc4, 0); // arithmetic, comparison, conversion, sign extension
  set(0xd0, 0xd0, 1); // ref.null
  set(0xd1, 0xd1, 0); // ref.is_null
  set(0xd2, 0xd2, 1); // ref.func
  return table;
}

/**
 * LEB128 numbers behind the second opcode of `0xfc`: saturating truncation, `memory.copy` and `memory.fill`. What changes tables or
 * drops segments is left out: that could not be put back after a failed evaluation.
 */
const prefixed: readonly (number | undefined)[] = [0, 0, 0, 0, 0, 0, 0, 0, undefined, undefined, 2, 1];

/** Moves past one instruction and returns its opcode. `globals` is how many the module has: no code of it may name another. */
export function skipInstruction(reader: Reader, globals: number): number {
  const opcode = reader.byte();
  const immediate = immediates[opcode];
  if (opcode === 0xfc) skipPrefixed(reader);
  else if (immediate === undefined) throw unknown(`0x${opcode.toString(16)}`);
  else if (typeof immediate === "number") skipLebs(reader, immediate);
  else special[immediate](reader, globals);
  return opcode;
}

/** Immediates that are more than numbers. What a reader could take in two ways is refused: it could hide a loop from the counter. */
const special: Readonly<Record<Exclude<Immediate, number>, (reader: Reader, globals: number) => void>> = {
  bytes4: (reader) => reader.skip(4),
  bytes8: (reader) => reader.skip(8),
  table: (reader) => skipLebs(reader, reader.u32() + 1),
  type(reader) {
    if (reader.u32() !== 1) throw broken("a `select` has more than one type");
    readValueType(reader);
  },
  memory(reader) {
    // From 64 on, the alignment says that the number of another memory follows.
    if (reader.u32() >= 64) throw broken("it uses more than one memory");
    reader.skipLeb();
  },
  global(reader, globals) {
    // The counter is the global behind the last one: a module that names it could refill its own fuel.
    if (reader.u32() >= globals) throw broken("it uses a global that it does not have");
  },
};

/** Reads a number or vector type; references to types have more bytes, and OPA's modules have none. */
export function readValueType(reader: Reader): void {
  const type = reader.byte();
  if (type < 0x7c || type > 0x7f) throw broken(`value type 0x${type.toString(16)} is not known`);
}

function skipLebs(reader: Reader, count: number): void {
  for (let left = count; left > 0; left--) reader.skipLeb();
}

function skipPrefixed(reader: Reader): void {
  const second = reader.u32();
  const count = prefixed[second];
  if (count === undefined) throw unknown(`0xfc ${second}`);
  skipLebs(reader, count);
}

function unknown(opcode: string): Error {
  return broken(`instruction ${opcode} is not known`);
}
