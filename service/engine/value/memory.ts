import { textOf } from "./bytes.ts";
import { RegoNumber, RegoObject, RegoSet, type Value } from "./value.ts";

/** What a comparison costs beyond the bytes that it looks at, in bytes that are read. */
const orderBytes = 40;
/** Bytes that are read before they are paid for. */
const payEvery = 65_536;

/**
 * Reads values where OPA's runtime keeps them (its `value.h`, wasm32): that takes a tenth of writing them out as text and reading the
 * text. The layout is not a part of the ABI, so every instance proves it once ({@link probe}) before it is used.
 */
export class MemoryReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #pay: (bytes: number) => void;
  #unpaid = 0;
  /** Bytes that were read so far. */
  #total = 0;

  /** `pay` is called for what was read, again and again: a value that holds another one many times is read as many times. */
  constructor(bytes: Buffer, pay: (bytes: number) => void) {
    this.#bytes = bytes;
    this.#pay = pay;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Values at addresses. Throws a RangeError for an address outside of the memory. */
  values(addresses: readonly number[]): readonly Value[] {
    const values = addresses.map((address) => this.value(address));
    this.#pay(this.#unpaid);
    return values;
  }

  value(address: number): Value {
    this.#count(8);
    const type = this.#view.getUint8(address);
    const reader = readers[type];
    if (reader === undefined) throw new RangeError(`no value has the type ${type}`);
    return reader(this, address);
  }

  #count(bytes: number): void {
    this.#total += bytes;
    this.#owe(bytes);
  }

  #owe(bytes: number): void {
    this.#unpaid += bytes;
    if (this.#unpaid < payEvery) return;
    this.#pay(this.#unpaid);
    this.#unpaid = 0;
  }

  /** Reads a collection, and counts what it takes to put it in order, which most builtins do: its bytes for each halving of its members. */
  toBeOrdered<T>(elements: readonly number[], read: (elements: readonly number[]) => T): T {
    const before = this.#total;
    const collection = read(elements);
    if (elements.length > 1) this.#owe((this.#total - before + elements.length * orderBytes) * Math.log2(elements.length));
    return collection;
  }

  byte(address: number): number {
    return this.#view.getUint8(address);
  }

  word(address: number): number {
    return this.#view.getUint32(address, true);
  }

  integer(address: number): bigint {
    return this.#view.getBigInt64(address, true);
  }

  text(address: number, length: number): string {
    this.#count(length);
    const end = address + length;
    if (end > this.#bytes.length) throw new RangeError("a text ends outside of the memory");
    return length < 24 ? this.#short(address, end) : textOf(this.#bytes.subarray(address, end));
  }

  /** Short ASCII, as most texts are, character by character: a call of the decoder costs more. */
  #short(address: number, end: number): string {
    let text = "";
    for (let at = address; at < end; at++) {
      const code = this.#bytes[at] ?? 0;
      if (code > 0x7f) return textOf(this.#bytes.subarray(address, end));
      text += String.fromCharCode(code);
    }
    return text;
  }

  /** Addresses of the elements in the buckets of a set or an object. */
  elements(address: number, nextAt: number): readonly number[] {
    const [buckets, count] = [this.word(address + 4), this.word(address + 8)];
    const found: number[] = [];
    for (let bucket = 0; bucket < count; bucket++)
      for (let element = this.word(buckets + 4 * bucket); element !== 0; element = this.word(element + nextAt)) found.push(element);
    return found;
  }
}

type Read = (memory: MemoryReader, address: number) => Value;

const readBoolean: Read = (memory, address) => memory.byte(address + 1) !== 0;
const readString: Read = (memory, address) => memory.text(memory.word(address + 8), memory.word(address + 4));

/** By `OPA_NULL` (1) … `OPA_BOOLEAN_INTERNED` (9). */
const readers: readonly (Read | undefined)[] = [
  undefined,
  () => null,
  readBoolean,
  (memory, address) =>
    new RegoNumber(
      memory.byte(address + 1) === 1
        ? String(memory.integer(address + 8))
        : memory.text(memory.word(address + 8), memory.word(address + 12)),
    ),
  readString,
  (memory, address) => {
    const elements = memory.word(address + 4);
    return Array.from({ length: memory.word(address + 8) }, (_, index) => memory.value(memory.word(elements + 8 * index + 4)));
  },
  (memory, address) =>
    memory.toBeOrdered(
      memory.elements(address, 8),
      (elements) =>
        new RegoObject(elements.map((element) => [memory.value(memory.word(element)), memory.value(memory.word(element + 4))] as const)),
    ),
  (memory, address) =>
    memory.toBeOrdered(
      memory.elements(address, 4),
      (elements) => new RegoSet(elements.map((element) => memory.value(memory.word(element)))),
    ),
  readString,
  readBoolean,
];

/** A value with every type, every form of number, and texts of every kind: what reads it right reads all. */
export const probe =
  '[null, true, false, 0, -9007199254740993, 18446744073709551616, 1.50, "", "äö\\u0000\\n", "a text of more than twenty-four bytes", [], [[1], "x"], {}, {"k": {"n": 2}, 3: [4]}, set(), {"s", 5, {6}}]';
