import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { buildInModule, moduleFolder } from "../tools/go-install.ts";
import { pinnedTools } from "../tools/pinned.ts";

/** One query over modules, data and input, both Rego value text; no input is an input that is undefined. */
export interface Question {
  readonly id: string;
  readonly query: string;
  readonly modules: readonly string[];
  readonly data?: string;
  readonly input?: string;
  readonly now_ns?: number;
  readonly no_wasm?: boolean;
  readonly no_answer?: boolean;
  /** Rego v0, which still has the deprecated builtins. */
  readonly v0?: boolean;
  /** Asks the same query once more for each of them. */
  readonly inputs?: readonly string[];
}

/** The module as base64, and what OPA says, with one outcome more for each of the question's `inputs`. */
export interface Answer extends Outcome {
  readonly id: string;
  readonly compile_error?: string;
  readonly wasm?: string;
  readonly outcomes?: readonly Outcome[];
}

/** Rows of bindings as Rego value text, or the code of an error. */
export interface Outcome {
  readonly rows?: readonly string[];
  readonly error?: string;
  /** The error that strict builtin errors make of it: a builtin failed on the way. */
  readonly strict_error?: string;
}

/** A case of OPA's own suite, with OPA's answer. */
export interface SuiteCase extends Omit<Question, "id">, Omit<Answer, "id"> {
  readonly note: string;
  readonly group: string;
  readonly file: string;
  /** Arrays that come from sets are to be compared in any order. */
  readonly sorted?: boolean;
  readonly want: "defined" | "undefined" | "error" | "strict_error";
}

const source = resolve(import.meta.dirname, "main.go");
const cacheDir = resolve(import.meta.dirname, "../../.cache");

/** Builds the oracle over the pinned OPA unless it is there already; returns its path, or what is in the way. */
export function buildOracle(): { readonly path: string } | { readonly problem: string } {
  const digest = createHash("sha256").update(readFileSync(source)).digest("hex").slice(0, 16);
  const file = join(cacheDir, `oracle-${pinnedTools.opa.version}-${digest}`, "oracle");
  if (existsSync(file)) return { path: file };
  mkdirSync(join(file, ".."), { recursive: true });
  const work = mkdtempSync(join(file, "../build-"));
  try {
    copyFileSync(source, join(work, "main.go"));
    const problem = buildInModule(pinnedTools.opa, work, "oracle");
    if (problem !== undefined) return { problem };
    renameSync(join(work, "oracle"), file);
    return { path: file };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Every case of the suite that comes inside the pinned OPA's module, or of some of its groups, as they are compiled. */
export async function* suiteCases(oracle: string, groups: readonly string[]): AsyncGenerator<SuiteCase> {
  const folder = join(moduleFolder(pinnedTools.opa), "v1/test/cases/testdata");
  const child = spawn(oracle, ["cases", folder, ...groups], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((done) => child.once("close", done));
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }))
    yield JSON.parse(line) as SuiteCase;
  const status = await ended;
  if (status !== 0) throw new Error(`the oracle ended with status ${status}`);
}

/** A running oracle that answers one question after the other. */
export class Oracle {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string) {
    this.#child = spawn(path, ["serve"], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  }

  async ask(question: Question): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the oracle died of ${JSON.stringify(question).slice(0, 2000)}`);
    return JSON.parse(value) as Answer;
  }

  close(): void {
    this.#child.stdin.end();
  }
}
