import { type Builtin, type BuiltinContext, BuiltinError } from "./builtins/builtin.ts";
import { bytesOf, textOf } from "./value/bytes.ts";
import { putBytes, withoutBytes } from "./value/bytes-in-memory.ts";
import { MemoryReader, probe } from "./value/memory.ts";
import { readValue } from "./value/read.ts";
import { RegoSet, typeName, type Value } from "./value/value.ts";
import { wireText } from "./value/write.ts";
import { nativeBase, natives } from "./wasm-natives.ts";

/** The exports of a module that builtins need (OPA WASM ABI 1.x). */
export interface ValueExports {
  opa_malloc(size: number): number;
  opa_value_parse(address: number, length: number): number;
  opa_json_dump(value: number): number;
}

/** A running evaluation as its builtins see it. */
export interface HostState extends BuiltinContext {
  nowNs: bigint;
  /** The first builtin that failed. */
  failure: string | undefined;
}

/** Thrown out of the module by `opa_abort`; the message is OPA's. */
export class PolicyAbort extends Error {}

/** Fuel for a call, for a byte of an argument that is read, and for one of a result that is written (measured: 600, 2 and 12 ns). */
const callUnits = 60;
const readUnits = 0.25;
const writeUnits = 1;

/** The functions a module imports, over an instance that is known only after it was made. */
export class Host {
  readonly #memory: WebAssembly.Memory;
  readonly #state: HostState;
  readonly #builtins: ReadonlyMap<string, Builtin>;
  #exports: ValueExports | undefined;
  #byId: readonly (string | undefined)[] = [];
  #view: Buffer;

  constructor(memory: WebAssembly.Memory, builtins: ReadonlyMap<string, Builtin>, state: HostState) {
    this.#memory = memory;
    this.#builtins = builtins;
    this.#state = state;
    this.#view = Buffer.from(memory.buffer);
  }

  /** Ties the host to its instance; `ids` is the module's map of builtin names to numbers. */
  attach(exports: ValueExports, ids: Readonly<Record<string, number>>): void {
    this.#exports = exports;
    const byId: string[] = [];
    for (const [name, id] of Object.entries(ids)) byId[id] = name;
    this.#byId = byId;
  }

  imports(): WebAssembly.Imports {
    const call = (id: number, _context: number, ...args: number[]) => this.#call(id, args);
    return {
      env: {
        memory: this.#memory,
        opa_abort: (address: number) => {
          throw new PolicyAbort(this.text(address));
        },
        opa_println: () => 0,
        opa_builtin0: call,
        opa_builtin1: call,
        opa_builtin2: call,
        opa_builtin3: call,
        opa_builtin4: call,
      },
    };
  }

  /** The memory as a Buffer; growing it detaches the old one. */
  view(): Buffer {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = Buffer.from(this.#memory.buffer);
    return this.#view;
  }

  /** The NUL-terminated text at an address. */
  text(address: number): string {
    const bytes = this.view();
    return textOf(bytes.subarray(address, bytes.indexOf(0, address)));
  }

  #call(id: number, addresses: readonly number[]): number {
    const native = natives[id - nativeBase];
    const name = native?.builtin ?? this.#byId[id] ?? "";
    const builtin = this.#builtins.get(name) ?? (native === undefined ? undefined : silentNative(name));
    const exports = this.#exports;
    if (builtin === undefined || exports === undefined) throw new PolicyAbort(`builtin \`${name}\` is not known`);
    try {
      return this.#give(exports, builtin(this.#take(addresses), this.#state));
    } catch (error) {
      return this.#failed(name, error);
    }
  }

  /** A failing builtin is undefined in Rego, as in OPA, and is remembered; any other fault ends the evaluation. */
  #failed(name: string, error: unknown): number {
    if (!(error instanceof BuiltinError)) throw error;
    this.#state.failure ??= `${name}: ${error.message}`;
    return 0;
  }

  #take(addresses: readonly number[]): readonly Value[] {
    this.#state.spend(callUnits);
    return this.#reader().values(addresses);
  }

  #reader(): MemoryReader {
    return new MemoryReader(this.view(), (bytes) => this.#state.spend(bytes * readUnits));
  }

  #give(exports: ValueExports, value: Value | undefined): number {
    if (value === undefined) return 0;
    const text = wireText(value);
    if (text.isWellFormed()) return this.#write(exports, text);
    // The module's parser refuses bytes that are not UTF-8: texts of the same length go through it, and the bytes are put into them.
    const readable = wireText(withoutBytes(value));
    if (!readable.isWellFormed()) throw new BuiltinError("a key or a member of a set would not be UTF-8");
    const address = this.#write(exports, readable);
    this.#state.spend(text.length * writeUnits);
    putBytes(this.view(), this.#reader(), { address, value });
    return address;
  }

  #write(exports: ValueExports, text: string): number {
    const bytes = bytesOf(text);
    this.#state.spend(bytes.length * writeUnits);
    const address = exports.opa_malloc(bytes.length);
    this.view().set(bytes, address);
    const parsed = exports.opa_value_parse(address, bytes.length);
    if (parsed === 0) throw new PolicyAbort("the result of a builtin cannot be read");
    return parsed;
  }

  /** Whether values lie in this module's memory as the reader takes them to. */
  isReadable(exports: ValueExports): boolean {
    const address = this.#write(exports, probe);
    const [read = null] = this.#reader().values([address]);
    return wireText(read) === wireText(readValue(probe));
  }
}

/** A builtin of the module that gave nothing: it failed, but for the greatest and the least of an empty collection. */
function silentNative(name: string): Builtin {
  return (args) => {
    if ((name === "max" || name === "min") && isEmpty(args[0])) return undefined;
    throw new BuiltinError(`it has no answer for operands of type ${args.map(typeName).join(", ")}`);
  };
}

function isEmpty(value: Value | undefined): boolean {
  return value instanceof RegoSet ? value.size === 0 : Array.isArray(value) && value.length === 0;
}
