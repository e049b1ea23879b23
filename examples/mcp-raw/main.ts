import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface, type Interface } from "node:readline";
import { parseArgs } from "node:util";
import { createRemit, type Message, type Side } from "./remit.ts";

/**
 * Stands between an MCP client and one MCP server on stdio, and passes on only what Remit lets pass:
 * `main.ts --remit URL --server NAME [--header 'name: value']... -- COMMAND [ARGUMENT]...`
 */
const { values, positionals } = parseArgs({
  options: {
    remit: { type: "string", default: "http://127.0.0.1:8181" },
    server: { type: "string" },
    header: { type: "string", multiple: true, default: [] },
    timeout_ms: { type: "string", default: "2000" },
  },
  allowPositionals: true,
});
const [command, ...args] = positionals;
if (command === undefined || values.server === undefined) throw new Error("usage: main.ts --server NAME -- COMMAND [ARGUMENT]...");

const ask = createRemit({
  url: values.remit,
  timeoutMs: Number(values.timeout_ms),
  headers: { "x-remit-session": randomUUID(), ...headersOf(values.header), "x-remit-server": values.server },
  apiKey: process.env.REMIT_API_KEY,
});
const { REMIT_API_KEY: _, ...environment } = process.env;
const server = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], env: environment });
const toServer = (line: string) => void server.stdin.write(`${line}\n`);
const toClient = (line: string) => void process.stdout.write(`${line}\n`);
relay(createInterface({ input: process.stdin }), { side: "client", pass: toServer, refuse: toClient, ended: () => server.stdin.end() });
relay(createInterface({ input: server.stdout }), { side: "server", pass: toClient, refuse: toServer, ended: () => undefined });
endWith(server);

interface Relay {
  readonly side: Side;
  readonly pass: (line: string) => void;
  /** Takes what the sender is told instead. */
  readonly refuse: (line: string) => void;
  readonly ended: () => void;
}

/** One line after the other, so that nothing overtakes; what was judged is passed on byte for byte. */
function relay(lines: Interface, { side, pass, refuse, ended }: Relay): void {
  let last = Promise.resolve();
  lines.on("line", (line) => {
    if (line.trim() === "") return;
    last = last.then(async () => {
      const refused = await ask(side, line);
      if (refused === null) return pass(line);
      // A result that may not pass: its caller must not wait for ever.
      const told = JSON.stringify(refused);
      return side === "server" && isAnswer(line) ? pass(told) : refuse(told);
    });
  });
  lines.on("close", () => void last.then(ended));
}

function isAnswer(line: string): boolean {
  try {
    return (JSON.parse(line) as Message).method === undefined;
  } catch {
    return false;
  }
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((line) => [line.split(":", 1)[0] ?? "", line.slice(line.indexOf(":") + 1).trim()]));
}

function endWith(child: ChildProcess): void {
  child.once("exit", (code) => process.exit(code ?? 1));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
}
