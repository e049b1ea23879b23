import { createRequire } from "node:module";
import type { LoadedPolicy as SdkPolicy } from "@open-policy-agent/opa-wasm";
import { RemitError } from "../errors.ts";
import type { Builtin } from "./builtins/builtin.ts";
import { Host, type HostState, PolicyAbort, type ValueExports } from "./host.ts";
import { readValue } from "./value/read.ts";
import { RegoObject, RegoSet, type Value } from "./value/value.ts";
import { broken } from "./wasm-module.ts";
import { exportNames } from "./wasm-rewrite.ts";

/** The SDK's types promise a named export that its ES module does not have. */
const sdk = createRequire(import.meta.url)("@open-policy-agent/opa-wasm") as {
  readonly LoadedPolicy: new (instance: WebAssembly.Instance, memory: WebAssembly.Memory, minorVersion: number) => SdkPolicy;
};

/** A compiled module and what every instance of it needs. */
export interface InstanceOptions {
  readonly module: WebAssembly.Module;
  readonly builtins: ReadonlyMap<string, Builtin>;
  readonly data: Uint8Array;
  readonly memoryPagesMin: number;
  readonly memoryPagesMax: number;
  readonly fuelMax: number;
  /** Whether an evaluation in which a builtin failed still counts, as in OPA. */
  readonly builtinErrors: BuiltinErrors;
}

/** What a failing builtin makes of the whole decision; undefined in Rego it is in any case. */
export type BuiltinErrors = "deny" | "undefined";

/** One question: JSON text of the input (`undefined` for none), the clock in nanoseconds, and the form of the answer. */
export interface Question {
  readonly entrypoint: number;
  readonly input: string | undefined;
  readonly nowNs: bigint;
  /** JSON, or Rego's own text with sets as sets. */
  readonly format: "json" | "value";
}

/** A question of which the answer is a Rego value. */
export interface ValueQuestion {
  readonly entrypoint: number;
  readonly input: string | undefined;
  readonly nowMs: number;
  readonly builtinErrors: BuiltinErrors;
}

/** The result set as text, and the first builtin that failed. */
export interface RawAnswer {
  readonly text: string;
  readonly failure: string | undefined;
}

/** The exports that the service uses. */
interface Exports extends ValueExports {
  readonly opa_wasm_abi_version: WebAssembly.Global;
  readonly opa_wasm_abi_minor_version: WebAssembly.Global;
  opa_heap_ptr_get(): number;
  opa_heap_ptr_set(address: number): void;
  builtins(): number;
  opa_eval(reserved: number, entrypoint: number, data: number, input: number, inputLength: number, heap: number, format: number): number;
}

/**
 * Everything that an instance is, but for its stack pointer: a module's other globals do not change (the rewriter sees to that), so a
 * memory that is put back is an instance as good as new.
 */
export interface InstanceImage {
  readonly bytes: Uint8Array;
  readonly dataAddress: number;
  readonly heap: number;
}

/** Fuel that may be owed: some microseconds. */
const owedMax = 500;
/** Pages above what the module and its data need, so that common evaluations never grow the memory. */
const sparePages = 32;
const pageBytes = 65_536;
/** Data takes about eleven times its JSON size on the heap (measured with OPA 1.4 to 1.22). */
const dataFactor = 12;

/**
 * One instance of a policy: the SDK's LoadedPolicy, which sets up memory, data and entrypoints, over an instance and host functions of
 * ours. Evaluation goes straight to the ABI, because the SDK's `evaluate` reads malformed input as no input and cannot undo an abort.
 */
export class PolicyInstance {
  readonly entrypoints: Readonly<Record<string, number>>;
  readonly builtinNames: readonly string[];
  readonly #image: InstanceImage;
  readonly #exports: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #host: Host;
  readonly #state: HostState = { nowNs: 0n, failure: undefined, cache: new Map(), spend: (units) => this.#spend(units) };
  readonly #stackPointer: WebAssembly.Global;
  readonly #stackTop: number;
  readonly #fuel: WebAssembly.Global;
  readonly #fuelMax: number;
  readonly #baseBytes: number;
  readonly #builtinErrors: BuiltinErrors;
  #owed = 0;

