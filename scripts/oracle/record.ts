/**
 * Asks OPA for the answers in fixtures of builtins and writes them down: `npx tsx scripts/oracle/record.ts FILE…`. A fixture is a list of
 * `[builtin, [Rego text of each argument], answer]`; the answer is Rego text, null where the builtin is undefined, and `fails` where it fails.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { readValue } from "../../service/engine/value/read.ts";
import { RegoObject } from "../../service/engine/value/value.ts";
import { wireText } from "../../service/engine/value/write.ts";
import { buildOracle, Oracle } from "./oracle.ts";

type Row = readonly [string, readonly string[], (string | null)?];

async function answerOf(oracle: Oracle, [name, args]: Row): Promise<string | null> {
  const operands = args.map((_, index) => `input[${index}]`).join(", ");
  const question = { id: name, query: `x = ${name}(${operands})`, modules: [], input: `[${args.join(", ")}]` };
  const { rows, error, strict_error } = await oracle.ask({ ...question, now_ns: 1_795_488_384_652_000_000, no_wasm: true });
  if (error !== undefined) throw new Error(`${name}(${args.join(", ")}): ${error}`);
  if (strict_error !== undefined) return "fails";
  const row = rows?.[0] === undefined ? undefined : readValue(rows[0]);
  const value = row instanceof RegoObject ? row.get("x") : undefined;
  return value === undefined ? null : wireText(value);
}

const built = buildOracle();
if ("problem" in built) throw new Error(built.problem);
const oracle = new Oracle(built.path);
for (const file of process.argv.slice(2)) {
  const rows = JSON.parse(readFileSync(file, "utf8")) as readonly Row[];
  const lines: string[] = [];
  for (const row of rows) lines.push(JSON.stringify([row[0], row[1], await answerOf(oracle, row)]));
  writeFileSync(file, `[\n${lines.join(",\n")}\n]\n`);
  console.log(`${file}: ${rows.length} answers`);
}
oracle.close();
