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
  const wrapped = planOf(found, { imported: functions.length, hosted, types, arities: addressArities(bytes, sections) });
  const moved = [...wrapped].filter(([, { kept }]) => kept);
  const movedTo = new Map(moved.map(([index], place) => [index, functions.length + types.length + place]));
  const bodyOf = (index: number, wrap: Wrapped) => wrapper(wrap, hostFunction(functions, wrap.arity), movedTo.get(index));
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const section of sections) {
    const content = bytes.subarray(section.start, section.end);
    if (section.id === 3) parts.push(...emit(3, withTypes(content, moved)));
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

function withTypes(content: Uint8Array, moved: readonly (readonly [number, Wrapped])[]): Uint8Array {
  const reader = new Reader(content);
  const count = reader.u32();
  return Buffer.concat([leb(count + moved.length), content.subarray(reader.at), ...moved.map(([, { type }]) => leb(type))]);
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
  const all = [...bodies, ...moved];
  return Buffer.concat([leb(all.length), ...all.flatMap((body) => [leb(body.length), body])]);
}

/** `host(number, 0, …arguments)`, after the function's own body has given nothing when it is kept. */
function wrapper({ number, arity, guard }: Wrapped, host: number, own: number | undefined): Uint8Array {
  const args = Array.from({ length: arity }, (_, index) => [0x20, index]).flat();
  const ask = [0x41, ...signedLeb(nativeBase + number), 0x41, 0, ...args, 0x10, ...leb(host)];
  if (own === undefined) return Uint8Array.from([0, ...ask, 0x0b]);
  const call = [...args, 0x10, ...leb(own), 0x22, arity];
  const watched = [...call, 0x04, i32, 0x20, arity, 0x05, ...ask, 0x0b];
  if (guard === undefined) return Uint8Array.from([1, 1, i32, ...watched, 0x0b]);
  const guarded = [...guardOf[guard](arity), 0x04, i32, ...ask, 0x05, ...watched, 0x0b];
  return Uint8Array.from([1, 1, i32, ...guarded, 0x0b]);
}

/** `argument.byte[offset] == value` or, with 0x47, `!=`; see value/memory.ts for the places. */
const byteIs = (argument: number, offset: number, value: number, operator = 0x46) => [
  0x20,
  argument,
  0x2d,
  0,
  offset,
  0x41,
  value,
  operator,
];
/** Joins conditions with `or`. */
const any = (conditions: readonly (readonly number[])[]) =>
  conditions.flatMap((condition, place) => (place === 0 ? condition : [...condition, 0x72]));

const guardOf: Readonly<Record<Guard, (arity: number) => readonly number[]>> = {
  integers: (arity) => any(each(arity, (argument) => [...byteIs(argument, 0, 3), ...byteIs(argument, 1, 1, 0x47), 0x71])),
  sets: (arity) => any(each(arity, (argument) => byteIs(argument, 0, 7))),
};

function each(arity: number, condition: (argument: number) => readonly number[]): readonly (readonly number[])[] {
  return Array.from({ length: arity }, (_, argument) => condition(argument));
}

/** LEB128 of a positive number that will be read as a signed one. */
function signedLeb(value: number): Uint8Array {
  const bytes = leb(value);
  const last = bytes.at(-1) ?? 0;
  return last < 0x40 ? bytes : Uint8Array.from([...bytes.subarray(0, -1), last | 0x80, 0]);
}
