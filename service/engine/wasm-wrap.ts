import { broken, emit, leb, Reader, readImports, type Section, sectionsOf } from "./wasm-module.ts";
import { type Guard, nativeBase, natives, nativesOf } from "./wasm-natives.ts";
import { readValueType } from "./wasm-opcodes.ts";

/** One function that gets another body. */
interface Wrapped {
  readonly number: number;
  /** Whether its own body is kept. */
  readonly kept: boolean;
  readonly guard: Guard | undefined;
  /** How many values it takes; it takes and gives addresses (i32) only. */
  readonly arity: number;
  readonly type: number;
}

/**
 * Puts the host between a policy and the builtins of its module. A builtin that the host has too (`hosted`) becomes a call of the host:
 * OPA's runtime answers differently from OPA there, or slower. Any other keeps its body, at the end of the module, behind one that tells
 * the host when it gave nothing: the runtime says neither that a builtin failed nor why, and a rule that is silently undefined can open
 * a door. A guarded one does both.
 */
export function wrapNatives(bytes: Uint8Array, hosted: ReadonlySet<string>): { readonly bytes: Uint8Array; readonly named: boolean } {
  const sections = sectionsOf(bytes);
  const { functions } = readImports(bytes, sections);
  const found = nativesOf(bytes, sections);
  if (found === undefined) return { bytes, named: false };
  const types = functionTypes(bytes, sections);
  const arities = addressArities(bytes, sections);
  const wrapped = planOf(found, { imported: functions.length, hosted, types, arities });
  const moved = [...wrapped].filter(([, { kept }]) => kept);
  const movedTo = new Map(moved.map(([index], place) => [index, functions.length + types.length + place]));
  const calls = (index: number, { arity }: Wrapped): Calls => ({
    host: hostFunction(functions, arity),
    own: movedTo.get(index),
    isOdd: functions.length + types.length + moved.length,
  });
  const bodyOf = (index: number, wrap: Wrapped) => wrapper(wrap, calls(index, wrap));
  // The function that guards call comes last; the type that it has is the one of every builtin with one operand.
  const oddType = arities.indexOf(1);
  if (oddType < 0) throw broken("it has no function of one value");
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const section of sections) {
    const content = bytes.subarray(section.start, section.end);
    if (section.id === 3) parts.push(...emit(3, withTypes(content, [...moved.map(([, { type }]) => type), oddType])));
    else if (section.id === 10) parts.push(...emit(10, withBodies(content, wrapped, bodyOf)));
    else parts.push(...emit(section.id, content));
  }
  return { bytes: Buffer.concat(parts), named: true };
}

interface Host {
  /** How many functions are imported. */
  readonly imported: number;
  readonly hosted: ReadonlySet<string>;
  /** The type of each own function, and what is known of the types. */
  readonly types: readonly number[];
  readonly arities: readonly (number | undefined)[];
}

/** What to wrap, by index among the module's own functions. */
function planOf(found: ReadonlyMap<number, number>, { imported, hosted, types, arities }: Host): ReadonlyMap<number, Wrapped> {
  const plan = new Map<number, Wrapped>();
  for (const [index, number] of found) {
    const type = types[index - imported];
    const arity = type === undefined ? undefined : arities[type];
    const native = natives[number];
    if (native === undefined || type === undefined || arity === undefined || arity < 1 || arity > 4)
      throw broken(`its function \`${native?.symbol}\` is not the one of OPA's runtime`);
    const guard = hosted.has(native.builtin) ? native.guard : undefined;
    plan.set(index - imported, { number, kept: guard !== undefined || !hosted.has(native.builtin), guard, arity, type });
  }
  return plan;
}

/** The type of each own function. */
function functionTypes(bytes: Uint8Array, sections: readonly Section[]): readonly number[] {
  const section = sections.find(({ id }) => id === 3);
  if (section === undefined) return [];
  const reader = new Reader(bytes, section.start);
  return Array.from({ length: bounded(reader.u32(), section) }, () => reader.u32());
}

/** For each type the number of its parameters, when they and its one result are addresses. */
function addressArities(bytes: Uint8Array, sections: readonly Section[]): readonly (number | undefined)[] {
  const section = sections.find(({ id }) => id === 1);
  if (section === undefined) return [];
  const reader = new Reader(bytes, section.start);
  return Array.from({ length: bounded(reader.u32(), section) }, () => {
    if (reader.byte() !== 0x60) throw broken("a type is not one of a function");
    const parameters = valueTypes(reader, section);
    const results = valueTypes(reader, section);
    const addresses = results.length === 1 && [...parameters, ...results].every((type) => type === i32);
    return addresses ? parameters.length : undefined;
  });
}

const i32 = 0x7f;

function valueTypes(reader: Reader, section: Section): readonly number[] {
  return Array.from({ length: bounded(reader.u32(), section) }, () => {
    const type = reader.bytes[reader.at] ?? 0;
    readValueType(reader);
    return type;
  });
}

/** A count of things that take a byte each at least. */
function bounded(count: number, { start, end }: Section): number {
  if (count > end - start) throw broken("a count is larger than its section");
  return count;
}

