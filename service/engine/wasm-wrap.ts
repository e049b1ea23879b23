import { broken, emit, leb, Reader, readImports, type Section, sectionsOf } from "./wasm-module.ts";
import { nativeBase, natives, nativesOf, type Treatment } from "./wasm-natives.ts";
import { readValueType } from "./wasm-opcodes.ts";

/** One function that gets another body. */
interface Wrapped {
  readonly number: number;
  readonly treatment: Treatment;
  /** How many values it takes; it takes and gives addresses (i32) only. */
  readonly arity: number;
  readonly type: number;
}

/**
 * Puts the host between a policy and the builtins of its module. A replaced builtin becomes a call of the host. A watched one keeps its
 * body, at the end of the module, behind one that asks the host when it gave nothing: OPA's runtime says neither that a builtin failed
 * nor why, and a rule that is silently undefined can open a door.
 */
export function wrapNatives(bytes: Uint8Array): Uint8Array {
  const sections = sectionsOf(bytes);
  const { functions } = readImports(bytes, sections);
  const wrapped = planOf(bytes, sections, functions.length);
  if (wrapped.size === 0) return bytes;
  const moved = [...wrapped].filter(([, { treatment }]) => treatment === "watch");
  const total = functionTypes(bytes, sections).length;
  const movedTo = new Map(moved.map(([index], place) => [index, functions.length + total + place]));
  const bodyOf = (index: number, wrap: Wrapped) => wrapper(wrap, hostFunction(functions, wrap.arity), movedTo.get(index));
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const section of sections) {
    const content = bytes.subarray(section.start, section.end);
    if (section.id === 3) parts.push(...emit(3, withTypes(content, moved)));
    else if (section.id === 10) parts.push(...emit(10, withBodies(content, wrapped, bodyOf)));
    else parts.push(...emit(section.id, content));
  }
  return Buffer.concat(parts);
}

/** What to wrap, by index among the module's own functions. */
function planOf(bytes: Uint8Array, sections: readonly Section[], imported: number): ReadonlyMap<number, Wrapped> {
  const types = functionTypes(bytes, sections);
  const arities = addressArities(bytes, sections);
  const plan = new Map<number, Wrapped>();
  for (const [index, number] of nativesOf(bytes, sections)) {
    const type = types[index - imported];
    const arity = type === undefined ? undefined : arities[type];
    const native = natives[number];
    if (native === undefined || type === undefined || arity === undefined || arity < 1 || arity > 4)
      throw broken(`its function \`${native?.symbol}\` is not the one of OPA's runtime`);
    plan.set(index - imported, { number, treatment: native.treatment, arity, type });
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
    if (wrap?.treatment === "watch") moved.push(body);
  }
  const all = [...bodies, ...moved];
  return Buffer.concat([leb(all.length), ...all.flatMap((body) => [leb(body.length), body])]);
}

/** `host(number, 0, …arguments)`, after the function's own body has given nothing when there is one. */
function wrapper({ number, arity }: Wrapped, host: number, own: number | undefined): Uint8Array {
  const args = Array.from({ length: arity }, (_, index) => [0x20, index]).flat();
  const ask = [0x41, ...signedLeb(nativeBase + number), 0x41, 0, ...args, 0x10, ...leb(host)];
  if (own === undefined) return Uint8Array.from([0, ...ask, 0x0b]);
  const call = [...args, 0x10, ...leb(own), 0x22, arity];
  return Uint8Array.from([1, 1, i32, ...call, 0x04, i32, 0x20, arity, 0x05, ...ask, 0x0b, 0x0b]);
}

/** LEB128 of a positive number that will be read as a signed one. */
function signedLeb(value: number): Uint8Array {
  const bytes = leb(value);
  const last = bytes.at(-1) ?? 0;
  return last < 0x40 ? bytes : Uint8Array.from([...bytes.subarray(0, -1), last | 0x80, 0]);
}
