import { describe, expect, it } from "vitest";
import { rewriteModule } from "../../../service/engine/wasm-rewrite.ts";
import { fixtureWasm } from "./hazard.ts";

const name = (text: string) => [text.length, ...Buffer.from(text)];
const section = (id: number, ...content: number[]) => [id, ...leb(content.length), ...content];
const leb = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 0x80, ...leb(Math.floor(value / 128))]);

const memoryImport = [...name("env"), ...name("memory"), 2, 0, 1];
/** `(global (mut i32) (i32.const 65536))` */
const stackPointer = [0x7f, 1, 0x41, 0x80, 0x80, 0x04, 0x0b];
const i32 = 0x7f;

interface Parts {
  readonly imports?: readonly number[][];
  readonly globals?: readonly number[][];
  readonly locals?: readonly number[];
}

/** A module whose one function, exported as `run`, has this body. */
function moduleOf(body: readonly number[], { imports = [memoryImport], globals = [stackPointer], locals = [0] }: Parts = {}): Buffer {
  const code = [...locals, ...body, 0x0b];
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(2, imports.length, ...imports.flat()),
    ...section(3, 1, 0),
    ...section(6, globals.length, ...globals.flat()),
    ...section(7, 1, ...name("run"), 0, 0),
    ...section(10, 1, ...leb(code.length), ...code),
  ]);
}

interface Running {
  readonly run: () => void;
  readonly fuel: WebAssembly.Global;
  readonly stack: WebAssembly.Global;
}

function start(wasm: Buffer): Running {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  const module = new WebAssembly.Module(new Uint8Array(rewriteModule(wasm, new Set()).bytes));
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const { run, remit_fuel, remit_stack_pointer } = exports;
  return { run: run as () => void, fuel: remit_fuel as WebAssembly.Global, stack: remit_stack_pointer as WebAssembly.Global };
}

function burn(wasm: Buffer, fuel: number): number {
  const running = start(wasm);
  running.fuel.value = fuel;
  running.run();
  return fuel - Number(running.fuel.value);
}

const endless = [0x03, 0x40, 0x0c, 0, 0x0b];
const nop = 0x01;

describe("fuel", () => {
  it.each([
    ["an endless loop", endless],
    ["an endless loop within a block", [0x02, 0x40, ...endless, 0x0b]],
    ["an endless recursion", [0x10, 0]],
    ["a loop behind a select with a type", [0x41, 1, 0x41, 2, 0x41, 0, 0x1c, 1, i32, 0x1a, ...endless]],
    ["a loop behind constants that look like other instructions", [0x44, 3, 3, 3, 3, 3, 3, 3, 3, 0x1a, 0x43, 3, 3, 3, 3, 0x1a, ...endless]],
    [
      "a loop behind a load, a branch table and saturating arithmetic",
      [
        ...[0x41, 0, 0x28, 2, 0x83, 0x06, 0x1a],
        ...[0x02, 0x40, 0x41, 0, 0x0e, 1, 0, 0, 0x0b],
        ...[0x43, 0, 0, 0, 0, 0xfc, 0, 0x1a],
        ...endless,
      ],
    ],
    ["a loop behind memory.fill", [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 11, 0, ...endless]],
  ])("stops %s, and says so by a negative counter", (_name, body) => {
    const running = start(moduleOf(body));
    running.fuel.value = 1000;

    expect(running.run).toThrow(WebAssembly.RuntimeError);

    expect(running.fuel.value).toBe(-1);
  });

  it("is one unit for each function entered and each turn of a loop", () => {
    const fiveTurns = [0x03, 0x40, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, 5, 0x48, 0x0d, 0, 0x0b];

    expect(burn(moduleOf([nop]), 1000)).toBe(1);
    expect(burn(moduleOf(fiveTurns, { locals: [1, 1, i32] }), 1000)).toBe(6);
  });

  it("is large when the module starts, before anybody could set it", () => {
    expect(start(moduleOf([nop])).fuel.value).toBe(0x7fffffff);
  });
});

