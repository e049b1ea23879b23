import type { Json } from "../decide/json.ts";
import type { Evaluation, PolicyAnswer, PolicyQuestion } from "../decide/ports.ts";
import { RemitError, toRemitError } from "../errors.ts";
import { type InstanceOptions, PolicyInstance } from "./instance.ts";
import { descend, toJson } from "./value/descend.ts";

/** An instance whose memory grew beyond this many times its first size is replaced: it would never give the memory back. */
const growthMax = 4;

/**
 * A loaded policy: one instance in use and one in reserve. After a failed evaluation the instance is put back as it was at first, which
 * takes microseconds; one whose memory grew is replaced, so that no caller can make the failures of others expensive.
 */
export class WasmPolicy {
  readonly #options: InstanceOptions;
  readonly #baseBytes: number;
  #instance: PolicyInstance;
  #spare: PolicyInstance | undefined;
  #busy = false;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#instance = new PolicyInstance(options);
    this.#baseBytes = this.#instance.memoryBytes;
  }

  get entrypoints(): ReadonlySet<string> {
    return new Set(Object.keys(this.#instance.entrypoints));
  }

  get abi(): { readonly major: number; readonly minor: number } {
    return this.#instance.abi;
  }

  /** Names of the builtins that the module imports. */
  get builtinNames(): readonly string[] {
    return this.#instance.builtinNames;
  }

  /** Synchronous, bounded, never throws. `input` must be an object: anything else would be evaluated as no input. */
  evaluate(entrypoint: string, input: unknown, nowMs: number): Evaluation {
    const started = performance.now();
    const took = () => Math.round((performance.now() - started) * 1e6);
    try {
      const result = this.#evaluate(entrypoint, input, nowMs);
      if (result === undefined) throw new RemitError("policy_undefined", `\`${entrypoint}\` is undefined`);
      return { ok: true, result, evalNs: took() };
    } catch (thrown) {
      return { ok: false, error: toRemitError(thrown, "policy_error"), evalNs: took() };
    }
  }

  /** As {@link evaluate}, in OPA's own semantics: any input or none, sets in order, and undefined where OPA's would be. */
  query({ entrypoint, below = [], input, builtinErrors, nowMs }: PolicyQuestion): PolicyAnswer {
    const started = performance.now();
    const took = () => Math.round((performance.now() - started) * 1e6);
    try {
      const id = this.#entrypoint(entrypoint);
      if (id === undefined) return { kind: "undefined", evalNs: took() };
      const text = input === undefined ? undefined : wellFormed(JSON.stringify(input));
      const whole = this.#exclusively(() => this.#instance.value({ entrypoint: id, input: text, nowMs, builtinErrors }));
      const value = whole === undefined ? undefined : descend(whole, below);
      if (value === undefined) return { kind: "undefined", evalNs: took() };
      return { kind: "value", value: toJson(value) as Json, evalNs: took() };
    } catch (thrown) {
      return { kind: "error", error: toRemitError(thrown, "policy_error"), evalNs: took() };
    }
  }

  #entrypoint(name: string): number | undefined {
    return Object.hasOwn(this.#instance.entrypoints, name) ? this.#instance.entrypoints[name] : undefined;
  }

  #evaluate(entrypoint: string, input: unknown, nowMs: number): unknown {
    const text = inputText(input);
    const id = this.#entrypoint(entrypoint);
    if (id === undefined) throw new RemitError("policy_undefined", `the bundle has no entrypoint \`${entrypoint}\``);
    return this.#exclusively(() => this.#instance.evaluate(id, text, nowMs));
  }

  #exclusively<T>(evaluate: () => T): T {
    // Both evaluations would share one heap, and the outer one would silently lose its result.
    if (this.#busy) throw new RemitError("policy_error", "a policy cannot be evaluated within its own evaluation");
    this.#busy = true;
    try {
      const result = evaluate();
      if (this.#instance.memoryBytes > growthMax * this.#baseBytes) this.#replace();
      return result;
    } catch (thrown) {
      if (!this.#instance.restore()) this.#replace();
      throw thrown;
    } finally {
      this.#busy = false;
    }
  }

  /** Takes the reserve, and makes another once the answer is out. */
  #replace(): void {
    this.#instance = this.#spare ?? this.#another();
    this.#spare = undefined;
    setImmediate(() => this.#prepareSpare());
  }

  #another(): PolicyInstance {
    return new PolicyInstance(this.#options, this.#instance.image);
  }

  #prepareSpare(): void {
    try {
      this.#spare ??= this.#another();
    } catch {
      // Out of memory for now: the next replacement tries again, and says why when it cannot.
    }
  }
}

/**
 * The input as JSON text. Only plain objects: a buffer, a date or anything with a `toJSON` would become another document, and a text
 * that is not an object would be evaluated as no input at all.
 */
function inputText(input: unknown): string {
  if (!isPlainObject(input)) throw new RemitError("policy_error", "the input is not a plain object");
  const text = JSON.stringify(input);
  if (text === undefined || !text.startsWith("{")) throw new RemitError("policy_error", "the input is not a plain object");
  return wellFormed(text);
}

/** The door refuses lone surrogates; one that came another way would abort the module, as an escape with an odd backslash. */
function wellFormed(text: string): string {
  if (text.includes("\\ud") && loneSurrogate.test(text)) throw new RemitError("policy_error", "the input holds a lone surrogate");
  return text;
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const loneSurrogate = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;