function hostFunction(functions: readonly string[], arity: number): number {
  const index = functions.indexOf(`opa_builtin${arity}`);
  if (index < 0) throw broken(`it does not import \`opa_builtin${arity}\``);
  return index;
}

function withTypes(content: Uint8Array, added: readonly number[]): Uint8Array {
  const reader = new Reader(content);
  const count = reader.u32();
  return Buffer.concat([leb(count + added.length), content.subarray(reader.at), ...added.map(leb)]);
}

function withBodies(
  content: Uint8Array,
  wrapped: ReadonlyMap<number, Wrapped>,
  bodyOf: (index: number, wrap: Wrapped) => Uint8Array,
): Uint8Array {
  const reader = new Reader(content);
  const count = reader.u32();
  const bodies: Uint8Array[] = [];
  const moved: Uint8Array[] = [];
  for (let index = 0; index < count; index++) {
    const size = reader.u32();
    const start = reader.at;
    reader.skip(size);
    const body = content.subarray(start, reader.at);
    const wrap = wrapped.get(index);
    bodies.push(wrap === undefined ? body : bodyOf(index, wrap));
    if (wrap?.kept === true) moved.push(body);
  }
  const all = [...bodies, ...moved, isOdd];
  return Buffer.concat([leb(all.length), ...all.flatMap((body) => [leb(body.length), body])]);
}

/** Indices of the functions that a wrapper calls: the host's, the body that was moved, and {@link isOdd}. */
interface Calls {
  readonly host: number;
  readonly own: number | undefined;
  readonly isOdd: number;
}

/** `host(number, 0, …arguments)`, after the function's own body has given nothing when it is kept. */
function wrapper({ number, arity, guard }: Wrapped, { host, own, isOdd: odd }: Calls): Uint8Array {
  const args = Array.from({ length: arity }, (_, index) => [0x20, index]).flat();
  const ask = [0x41, ...signedLeb(nativeBase + number), 0x41, 0, ...args, 0x10, ...leb(host)];
  if (own === undefined) return Uint8Array.from([0, ...ask, 0x0b]);
  const call = [...args, 0x10, ...leb(own), 0x22, arity];
  const watched = [...call, 0x04, i32, 0x20, arity, 0x05, ...ask, 0x0b];
  if (guard === undefined) return Uint8Array.from([1, 1, i32, ...watched, 0x0b]);
  const condition = Array.from({ length: arity }, (_, argument) => [...guardOf[guard](argument, odd), ...(argument === 0 ? [] : [0x72])]);
  return Uint8Array.from([1, 1, i32, ...condition.flat(), 0x04, i32, ...ask, 0x05, ...watched, 0x0b, 0x0b]);
}

/** Whether an operand is one for the host; see value/memory.ts for the places. */
const guardOf: Readonly<Record<Guard, (argument: number, odd: number) => readonly number[]>> = {
  integers: (argument, odd) => [0x20, argument, 0x10, ...leb(odd)],
  // Its type is that of a set.
  sets: (argument) => [0x20, argument, 0x2d, 0, 0, 0x41, 7, 0x46],
};

/** `return value` when a condition holds. */
const returnIf = (condition: readonly number[], value: number) => [...condition, 0x04, 0x40, 0x41, value, 0x0f, 0x0b];

/**
 * `(param i32) (result i32) (local at, end, byte)`: whether a value is a number that is not held as a 64-bit integer, nor as a text of
 * at most 18 characters without a point or an exponent, as numbers of the input are.
 */
const isOdd = Uint8Array.from([
  ...[1, 3, i32],
  ...returnIf([0x20, 0, 0x2d, 0, 0, 0x41, 3, 0x47], 0),
  ...returnIf([0x20, 0, 0x2d, 0, 1, 0x41, 1, 0x46], 0),
  ...returnIf([0x20, 0, 0x28, 2, 12, 0x41, 18, 0x4b], 1),
  // at = text; end = text + length
  ...[0x20, 0, 0x28, 2, 8, 0x22, 1, 0x20, 0, 0x28, 2, 12, 0x6a, 0x21, 2],
  ...[0x02, 0x40, 0x03, 0x40],
  ...[0x20, 1, 0x20, 2, 0x4f, 0x0d, 1],
  // byte == "." or byte | 0x20 == "e"
  ...returnIf([0x20, 1, 0x2d, 0, 0, 0x22, 3, 0x41, 0x2e, 0x46, 0x20, 3, 0x41, 0x20, 0x72, 0x41, ...[0xe5, 0x00], 0x46, 0x72], 1),
  ...[0x20, 1, 0x41, 1, 0x6a, 0x21, 1, 0x0c, 0],
  ...[0x0b, 0x0b, 0x41, 0, 0x0b],
]);

/** LEB128 of a positive number that will be read as a signed one. */
function signedLeb(value: number): Uint8Array {
  const bytes = leb(value);
  const last = bytes.at(-1) ?? 0;
  return last < 0x40 ? bytes : Uint8Array.from([...bytes.subarray(0, -1), last | 0x80, 0]);
}
