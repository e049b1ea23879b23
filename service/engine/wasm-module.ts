import { RemitError } from "../errors.ts";

/** A section of a WebAssembly module: its id and the place of its content (core specification 5.5.2). */
export interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

/** Reads LEB128 numbers and names from a module, always within its bounds. */
export class Reader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw broken("it ends too early");
    return value;
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw broken("a number is too long");
  }

  skip(count: number): void {
    this.at += count;
    if (this.at > this.bytes.length) throw broken("it ends too early");
  }

  /** Skips a LEB128 number of either sign. */
  skipLeb(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return;
    throw broken("a number is too long");
  }

  name(): string {
    const length = this.u32();
    const start = this.at;
    this.skip(length);
    return Buffer.from(this.bytes.subarray(start, this.at)).toString("utf8");
  }
}

/** RemitError for a module that is not what OPA's compiler makes. */
export function broken(why: string): RemitError {
  return new RemitError("bundle_invalid", `the WebAssembly module is not usable: ${why}; build it with \`opa build -t wasm\``);
}

/** Splits a module into its sections. */
export function sectionsOf(bytes: Uint8Array): readonly Section[] {
  if (Buffer.from(bytes.subarray(0, 8)).toString("hex") !== "0061736d01000000") throw broken("it does not start as a version 1 module");
  const reader = new Reader(bytes, 8);
  const sections: Section[] = [];
  while (reader.at < bytes.length) {
    const id = reader.byte();
    const size = reader.u32();
    const end = reader.at + size;
    if (end > bytes.length) throw broken("a section is cut off");
    sections.push({ id, start: reader.at, end });
    reader.at = end;
  }
  return sections;
}

const hostFunctions: ReadonlySet<string> = new Set([
  "opa_abort",
  "opa_println",
  "opa_builtin0",
  "opa_builtin1",
  "opa_builtin2",
  "opa_builtin3",
  "opa_builtin4",
]);

/** What a module imports. */
export interface Imports {
  /** The least number of 64 KiB pages of `env.memory`. */
  readonly memoryPagesMin: number;
  /** Names of the host functions by their index; the module's own functions count from there. */
  readonly functions: readonly string[];
}

/** Reads the imports and refuses any that the host does not give: a module must not be able to ask for more. */
export function readImports(bytes: Uint8Array, sections: readonly Section[]): Imports {
  const section = sections.find(({ id }) => id === 2);
  if (section === undefined) throw broken("it imports no memory");
  const reader = new Reader(bytes, section.start);
  const functions: string[] = [];
  let memoryPagesMin: number | undefined;
  for (let count = reader.u32(); count > 0; count--) {
    const read = readImport(reader);
    if (typeof read === "string") functions.push(read);
    else memoryPagesMin = read;
  }
  if (memoryPagesMin === undefined) throw broken("it imports no memory");
  return { memoryPagesMin, functions };
}

/** Reads one import: the name of a function, or the least number of pages of the memory. */
function readImport(reader: Reader): string | number {
  const [module, field] = [reader.name(), reader.name()];
  const kind = reader.byte();
  if (kind === 0 && module === "env" && hostFunctions.has(field)) {
    reader.u32();
    return field;
  }
  const name = `${module}.${field}`;
  if (kind !== 2 || name !== "env.memory") throw broken(`it imports \`${name.slice(0, 100)}\`, which the service does not give`);
  const hasMaximum = (reader.byte() & 1) === 1;
  const pages = reader.u32();
  if (hasMaximum) reader.u32();
  return pages;
}

/** Functions that a module exports, by name. */
export function exportedFunctions(bytes: Uint8Array, sections: readonly Section[]): ReadonlyMap<string, number> {
  const section = sections.find(({ id }) => id === 7);
  const found = new Map<string, number>();
  if (section === undefined) return found;
  const reader = new Reader(bytes, section.start);
  for (let count = reader.u32(); count > 0; count--) {
    const name = reader.name();
    const kind = reader.byte();
    const index = reader.u32();
    if (kind === 0) found.set(name, index);
  }
  return found;
}

/** A section with its id and length. */
export function emit(id: number, content: Uint8Array): readonly Uint8Array[] {
  return [Uint8Array.of(id), leb(content.length), content];
}

/** Unsigned LEB128. */
export function leb(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}
