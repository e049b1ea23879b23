/** Writes `rego/capabilities.json`: what a policy may call. `--check` fails when it is stale. Needs the pinned OPA and Go. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { refusedBuiltins } from "../service/engine/builtins/index.ts";
import { load } from "./oracle/judge.ts";
import { buildOracle, Oracle } from "./oracle/oracle.ts";
import { compileTime } from "./pages/builtins.ts";
import { toolPath } from "./tools/find.ts";

interface Declared {
  readonly name: string;
  readonly decl: { readonly args?: readonly unknown[] };
  readonly deprecated?: boolean;
}

interface Capabilities {
  readonly builtins: readonly Declared[];
}

const file = "rego/capabilities.json";

/** What only people read. */
const prose: ReadonlySet<string> = new Set(["description", "categories", "introduced"]);

/** OPA's capabilities without the builtins that a policy would find missing here. */
async function capabilities(opa: string, oracle: Oracle): Promise<string> {
  const output = execFileSync(opa, ["capabilities", "--current"], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const { builtins, ...others } = JSON.parse(output) as Capabilities;
  const kept: Declared[] = [];
  for (const declared of builtins) if (await isGiven(declared, oracle)) kept.push(declared);
  const rest = Object.entries(others).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const lines = kept.map((declared) => `    ${JSON.stringify(declared, (key, value: unknown) => (prose.has(key) ? undefined : value))}`);
  return `{\n  "builtins": [\n${lines.join(",\n")}\n  ],\n${rest.join(",\n")}\n}\n`;
}

/** Compiles a call, and looks whether the module asks its host for something that ours does not have. */
async function isGiven({ name, decl, deprecated = false }: Declared, oracle: Oracle): Promise<boolean> {
  if (Object.hasOwn(refusedBuiltins, name)) return false;
  if (compileTime.has(name)) return true;
  const operands = (decl.args ?? []).map((_, index) => `input[${index}]`).join(", ");
  const { wasm, compile_error: problem } = await oracle.ask({
    id: name,
    query: `x = ${name}(${operands})`,
    modules: [],
    v0: deprecated,
    no_answer: true,
  });
  if (wasm === undefined) throw new Error(`a call of ${name} cannot be compiled: ${problem}`);
  return "ask" in load(wasm);
}

async function main(check: boolean): Promise<void> {
  const opa = await toolPath("opa");
  const built = buildOracle();
  if (opa === undefined || "problem" in built) throw new Error("problem" in built ? built.problem : "there is no OPA");
  const oracle = new Oracle(built.path);
  const text = await capabilities(opa, oracle);
  oracle.close();
  const current = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (current === text) return;
  if (check) process.exitCode = 1;
  else writeFileSync(file, text);
  console.log(check ? `stale: ${file}; run \`make capabilities\`` : `wrote ${file}`);
}

await main(process.argv.includes("--check"));
