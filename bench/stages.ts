/** CPU of each stage of one decision, in this process, one stage at a time. Compiled, since a loader in between would be measured too: `make bench-stages`. */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadConfig } from "../service/config/load.ts";
import { lookUpTool } from "../service/decide/catalog.ts";
import { createDecide } from "../service/decide/decide.ts";
import { readDecision } from "../service/decide/decision.ts";
import type { DecisionRecord } from "../service/decide/decision-record.ts";
import { buildPolicyInput } from "../service/decide/policy-input.ts";
import type { ToolEntry } from "../service/decide/ports.ts";
import type { DecideContext, DecidePorts } from "../service/decide/run.ts";
import { type Recall, recall } from "../service/decide/session/recall.ts";
import { reserve } from "../service/decide/session/reserve.ts";
import { declareGrant } from "../service/decide/session/sessions.ts";
import { valueNames } from "../service/decide/session/values.ts";
import type { ToolCall } from "../service/decide/tool-call.ts";
import { createDecisionLog } from "../service/decision-log/decision-log.ts";
import { maskRecord } from "../service/decision-log/mask.ts";
import { createPolicyMask } from "../service/decision-log/policy-mask.ts";
import { createFileSink } from "../service/decision-log/sinks/file.ts";
import { toToolCall, toWire } from "../service/dialects/native.ts";
import { createPolicySet } from "../service/engine/policy-set.ts";
import { createTokenVerifier } from "../service/identity/agent-token.ts";
import { generateApiKey, hashApiKey } from "../service/identity/api-key.ts";
import { createPepAuthenticator } from "../service/identity/pep.ts";
import { uuid7 } from "../service/ids.ts";
import { parseStrictJson } from "../service/json/strict-json.ts";
import { policySetOptions } from "../service/policy-wiring.ts";
import { createSessions } from "../service/session-wiring.ts";
import { createLogger } from "../service/telemetry/logger.ts";
import { createMetrics } from "../service/telemetry/metrics.ts";
import { benchBundle } from "./bundle.ts";
import { machineLines } from "./machine.ts";
import { makeQuestion } from "./request.ts";

const iban = "GB29NWBK60161331926819";
const calls = 4000;
const rounds = 5;

/** CPU microseconds per call, all threads of this process: the best of a few rounds after a warm-up. */
async function cost(run: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < calls; i++) await run();
    const used = process.cpuUsage(before);
    if (round > 0) best = Math.min(best, (used.user + used.system) / calls);
  }
  return best;
}

const dir = resolve("var/bench/stages");
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });

const question = await makeQuestion();
const body = Buffer.from(question.body);
const { issuer, audience, publicKey } = question.issuer;
const config = loadConfig(undefined, { REMIT_AUTH_MODE: "none", REMIT_VAR_DIR: dir, REMIT_BUNDLE_SOURCE: await benchBundle() });
const logger = createLogger({ level: "error", format: "json" });
const metrics = createMetrics({ version: "bench" });
const policies = createPolicySet({ ...policySetOptions(config, logger, metrics), watch: false });
await policies.start();
const snapshot = policies.current();
if (snapshot === undefined) throw new Error("the default bundle was refused");

const key = generateApiKey("bench");
const peps = createPepAuthenticator({
  mode: "required",
  peps: [
    {
      id: "bench",
      tenant: "default",
      dialects: ["native"],
      permissions: ["decide"],
      assertsSubject: false,
      annotationsTrusted: false,
      apiKeysSha256: [hashApiKey(key)],
    },
  ],
  onResult: (pep, result) => metrics.pepAuthenticated(pep, result),
});
const headers = { "x-api-key": key };
const pep = await peps.authenticate(headers, "127.0.0.1", Date.now());

const tokens = createTokenVerifier({
  issuers: [{ issuer, audience: [audience], algorithms: ["ES256"], jwks: { keys: [publicKey] } }],
  onResult: (from, result) => metrics.tokenVerified(from, result),
});
const remembering = createSessions(config, logger, metrics);
const sessions = remembering.deps;
const clock = { nowMs: () => Date.now() };
const policyMask = createPolicyMask(clock, () => undefined);
const log = createDecisionLog({
  sinks: [createFileSink(join(dir, "decisions.jsonl"))],
  flushMs: 5,
  queueRecordsMax: 1_000_000,
  queueBytesMax: 1_073_741_824,
  policyMask,
  onWritten: () => undefined,
  onPending: () => undefined,
  onError: (error) => {
    throw error;
  },
});

const records: DecisionRecord[] = [];
const keep = { write: (record: DecisionRecord) => void records.push(record) };
const ports: DecidePorts = {
  engine: policies,
  tokens,
  sessions,
  turns: remembering.turns,
  bindingTokens: remembering.bindingTokens,
  log,
  metrics: metrics.decisions,
  clock,
  newId: uuid7,
  labels: { id: "bench", version: "bench" },
};
const signal = new AbortController().signal;
const ids = { requestId: "r-1", requestedBy: "127.0.0.1:40000", traceId: null, spanId: null, batchId: null, snapshot: null };
const context: DecideContext = { dialect: "native", signal, ...ids };
const nowMs = clock.nowMs();
const parsed = parseStrictJson(body, { depthMax: 64, nodesMax: 10_000 });
const call = toToolCall(parsed);
// Twice: then the session is known and the token cached, as they are in every later call.
for (let i = 0; i < 2; i++) await createDecide({ ...ports, log: keep })(call, pep, context);
const outcome = await createDecide({ ...ports, log: keep })(call, pep, context);
if (outcome.kind !== "decided" || !outcome.decision.allow) throw new Error("the call was not allowed");
const record = records.at(-1);
if (record === undefined) throw new Error("the call was not recorded");

