#!/usr/bin/env node
// A command hook of a coding agent: hands what it gets on standard input to Remit, and prints Remit's answer.
//   remit-hook.mjs claude-code|codex|copilot|cursor [--remit URL] [--api-key-file FILE] [--header 'name: value']... [--timeout-ms N]
// Whatever goes wrong is a no in the agent's own form, with exit status 2, by which each of these agents blocks.
import { randomUUID } from "node:crypto";
import { readFileSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";

const inputBytesMax = 16 * 1024 * 1024;
const answerBytesMax = 1024 * 1024;

const claudeNo = (reason) => ({
  hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "deny", permissionDecisionReason: reason },
});
/** By agent: its no, and what it reads a decision from. */
const agents = {
  "claude-code": { no: claudeNo, read: (answer) => answer.hookSpecificOutput?.permissionDecision },
  codex: { no: claudeNo, read: (answer) => answer.hookSpecificOutput?.permissionDecision },
  copilot: {
    no: (reason) => ({ permissionDecision: "deny", permissionDecisionReason: reason, behavior: "deny", message: reason }),
    read: (answer) => answer.permissionDecision,
  },
  cursor: { no: (reason) => ({ permission: "deny", user_message: reason, agent_message: reason }), read: (answer) => answer.permission },
};

async function main() {
  const { values, positionals } = parseArgs({
    options: {
      remit: { type: "string", default: "http://127.0.0.1:8181" },
      "api-key-file": { type: "string" },
      header: { type: "string", multiple: true, default: [] },
      "timeout-ms": { type: "string", default: "2000" },
    },
    allowPositionals: true,
  });
  const [name, ...others] = positionals;
  if (!Object.hasOwn(agents, name ?? "") || others.length > 0) throw new Error(`name one agent of ${Object.keys(agents).join(", ")}`);
  const answer = await ask({ name, values, input: await readInput() });
  const decision = agents[name].read(answer);
  const isNoOpinion = Object.keys(answer).length === 0;
  if (!isNoOpinion && decision !== "deny" && decision !== "allow") throw new Error("remit gave no valid answer");
  writeSync(1, `${JSON.stringify(answer)}\n`);
}

async function readInput() {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    bytes += chunk.length;
    if (bytes > inputBytesMax) throw new Error(`the hook's input is longer than ${inputBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body of Remit's answer. Throws for everything but a 200 with a JSON object in answer to this very request. */
async function ask({ name, values, input }) {
  const url = new URL(`/hooks/${name}`, values.remit);
  if (url.protocol !== "https:" && !isLoopback(url)) throw new Error("remit must be asked over https, or http on loopback");
  const id = randomUUID();
  const file = values["api-key-file"];
  const key = file === undefined ? {} : { "x-api-key": readFileSync(file, "utf8").trim() };
  const headers = Object.fromEntries(values.header.map((line) => [line.split(":", 1)[0], line.slice(line.indexOf(":") + 1).trim()]));
  const response = await fetch(url, {
    method: "POST",
    headers: { ...headers, ...key, "content-type": "application/json", "x-request-id": id },
    body: input,
    redirect: "error",
    signal: AbortSignal.timeout(Number(values["timeout-ms"])),
  });
  const text = await readText(response);
  if (response.status !== 200) throw new Error(`remit answered with status ${response.status}`);
  // An empty object means "no opinion" to the agent, so it must be known to be Remit's.
  if (response.headers.get("x-request-id") !== id) throw new Error("the answer is not remit's");
  const answer = JSON.parse(text);
  if (typeof answer !== "object" || answer === null || Array.isArray(answer)) throw new Error("remit gave no valid answer");
  return answer;
}

function isLoopback({ protocol, hostname }) {
  return protocol === "http:" && (hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname));
}

async function readText(response) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > answerBytesMax) throw new Error("the answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Codex blocks by status 2 only with a text on standard error; the others read the JSON too. */
function refuse(thrown) {
  const cause = thrown instanceof Error ? (thrown.cause instanceof Error ? thrown.cause.message : thrown.message) : String(thrown);
  const reason = `not allowed: no decision from remit (${cause || "no answer"})`;
  const agent = Object.hasOwn(agents, process.argv[2] ?? "") ? agents[process.argv[2]] : undefined;
  try {
    if (agent !== undefined) writeSync(1, `${JSON.stringify(agent.no(reason))}\n`);
    writeSync(2, `${reason}\n`);
  } finally {
    process.exit(2);
  }
}

process.on("uncaughtException", refuse);
main().catch(refuse);
