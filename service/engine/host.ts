import { type Argument, type Builtin, type BuiltinContext, BuiltinError, RawJson } from "./builtins/builtin.ts";

/** The exports of a module that builtins need (OPA WASM ABI 1.x). */
export interface ValueExports {
  opa_malloc(size: number): number;
  opa_json_parse(address: number, length: number): number;
  opa_json_dump(value: number): number;
  opa_value_dump(value: number): number;
}

/** A running evaluation as its builtins see it. */
export interface HostState extends BuiltinContext {
  nowMs: number;
  /** The first builtin that failed; the decision does not count then. */
  failure: string | undefined;
}

/** Thrown out of the module by `opa_abort`; the message is OPA's. */
export class PolicyAbort extends Error {}

/** The functions a module imports, over an instance that is known only after it was made. */
export class Host {
  readonly #memory: WebAssembly.Memory;
  readonly #state: HostState;
  readonly #builtins: ReadonlyMap<string, Builtin>;
  #exports: ValueExports | undefined;
  #byId: readonly (string | undefined)[] = [];

  constructor(memory: WebAssembly.Memory, builtins: ReadonlyMap<string, Builtin>, state: HostState) {
    this.#memory = memory;
    this.#builtins = builtins;
    this.#state = state;
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

  /** The NUL-terminated text at an address. */
  text(address: number): string {
    const bytes = Buffer.from(this.#memory.buffer);
    return bytes.toString("utf8", address, bytes.indexOf(0, address));
  }

  #call(id: number, addresses: readonly number[]): number {
    const name = this.#byId[id] ?? "";
    const builtin = this.#builtins.get(name);
    const exports = this.#exports;
    if (builtin === undefined || exports === undefined) throw new PolicyAbort(`builtin \`${name}\` is not known`);
    const args = addresses.map((address): Argument => {
      const text = this.text(exports.opa_json_dump(address));
      return { text, value: JSON.parse(text), rego: this.text(exports.opa_value_dump(address)) };
    });
    return this.#give(exports, this.#run(name, builtin, args));
  }

  /** A failing builtin is undefined in Rego, as in OPA, and is remembered; any other fault ends the evaluation. */
  #run(name: string, builtin: Builtin, args: readonly Argument[]): unknown {
    try {
      return builtin(args, this.#state);
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw error;
      this.#state.failure ??= `${name}: ${error.message}`;
      return undefined;
    }
  }

  #give(exports: ValueExports, value: unknown): number {
    if (value === undefined) return 0;
    const bytes = Buffer.from(value instanceof RawJson ? value.text : JSON.stringify(value), "utf8");
    const address = exports.opa_malloc(bytes.length);
    Buffer.from(this.#memory.buffer).set(bytes, address);
    return exports.opa_json_parse(address, bytes.length);
  }
}