const token = await tokens.verify(call.token ?? "", nowMs, signal);
const tool = lookUpTool(snapshot.data, call, false);
const query = (asked: ToolCall, entry: ToolEntry) => ({
  ...{ tenant: "default", subject: "emma", agent: "support-agent", call: asked, tool: entry, data: snapshot.data },
  nowMs: Date.now(),
});
/** A payment to an account that the task named, in a session with a grant, a reported result and some history. */
const payment = { ...call, server: "banking", tool: "send_money", arguments: { recipient: iban, amount: 12.5, subject: "rent for May" } };
const paymentTool = lookUpTool(snapshot.data, payment, false);
await declareGrant(
  sessions,
  { tenant: "default", subject: "emma", agent: "support-agent", id: "s-paying" },
  { request: { task: `Pay the rent of 12.50 to ${iban}` }, signed: false, approval: null, life: "bench" },
  nowMs,
);
const paying = { ...payment, sessionId: "s-paying" };
const recalled = (asked: ToolCall, entry: ToolEntry) => {
  const what = query(asked, entry);
  return recall(sessions, what, valueNames(what, sessions.mark)) as Recall;
};
const { effects } = outcome.decision;
const reserved = (asked: ToolCall, entry: ToolEntry): void => {
  const result = reserve(sessions, recalled(asked, entry), { decisionId: uuid7(Date.now()), pepId: "bench", effects });
  if (result !== "done") throw new Error(`the call was not reserved: ${JSON.stringify(result)}`);
};
let accounts = 0;
/** Nothing that was read of one account helps with the next. */
const toNewAccount = (): ToolCall => {
  const recipient = `GB29NWBK6016${String(++accounts).padStart(10, "0")}`;
  return { ...paying, arguments: { ...paying.arguments, recipient } };
};
const memory = recalled(call, tool).memory;
const build = () => buildPolicyInput({ call, pep, tool, token, memory, requestId: "r-1", nonce: outcome.decisionId, nowMs });
const input = build();
const evaluation = snapshot.evaluate("remit/decision", input, nowMs);
if (!evaluation.ok) throw evaluation.error;
const decided = {
  dialect: "native",
  outcome: "allow",
  reason: "role_permits",
  class: tool.class,
  tool: { server: call.server, name: call.tool },
  failure: null,
  decisionId: "d-1",
  attempts: 1,
  durationS: 0.0002,
  evaluationS: 0.0001,
} as const;
const allowed = async (decide: ReturnType<typeof createDecide>): Promise<void> => {
  const answer = await decide(call, pep, context);
  if (answer.kind !== "decided" || !answer.decision.allow) throw new Error(`the call was not allowed: ${JSON.stringify(answer)}`);
};
const withoutLog = createDecide({ ...ports, log: { write: () => undefined } });
const whole = createDecide(ports);

/** Indented stages are parts of the one above. */
const stages: Readonly<Record<string, () => unknown>> = {
  "parse the body strictly": () => parseStrictJson(body, { depthMax: 64, nodesMax: 10_000 }),
  "  JSON.parse alone": () => JSON.parse(body.toString()),
  "validate (zod) and translate": () => toToolCall(parsed),
  "authenticate by API key": () => peps.authenticate(headers, "127.0.0.1", nowMs),
  "token, cached": () => tokens.verify(call.token ?? "", nowMs, signal),
  catalog: () => lookUpTool(snapshot.data, call, false),
  "session: recall and reserve, an update": () => reserved(call, tool),
  "  recall": () => recalled(call, tool),
  "session: recall and reserve, a payment with a destination": () => reserved(paying, paymentTool),
  "  recall ": () => recalled(paying, paymentTool),
  "session: recall and reserve, a payment to an account never seen": () => reserved(toNewAccount(), paymentTool),
  "build input": build,
  "evaluate remit/decision": () => snapshot.evaluate("remit/decision", input, nowMs),
  "  JSON.stringify of input": () => JSON.stringify(input),
  "read the decision": () => readDecision(evaluation.result, outcome.decisionId),
  "record: mask, serialize, queue, write": () => log.write(record, snapshot),
  "  default masking": () => maskRecord(record, () => []),
  "  evaluate system/log/mask": () => policyMask(record, snapshot),
  "  JSON.stringify of the record": () => JSON.stringify(record),
  "count (metrics)": () => metrics.decisions.decided(decided),
  "answer: translate and JSON.stringify": () => JSON.stringify(toWire(outcome)),
  "decide, all steps but the record": () => allowed(withoutLog),
  "decide, all steps": () => allowed(whole),
  "body to answer, without HTTP": async () =>
    JSON.stringify(toWire(await whole(toToolCall(parseStrictJson(body, { depthMax: 64, nodesMax: 10_000 })), pep, context))),
};

const lines = [...machineLines().slice(0, 1), `Node ${process.version}, body of ${body.length} bytes`].map((line) => `- ${line}`);
console.log([...lines, "", "| stage | CPU µs |", "|---|---:|"].join("\n"));
for (const [name, run] of Object.entries(stages)) {
  const us = await cost(run);
  console.log(`| ${name.trimEnd().replace(/^ {2}/, "&nbsp;&nbsp;")} | ${us.toFixed(1)} |`);
  await log.flush();
}
await log.close();
policies.close();
await sessions.store.close();
rmSync(dir, { recursive: true, force: true });
process.exit(0);
