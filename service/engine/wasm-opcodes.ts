import { broken, type Reader } from "./wasm-module.ts";

/** What follows an opcode: numbers to skip (`n` LEB128), or something of its own. */
type Immediate = 0 | 1 | 2 | "bytes4" | "bytes8" | "table" | "types";

/** Immediates by opcode (core specification 5.4); opcodes that are not here are refused, never guessed. */
const immediates: readonly (Immediate | undefined)[] = buildTable();

function buildTable(): (Immediate | undefined)[] {
  const table: (Immediate | undefined)[] = new Array(256).fill(undefined);
  const set = (from: number, to: number, immediate: Immediate) => table.fill(immediate, from, to + 1);
  set(0x00, 0x01, 0); // unreachable, nop
  set(0x02, 0x04, 1); // block, loop, if: a block type, which is a LEB128 of one byte or more
  set(0x05, 0x05, 0); // else
  set(0x0b, 0x0b, 0); // end
  set(0x0c, 0x0d, 1); // br, br_if
  set(0x0e, 0x0e, "table"); // br_table
  set(0x0f, 0x0f, 0); // return
  set(0x10, 0x10, 1); // call
  set(0x11, 0x11, 2); // call_indirect
  set(0x1a, 0x1b, 0); // drop, select
  set(0x1c, 0x1c, "types"); // select with types
  set(0x20, 0x26, 1); // local.*, global.*, table.get, table.set
  set(0x28, 0x3e, 2); // loads and stores: alignment and offset
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

/** LEB128 numbers behind the second opcode of `0xfc`: saturating truncation, bulk memory, tables. */
const prefixed: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

/** Moves past one instruction and returns its opcode. */
export function skipInstruction(reader: Reader): number {
  const opcode = reader.byte();
  if (opcode === 0xfc) skipPrefixed(reader);
  else skipImmediate(reader, immediates[opcode], opcode);
  return opcode;
}

function skipPrefixed(reader: Reader): void {
  const second = reader.u32();
  const count = prefixed[second];
  if (count === undefined) throw unknown(`0xfc ${second}`);
  for (let i = 0; i < count; i++) reader.skipLeb();
}

function skipImmediate(reader: Reader, immediate: Immediate | undefined, opcode: number): void {
  if (immediate === undefined) throw unknown(`0x${opcode.toString(16)}`);
  if (immediate === "bytes4") reader.at += 4;
  else if (immediate === "bytes8") reader.at += 8;
  else if (immediate === "types") reader.at += reader.u32();
  else for (let left = immediate === "table" ? reader.u32() + 1 : immediate; left > 0; left--) reader.skipLeb();
}

function unknown(opcode: string): Error {
  return broken(`instruction ${opcode} is not known`);
}
