import { buildOracle, suiteCases } from "../oracle/oracle.ts";
import { judge } from "./judge.ts";

const groups = process.argv.slice(2);
const oracle = buildOracle();
if ("problem" in oracle) throw new Error(oracle.problem);
const counts = new Map<string, number>();
const byGroup = new Map<string, Map<string, number>>();
for await (const item of suiteCases(oracle.path, groups)) {
  let verdict: { kind: string; detail: string };
  try {
    verdict = judge(item);
  } catch (e) {
    verdict = { kind: "crash", detail: String(e) };
  }
  counts.set(verdict.kind, (counts.get(verdict.kind) ?? 0) + 1);
  const g = byGroup.get(item.group) ?? new Map();
  byGroup.set(item.group, g);
  g.set(verdict.kind, (g.get(verdict.kind) ?? 0) + 1);
  if (verdict.kind !== "equal") console.log(`${verdict.kind}\t${item.file}\t${item.note}\t${verdict.detail.slice(0, 400)}`);
}
console.log(JSON.stringify(Object.fromEntries(counts)));