describe("the stack pointer", () => {
  it("is exported and can be set back", () => {
    const moveStack = [0x23, 0, 0x41, 16, 0x6b, 0x24, 0];
    const running = start(moduleOf(moveStack));

    running.run();
    expect(running.stack.value).toBe(65_520);

    running.stack.value = 65_536;
    expect(running.stack.value).toBe(65_536);
  });
});

describe("modules that are not what OPA makes", () => {
  const other = [0x7f, 1, 0x41, 0, 0x0b];
  it.each([
    ["names the counter's global", moduleOf([0x41, 0, 0x24, 1]), /uses a global that it does not have/],
    ["has no stack pointer", moduleOf([nop], { globals: [other] }), /stack pointer cannot be told/],
    ["has two candidates for it", moduleOf([nop], { globals: [stackPointer, stackPointer] }), /stack pointer cannot be told/],
    ["has another global that can change", moduleOf([nop], { globals: [stackPointer, other] }), /stack pointer cannot be told/],
    ["changes a table", moduleOf([0x41, 0, 0xd0, 0x70, 0x26, 0]), /instruction 0x26 is not known/],
    ["drops a segment", moduleOf([0xfc, 9, 0]), /instruction 0xfc 9 is not known/],
    ["has no globals", moduleOf([nop], { globals: [] }), /stack pointer cannot be told/],
    ["imports a global", moduleOf([nop], { imports: [memoryImport, [...name("env"), ...name("g"), 3, i32, 1]] }), /imports `env.g`/],
    [
      "imports a function that is not OPA's",
      moduleOf([nop], { imports: [memoryImport, [...name("env"), ...name("exit"), 0, 0]] }),
      /imports `env.exit`/,
    ],
    [
      "imports from elsewhere",
      moduleOf([nop], { imports: [memoryImport, [...name("wasi"), ...name("opa_abort"), 0, 0]] }),
      /imports `wasi.opa_abort`/,
    ],
    ["imports no memory", moduleOf([nop], { imports: [] }), /imports no memory/],
    ["uses vectors", moduleOf([0xfd, 12, ...new Array(16).fill(0), 0x1a]), /instruction 0xfd is not known/],
    ["uses tail calls", moduleOf([0x12, 0]), /instruction 0x12 is not known/],
    ["uses exceptions", moduleOf([0x06, 0x40, 0x19, 0x0b]), /instruction 0x6 is not known/],
    ["names a second memory", moduleOf([0x41, 0, 0x28, 0x42, 1, 0, 0x1a]), /more than one memory/],
    ["has locals of another type", moduleOf([nop], { locals: [1, 1, 0x63, 0x70] }), /value type 0x63 is not known/],
  ])("are refused when one %s", (_name, wasm, message) => {
    expect(() => rewriteModule(wasm, new Set())).toThrow(
      expect.objectContaining({ code: "bundle_invalid", message: expect.stringMatching(message) }),
    );
  });

  it("are refused or harmless when cut at any byte", () => {
    const wasm = moduleOf(endless);
    for (let length = 0; length < wasm.length; length++) {
      const cut = wasm.subarray(0, length);
      const usable = () => new WebAssembly.Module(new Uint8Array(rewriteModule(cut, new Set()).bytes));
      expect(usable).toThrow();
    }
  });
});

describe("a module of OPA", () => {
  it("gets a check for every loop, and stays valid", () => {
    const wasm = fixtureWasm("hazard");
    const { bytes } = rewriteModule(wasm, new Set());

    expect(WebAssembly.validate(new Uint8Array(bytes))).toBe(true);
    expect(bytes.length).toBeGreaterThan(wasm.length);
  });

  it("is refused when it was rewritten before", () => {
    const once = rewriteModule(fixtureWasm("hazard"), new Set()).bytes;

    expect(() => rewriteModule(once, new Set())).toThrow(/stack pointer cannot be told/);
  });
});
