import { bytesOf } from "./bytes.ts";
import type { MemoryReader } from "./memory.ts";
import { RegoObject, RegoSet, type Value } from "./value.ts";

/** A value, and where it lies in the memory of a module. */
interface Placed {
  readonly address: number;
  readonly value: Value;
}

/** The value with letters in place of each text that is not UTF-8, as many as it has bytes. */
export function withoutBytes(value: Value): Value {
  if (typeof value === "string") return value.isWellFormed() ? value : "x".repeat(bytesOf(value).length);
  if (Array.isArray(value)) return value.map(withoutBytes);
  if (!(value instanceof RegoObject)) return value;
  return new RegoObject(value.entries.map(([key, item]) => [key, withoutBytes(item)] as const));
}

/**
 * Puts the bytes of texts that are not UTF-8 where the letters of {@link withoutBytes} are. Members of sets and keys of objects are
 * found by their hash and cannot be changed.
 */
export function putBytes(memory: Buffer, reader: MemoryReader, { address, value }: Placed): void {
  if (typeof value === "string") {
    if (!value.isWellFormed()) memory.set(bytesOf(value), reader.word(address + 8));
    return;
  }
  for (const child of childrenOf(reader, { address, value })) putBytes(memory, reader, child);
}

function childrenOf(reader: MemoryReader, { address, value }: Placed): readonly Placed[] {
  if (value instanceof RegoSet || value === null || typeof value !== "object") return [];
  if (value instanceof RegoObject)
    return reader.elements(address, 8).flatMap((element) => {
      const item = value.get(reader.value(reader.word(element)));
      return item === undefined ? [] : [{ address: reader.word(element + 4), value: item }];
    });
  const elements = reader.word(address + 4);
  return Array.isArray(value) ? value.map((item: Value, index) => ({ address: reader.word(elements + 8 * index + 4), value: item })) : [];
}