  /** Sets up an instance; with the image of another one of the same options, its data need not be read again. */
  constructor(options: InstanceOptions, image?: InstanceImage) {
    const dataPages = Math.ceil((options.data.length * dataFactor) / pageBytes);
    const initial = Math.min(options.memoryPagesMin + dataPages + sparePages, options.memoryPagesMax);
    this.#memory = new WebAssembly.Memory({ initial, maximum: options.memoryPagesMax });
    this.#host = new Host(this.#memory, options.builtins, this.#state);
    const instance = new WebAssembly.Instance(options.module, this.#host.imports());
    this.#exports = instance.exports as unknown as Exports;
    this.#stackPointer = instance.exports[exportNames.stackPointer] as WebAssembly.Global;
    this.#stackTop = Number(this.#stackPointer.value);
    this.#fuel = instance.exports[exportNames.fuel] as WebAssembly.Global;
    this.#fuelMax = options.fuelMax;
    this.#builtinErrors = options.builtinErrors;
    // Setting up is the operator's bundle, not a caller's input: it may take as long as it takes.
    this.#fuel.value = 0x7fffffff;
    const ids = JSON.parse(this.#host.text(this.#exports.opa_json_dump(this.#exports.builtins()))) as Record<string, number>;
    this.builtinNames = Object.keys(ids);
    this.#host.attach(this.#exports, ids);
    this.#proveLayout();
    const policy = new sdk.LoadedPolicy(instance, this.#memory, Number(this.#exports.opa_wasm_abi_minor_version.value));
    this.entrypoints = policy.entrypoints as Record<string, number>;
    this.#image = image ?? this.#takeImage(policy, options.data);
    this.#baseBytes = this.memoryBytes;
    this.restore();
  }

  /** What the proof leaves on the heap goes away again. */
  #proveLayout(): void {
    const heap = this.#exports.opa_heap_ptr_get();
    if (!this.#host.isReadable(this.#exports)) throw broken("values lie in its memory in an unknown way");
    this.#exports.opa_heap_ptr_set(heap);
  }

  get image(): InstanceImage {
    return this.#image;
  }

  #takeImage(policy: SdkPolicy, data: Uint8Array): InstanceImage {
    policy.setData(new Uint8Array(data).buffer);
    const heap = policy.dataHeapPtr as number;
    return { bytes: new Uint8Array(this.#memory.buffer.slice(0, heap)), dataAddress: policy.dataAddr as number, heap };
  }

  /** Puts everything back as it was before the first evaluation. Returns false when the memory grew, which cannot be undone. */
  restore(): boolean {
    this.#host.view().set(this.#image.bytes);
    this.#stackPointer.value = this.#stackTop;
    return this.memoryBytes === this.#baseBytes;
  }

  get abi(): { readonly major: number; readonly minor: number } {
    return { major: Number(this.#exports.opa_wasm_abi_version.value), minor: Number(this.#exports.opa_wasm_abi_minor_version.value) };
  }

  /** Bytes of memory in use; they never shrink. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /**
   * Evaluates one entrypoint over JSON text (undefined: no input). Returns the result, `undefined` when the entrypoint is. Throws RemitError for an
   * evaluation that failed; the instance must not be used again after that.
   */
  evaluate(entrypoint: number, input: string | undefined, nowMs: number): unknown {
    const { text, failure } = this.ask({ entrypoint, input, nowNs: nanoseconds(nowMs), format: "json" });
    checkBuiltins(failure, this.#builtinErrors);
    const rows = JSON.parse(text) as readonly { readonly result: unknown }[];
    return rows[0]?.result;
  }

  /** As {@link evaluate}, with the result as Rego has it: sets are sets, in OPA's order. */
  value({ entrypoint, input, nowMs, builtinErrors }: ValueQuestion): Value | undefined {
    const { text, failure } = this.ask({ entrypoint, input, nowNs: nanoseconds(nowMs), format: "value" });
    checkBuiltins(failure, builtinErrors);
    const rows = readValue(text);
    const row = rows instanceof RegoSet ? rows.items[0] : undefined;
    return row instanceof RegoObject ? row.get("result") : undefined;
  }

  /** As {@link evaluate}, for any question; a builtin that failed is told and not thrown. */
  ask({ entrypoint, input, nowNs, format }: Question): RawAnswer {
    this.#state.nowNs = nowNs;
    this.#state.failure = undefined;
    this.#state.cache.clear();
    this.#owed = 0;
    this.#fuel.value = this.#fuelMax;
    this.#stackPointer.value = this.#stackTop;
    const text = this.#run(entrypoint, input ?? "", format === "json" ? 0 : 1);
    return { text, failure: this.#state.failure };
  }

  #run(entrypoint: number, input: string, format: 0 | 1): string {
    try {
      const { heap, dataAddress } = this.#image;
      const length = this.#write(input, heap);
      const result = this.#exports.opa_eval(0, entrypoint, dataAddress, heap, length, heap + length, format);
      return format === 0 ? this.#read(result) : this.#host.text(result);
    } catch (thrown) {
      throw this.#failure(thrown);
    }
  }

  /** Takes fuel for work that is done outside of the module. Small amounts are put together: the counter is dear to reach. */
  #spend(units: number): void {
    this.#owed += units;
    if (this.#owed < owedMax) return;
    const left = Number(this.#fuel.value) - Math.ceil(this.#owed);
    this.#owed = 0;
    this.#fuel.value = Math.max(left, -1);
    if (left < 0) throw new PolicyAbort("no fuel is left");
  }

  /** Writes the input behind the data. The module sets its heap behind the input, so it does not have to know that memory grew. */
  #write(input: string, at: number): number {
    const room = this.#memory.buffer.byteLength - at;
    const missing = input.length * 3 > room ? Buffer.byteLength(input) - room : 0;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / pageBytes));
    return this.#host.view().write(input, at, "utf8");
  }

  #read(address: number): string {
    const bytes = this.#host.view();
    return bytes.toString("utf8", address, bytes.indexOf(0, address));
  }

  /** Says what ended an evaluation: fuel, memory, or the policy itself. */
  #failure(thrown: unknown): RemitError {
    if (Number(this.#fuel.value) < 0)
      return new RemitError("policy_timeout", `more than ${this.#fuelMax} fuel units were needed`, { cause: thrown });
    if (thrown instanceof PolicyAbort && thrown.message.includes("opa_malloc")) return memoryError(thrown);
    // Only the host's own `memory.grow` throws a RangeError with this text; a stack overflow is a RangeError too.
    if (thrown instanceof RangeError && thrown.message.includes("grow")) return memoryError(thrown);
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    return new RemitError("policy_error", `the evaluation was aborted: ${why.slice(0, 500)}`, { cause: thrown });
  }
}

function nanoseconds(nowMs: number): bigint {
  return BigInt(Math.trunc(nowMs)) * 1_000_000n;
}

function checkBuiltins(failure: string | undefined, builtinErrors: BuiltinErrors): void {
  if (failure !== undefined && builtinErrors === "deny") throw new RemitError("policy_error", `a builtin failed: ${failure}`);
}

function memoryError(cause: unknown): RemitError {
  return new RemitError("policy_memory", "the memory limit was reached", { cause });
}
